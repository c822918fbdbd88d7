"""Models call tools over OpenAI's chat: what is told of a call is so, whole and as it comes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.kit.api_server import ApiServed, api_server
from tests.kit.chatting import chunks, joined, refused, user, whole
from tests.kit.ggufs import (
    ANSWER,
    V4_TEMPLATE,
    V31_TEMPLATE,
    V32_TEMPLATE,
    Script,
    random_model,
    scripted_model,
)
from tests.kit.tool_calls import GENERATIONS, spoken

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"enum": ["Paris", "Zürich", "北京"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 9999},
            },
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock"}}
TEMPLATES = {"v3.1": V31_TEMPLATE, "v3.2": V32_TEMPLATE, "v4": V4_TEMPLATE}
CALL = spoken(GENERATIONS["r1"], ("get_weather", {"city": "Paris", "days": 2}))
TWO_CALLS = spoken(GENERATIONS["r1"], ("get_weather", {"city": "北京"}), ("clock", {}))
NO_CALL = CALL.replace('"days": 2}', '"days": or so')


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    scripts = [
        Script("It is asked for.", f"I look.\n\n{CALL}", word="weather"),
        Script("Both of them.", f"See here:\n\n{TWO_CALLS}", word="twice"),
        Script("This one fails.", f"Oh: {NO_CALL}", word="broken"),
    ]
    path = scripted_model(tmp_path_factory.mktemp("tools") / "scripted.gguf", scripts=scripts)
    with api_server(tmp_path_factory.mktemp("home"), [path], context=4096) as server:
        yield server


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    path = random_model(tmp_path_factory.mktemp("tools") / "random.gguf")
    with api_server(tmp_path_factory.mktemp("home"), [path], parallel=8, context=16384) as server:
        yield server


@pytest.mark.parametrize("word", ["weather", "twice", "broken"])
def test_calls_are_told_when_they_are_certain(scripted: ApiServed, word: str) -> None:
    asked: dict[str, Any] = {"messages": user(word), "tools": [WEATHER, CLOCK]}
    (choice,) = whole(scripted, **asked).choices
    said = joined(chunks(scripted, **asked))
    calls = choice.message.tool_calls or []
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        (call["name"], call["arguments"]) for call in said["calls"]
    ]
    assert said["content"] == (choice.message.content or "")
    assert said["reasons"] == [choice.finish_reason]
    if word == "broken":
        assert (choice.finish_reason, choice.message.content) == ("stop", f"Oh: {NO_CALL}")
        return
    assert choice.finish_reason == "tool_calls"
    wanted = {"weather": [{"city": "Paris", "days": 2}], "twice": [{"city": "北京"}, {}]}
    assert [json.loads(call["arguments"]) for call in said["calls"]] == wanted[word]


@pytest.mark.parametrize("name", ["v3.1", "v3.2", "v4"])
def test_calls_of_every_generation(tmp_path: Path, name: str) -> None:
    call = spoken(GENERATIONS[name], ("get_weather", {"city": "Paris", "days": 2}))
    calling = Script("It is asked for.", f"I look.\n\n{call}", word="weather")
    path = scripted_model(tmp_path / "calling.gguf", template=TEMPLATES[name], scripts=[calling])
    with api_server(tmp_path / "home", [path]) as served:
        said = joined(chunks(served, messages=user("weather"), tools=[WEATHER], thinking={"type": "enabled"}))
        assert (said["reasoning"], said["content"]) == ("It is asked for.", "I look.")
        assert [json.loads(one["arguments"]) for one in said["calls"]] == [{"city": "Paris", "days": 2}]
        assert said["reasons"] == ["tool_calls"]
        made = [{"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]
        asked = {"role": "assistant", "content": "", "reasoning_content": "It is.", "tool_calls": made}
        history = [*user("weather"), asked, {"role": "tool", "tool_call_id": "c", "content": "sunny"}]
        assert whole(served, messages=[*history, *user("So?")], tools=[WEATHER]).choices[0].message.content == ANSWER


def test_one_call_at_most_for_who_cannot_do_with_more(scripted: ApiServed) -> None:
    asked: dict[str, Any] = {"messages": user("twice"), "tools": [WEATHER, CLOCK], "parallel_tool_calls": False}
    assert [call.function.name for call in whole(scripted, **asked).choices[0].message.tool_calls] == ["get_weather"]
    assert [call["name"] for call in joined(chunks(scripted, **asked))["calls"]] == ["get_weather"]


def test_tools_may_be_forbidden(scripted: ApiServed) -> None:
    (choice,) = whole(scripted, messages=user("weather"), tools=[WEATHER], tool_choice="none").choices
    assert (choice.finish_reason, choice.message.tool_calls) == ("stop", None)


def test_the_result_of_a_call_goes_back(scripted: ApiServed) -> None:
    message = whole(scripted, messages=user("weather"), tools=[WEATHER]).choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny"}
    history = [*user("weather"), message.model_dump(exclude_none=True), result, *user("So?")]
    assert whole(scripted, messages=history, tools=[WEATHER]).choices[0].message.content == ANSWER


def test_a_tool_that_no_grammar_can_say_is_offered_all_the_same(scripted: ApiServed) -> None:
    odd = {"type": "object", "properties": {"x": {"not": {"type": "string"}, "if": {}}}, "unevaluatedProperties": False}
    tool = {"type": "function", "function": {"name": "odd", "parameters": odd, "strict": None}}
    assert whole(scripted, messages=user("Hello!"), tools=[tool]).choices[0].finish_reason == "stop"
    error = refused(scripted, messages=user("Hello!"), tools=[tool], tool_choice="required")
    assert (error["code"], error["param"]) == ("bad_schema", "tools")


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "get_weather"}}], ids=["required", "named"]
)
def test_a_call_that_has_to_be_made_is_always_right(random: ApiServed, choice: Any) -> None:
    asked: dict[str, Any] = {"messages": user("Go"), "tools": [WEATHER, CLOCK], "tool_choice": choice}
    asked |= {"temperature": 1.5, "n": 8, "reasoning_effort": "none", "max_tokens": 1500}
    answers = [one.message for one in whole(random, seed=1, **asked).choices]
    calls = [(call.function.name, call.function.arguments) for one in answers for call in one.tool_calls]
    stream = chunks(random, seed=100, **asked)
    calls += [(call["name"], call["arguments"]) for n in range(8) for call in joined(stream, n)["calls"]]
    assert len(calls) >= 16
    assert len(set(calls)) >= 4
    for name, arguments in calls:
        schema = WEATHER["function"]["parameters"] if name == "get_weather" else {"maxProperties": 0}
        jsonschema.validate(json.loads(arguments), schema)
        assert choice == "required" or name == "get_weather"


def test_a_call_that_is_cut_off_says_so(random: ApiServed) -> None:
    asked: dict[str, Any] = {"messages": user("Go"), "tools": [WEATHER], "tool_choice": "required", "max_tokens": 10}
    asked |= {"reasoning_effort": "none", "seed": 1}
    (choice,) = whole(random, **asked).choices
    assert choice.finish_reason == "length"
    said = joined(chunks(random, **asked))
    assert said["reasons"] == ["length"]
    assert [call["arguments"] for call in said["calls"]] == [
        call.function.arguments for call in choice.message.tool_calls or ()
    ]
