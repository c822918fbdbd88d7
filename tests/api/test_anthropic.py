"""Programs talk to a model by Anthropic's messages, with Anthropic's own client, at a real socket."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import anthropic
import jsonschema
import pytest
from anthropic.types import RawMessageStreamEvent
from pydantic import TypeAdapter

from backends.api import sse
from tests.kit.api_server import ApiServed, api_server, endless_server
from tests.kit.chatting import LONG, MODEL, user
from tests.kit.ggufs import ANSWER, REASONING, Script, random_model, scripted_model
from tests.kit.tool_calls import GENERATIONS, spoken

MESSAGES = "/v1/messages"
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 12}, "days": {"type": "integer", "maximum": 99}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
CLOCK = {"name": "clock", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}
TWO_CALLS = spoken(GENERATIONS["r1"], ("get_weather", {"city": "Zürich 北京"}), ("clock", {}))


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    scripts = [
        Script("Both of them.", f"See here:\n\n{TWO_CALLS}", word="twice"),
    ]
    path = scripted_model(tmp_path_factory.mktemp("anthropic") / "scripted.gguf", scripts=scripts, breaks=True)
    with api_server(tmp_path_factory.mktemp("home"), [path], context=4096) as server:
        yield server


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    path = random_model(tmp_path_factory.mktemp("anthropic") / "random.gguf")
    with api_server(tmp_path_factory.mktemp("home"), [path], context=4096) as server:
        yield server


def strict(served: ApiServed) -> anthropic.Anthropic:
    """The real client, as Claude Code uses it; what does not fit its types is an error, and nothing is asked twice."""
    return anthropic.Anthropic(
        base_url=served.url, api_key=served.key, max_retries=0, timeout=LONG, _strict_response_validation=True
    )


def whole(served: ApiServed, **asked: Any) -> Any:
    with strict(served) as client:
        create: Any = client.messages.create
        return create(**({"model": MODEL, "max_tokens": 1000} | asked))


def lines(served: ApiServed, **asked: Any) -> Iterator[dict[str, Any]]:
    """Every event of a stream as it comes, which Anthropic's own types have to know."""
    body = {"model": MODEL, "max_tokens": 1000, "stream": True, **asked}
    with served.client(timeout=LONG) as client, client.stream("POST", MESSAGES, json=body) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in answer.iter_lines():
            assert not line.startswith(":")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                assert event["type"] == name
                if name not in ("ping", "error"):
                    assert EVENT.validate_python(event).type == name
                if name != "ping":
                    yield event


def kinds(found: Sequence[dict[str, Any]]) -> list[str]:
    """Their types, each once where it comes again and again."""
    types = [event["delta"]["type"] if "index" in event and "delta" in event else event["type"] for event in found]
    return [one for one, before in zip(types, ["", *types], strict=False) if one != before]


def content(message: Any) -> list[dict[str, Any]]:
    """Its blocks without what is new every time."""
    return [{key: value for key, value in block.to_dict().items() if key != "id"} for block in message.content]


def prompt(usage: Any) -> int:
    return usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens


# ---- an answer


def test_an_answer_with_its_thinking(scripted: ApiServed) -> None:
    asked: dict[str, Any] = {"messages": user("Hello!"), "system": "Be brief.", "metadata": {"user_id": "me"}}
    answer = whole(scripted, **asked)
    thought, text = answer.content
    assert (thought.type, thought.thinking, text.type, text.text) == ("thinking", REASONING, "text", ANSWER)
    assert (answer.role, answer.stop_reason, answer.stop_sequence) == ("assistant", "end_turn", None)
    assert answer.usage.output_tokens > answer.usage.output_tokens_details.thinking_tokens > 0
    again = whole(scripted, **asked).usage
    assert again.input_tokens == 1  # the last token is always computed
    assert prompt(again) == prompt(answer.usage)


def test_a_stream_in_its_order(scripted: ApiServed) -> None:
    found = list(lines(scripted, messages=user("Hello!"), stop_sequences=["nowhere"]))
    assert kinds(found) == [
        "message_start",
        "content_block_start",
        "thinking_delta",
        "signature_delta",
        "content_block_stop",
        "content_block_start",
        "text_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    start, delta = found[0]["message"], found[-2]
    assert (start["content"], start["stop_reason"], start["usage"]["output_tokens"]) == ([], None, 0)
    assert start["usage"]["input_tokens"] > 0
    for name in ("input_tokens", "cache_read_input_tokens"):
        assert start["usage"][name] == delta["usage"][name]
    assert delta["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert [event["index"] for event in found if event["type"] == "content_block_start"] == [0, 1]
    for number, (name, words) in enumerate((("thinking", REASONING), ("text", ANSWER))):
        parts = [event["delta"].get(name, "") for event in found if "delta" in event and event.get("index") == number]
        assert "".join(parts) == words


def test_the_real_client_reads_a_stream(scripted: ApiServed) -> None:
    with (
        strict(scripted) as client,
        client.messages.stream(model=MODEL, max_tokens=1000, messages=user("Hello!")) as stream,  # type: ignore[arg-type]
    ):
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == ANSWER
    assert content(final) == content(whole(scripted, messages=user("Hello!")))


@pytest.mark.parametrize("stream", [False, True])
def test_it_is_told_which_sequence_ended_it(scripted: ApiServed, stream: bool) -> None:
    stops = ["nowhere", "model.", "ted** mo"]
    asked: dict[str, Any] = {"messages": user("Hello!"), "stop_sequences": stops}
    if stream:
        found = list(lines(scripted, **asked))
        text = "".join(event["delta"].get("text", "") for event in found if "delta" in event)
        ended = found[-2]["delta"]
    else:
        answer = whole(scripted, **asked)
        text, ended = answer.content[-1].text, answer.to_dict()
    assert text == ANSWER[: ANSWER.index(stops[2])]
    assert (ended["stop_reason"], ended["stop_sequence"]) == ("stop_sequence", stops[2])


def test_an_answer_that_is_cut_off(scripted: ApiServed) -> None:
    answer = whole(scripted, messages=user("Hello!"), max_tokens=20)
    assert answer.stop_reason == "max_tokens"
    assert ANSWER.startswith(answer.content[-1].text)
    *_, delta, _ = lines(scripted, messages=user("Hello!"), max_tokens=20)
    assert (delta["delta"]["stop_reason"], delta["usage"]["output_tokens"]) == ("max_tokens", 20)
    nothing = list(lines(scripted, messages=user("Hello!"), max_tokens=0))
    assert kinds(nothing) == ["message_start", "message_delta", "message_stop"]


def test_an_answer_that_is_begun_goes_on(random: ApiServed) -> None:
    schema = {"type": "object", "properties": {"a": {"const": 456}}, "required": ["a"], "additionalProperties": False}
    config = {"format": {"type": "json_schema", "schema": schema}}
    begun = [*user("Go"), {"role": "assistant", "content": [{"type": "text", "text": '{"a": 4'}]}]
    (block,) = whole(random, messages=begun, output_config=config).content
    assert json.loads('{"a": 4' + block.text) == {"a": 456}


@pytest.mark.parametrize(
    ("thinking", "thinks"),
    [
        ({"type": "disabled"}, False),
        ({"type": "enabled", "budget_tokens": 2000}, True),
        ({"type": "enabled", "budget_tokens": 0}, False),
        ({"type": "adaptive"}, True),
    ],
    ids=["disabled", "enabled", "no budget", "adaptive"],
)
def test_thinking_may_be_switched(scripted: ApiServed, thinking: dict[str, Any], thinks: bool) -> None:
    asked: dict[str, Any] = {"messages": user("Hello!"), "thinking": thinking, "output_config": {"effort": "high"}}
    answer = whole(scripted, **asked)
    assert [block.type for block in answer.content] == (["thinking", "text"] if thinks else ["text"])
    assert answer.content[-1].text == ANSWER


def test_what_claude_code_sends(scripted: ApiServed) -> None:
    """Blocks everywhere, marks of caching, betas, tools of Anthropic's own, and no limit from who forgets it."""
    cached = {"cache_control": {"type": "ephemeral"}}
    body = {
        "model": MODEL,
        "system": [
            {"type": "text", "text": "You are a coding agent.", **cached},
            {"type": "text", "text": "Be brief."},
        ],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "<reminder/>"}, {"type": "text", "text": "Hi"}]},
            {
                "role": "assistant",
                "content": [{"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "a"}],
            },
            {"role": "user", "content": [{"type": "text", "text": "Hello!", **cached}]},
        ],
        "tools": [WEATHER, {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}],
        "metadata": {"user_id": "user_1"},
        "context_management": {"edits": []},
        "temperature": 1,
        "top_k": 40,
        "top_p": 0.9,
    }
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "claude-code-20250219", "x-api-key": scripted.key}
    with scripted.client("", timeout=LONG) as client:
        answer = client.post(f"{MESSAGES}?beta=true", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["content"][-1]["text"] == ANSWER


def test_tokens_are_counted_before(scripted: ApiServed) -> None:
    asked: dict[str, Any] = {"model": MODEL, "system": "Be brief.", "messages": user("Hello!"), "tools": [WEATHER]}
    with strict(scripted) as client:
        counted = client.messages.count_tokens(**asked).input_tokens
        without = client.messages.count_tokens(**{**asked, "tools": []}).input_tokens
    assert counted == prompt(whole(scripted, **asked, max_tokens=0).usage) > without


def test_what_has_to_fit_a_schema(random: ApiServed) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"]}
    form = {"type": "json_schema", "schema": schema | {"additionalProperties": False}}
    asked: dict[str, Any] = {"output_config": {"format": form}, "extra_body": {"temperature": 1.5}}
    answer = whole(random, messages=user("Go"), thinking={"type": "disabled"}, **asked)
    jsonschema.validate(json.loads(answer.content[0].text), form["schema"])


# ---- tools


def test_calls_of_tools(scripted: ApiServed) -> None:
    asked: dict[str, Any] = {"messages": user("twice"), "tools": [WEATHER, CLOCK]}
    answer = whole(scripted, **asked)
    assert answer.stop_reason == "tool_use"
    _, text, *called = answer.content
    assert text.text == "See here:"
    assert [(call.name, call.input) for call in called] == [("get_weather", {"city": "Zürich 北京"}), ("clock", {})]
    with strict(scripted) as client, client.messages.stream(model=MODEL, max_tokens=1000, **asked) as stream:
        assert content(stream.get_final_message()) == content(answer)
    single = {"type": "auto", "disable_parallel_tool_use": True}
    one = whole(scripted, **asked, tool_choice=single)
    assert [block.name for block in one.content if block.type == "tool_use"] == ["get_weather"]
    none = whole(scripted, **asked, tool_choice={"type": "none"})
    assert not any(block.type == "tool_use" for block in none.content)


def test_the_results_of_calls_go_back(scripted: ApiServed) -> None:
    first = whole(scripted, messages=user("twice"), tools=[WEATHER, CLOCK])
    ids = [block.id for block in first.content if block.type == "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": ids[0], "content": [{"type": "text", "text": "sunny"}]},
        {"type": "tool_result", "tool_use_id": ids[1], "is_error": True, "content": "It stands."},
    ]
    said = {"role": "assistant", "content": [block.to_dict() for block in first.content]}
    history = [*user("twice"), said, {"role": "user", "content": [*results, {"type": "text", "text": "So?"}]}]
    answer = whole(scripted, messages=history, tools=[WEATHER, CLOCK])
    assert (answer.content[-1].text, answer.stop_reason) == (ANSWER, "end_turn")
    longer = [{**results[0], "content": "sunny, and later on there is going to be a storm"}, results[1]]
    history[-1] = {"role": "user", "content": [*longer, {"type": "text", "text": "So?"}]}
    more = whole(scripted, messages=history, tools=[WEATHER, CLOCK], max_tokens=0)
    assert prompt(more.usage) > prompt(answer.usage)


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}], ids=["any", "named"])
def test_a_call_that_has_to_be_made(random: ApiServed, choice: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"messages": user("Go"), "tools": [WEATHER], "tool_choice": choice}
    asked |= {"thinking": {"type": "disabled"}, "extra_body": {"seed": 3, "temperature": 1.5}}
    answer = whole(random, **asked)
    calls = [block for block in answer.content if block.type == "tool_use"]
    assert calls
    for call in calls:
        jsonschema.validate(call.input, WEATHER["input_schema"])
    with strict(random) as client, client.messages.stream(model=MODEL, max_tokens=1000, **asked) as stream:
        assert content(stream.get_final_message()) == content(answer)
    for most in range(8, 16):  # cut off anywhere: what there is of it, the same both ways
        cut = whole(random, **asked | {"max_tokens": most})
        with strict(random) as client, client.messages.stream(model=MODEL, max_tokens=most, **asked) as stream:
            assert content(stream.get_final_message()) == content(cut)


# ---- what goes wrong

IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hello!"}, "messages"),
        ({"messages": [7]}, "messages.0"),
        ({"messages": [{"role": "user", "content": []}]}, "messages"),
        ({"messages": [{"role": "assistant", "content": "Well,"}]}, "messages"),
        ({"messages": [{"role": "critic", "content": "a"}]}, "messages.0.role"),
        ({"messages": [{"role": ["user"], "content": "a"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, IMAGE]}]}, "messages.0.content.1"),
        ({"messages": [{"role": "user", "content": [{"type": ["text"], "text": "a"}]}]}, "messages.0.content.0"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "a"}]}]}, "tool_use_id"),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "f"}]}]}, "content.0.id"),
        ({"system": 7}, "system"),
        ({"tools": [{"input_schema": {}}]}, "tools.0.name"),
        ({"tools": {}}, "tools"),
        ({"tool_choice": {"type": "any"}}, "called"),
        ({"tool_choice": {"type": "tool", "name": "f"}}, "tool_choice"),
        ({"tool_choice": {"type": ["auto"]}}, "tool_choice.type"),
        ({"tool_choice": {"type": "auto", "disable_parallel_tool_use": 1}}, "disable_parallel_tool_use"),
        ({"thinking": {"type": "now and then"}}, "thinking.type"),
        ({"thinking": {"type": "enabled", "budget_tokens": -5}}, "thinking.budget_tokens"),
        ({"output_config": {"effort": "immense"}}, "output_config.effort"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"stop_sequences": [7]}, "stop_sequences"),
        ({"temperature": -1}, "temperature"),
        ({"messages": [{"role": "user", "content": "word " * 5000}]}, "4096"),
    ],
    ids=lambda value: json.dumps(value)[:70],
)
def test_what_is_refused_is_named(scripted: ApiServed, asked: dict[str, Any], word: str) -> None:
    """Before anything is streamed: as JSON, in Anthropic's shape, with its own status."""
    with scripted.client(timeout=LONG) as client:
        answer = client.post(MESSAGES, json={"messages": user("Hello!"), "max_tokens": 9, "stream": True} | asked)
    assert answer.status_code == 400, answer.text
    told = answer.json()
    assert (told["type"], told["error"]["type"]) == ("error", "invalid_request_error")
    assert word in told["error"]["message"]
    assert told["request_id"] == answer.headers["x-request-id"] == answer.headers["request-id"]


def test_an_unknown_model(scripted: ApiServed) -> None:
    with pytest.raises(anthropic.NotFoundError) as refused:
        whole(scripted, model="claude-unheard-of", messages=user("Hello!"))
    assert refused.value.body["error"]["type"] == "not_found_error"  # type: ignore[index]


def test_an_answer_that_is_stopped_says_so(tmp_path: Path) -> None:
    """Its person has ended it at the window, after the first words."""
    question: Any = user("endless")
    with endless_server(tmp_path) as served:
        live, last = served.services.api.live, {}
        for event in lines(served, messages=question, max_tokens=30_000):
            if event["type"] == "content_block_delta":
                for call in live.all():
                    live.cancel(call.id)
            last = event
        assert (last["type"], last["error"]["type"]) == ("error", "api_error")
        with (
            strict(served) as client,
            client.messages.stream(model=MODEL, max_tokens=30_000, messages=question) as stream,
        ):
            for call in live.all():
                live.cancel(call.id)
            with pytest.raises(anthropic.APIError):
                stream.get_final_message()


def test_silence_is_filled_with_pings(scripted: ApiServed, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a prompt is read; here whenever there is nothing to tell."""
    monkeypatch.setattr(sse, "PING", 0.0)
    body = {"model": MODEL, "max_tokens": 9, "stream": True, "messages": user("word " * 700)}
    with scripted.client(timeout=LONG) as client:
        told = client.post(MESSAGES, json=body).text
    assert 'event: ping\ndata: {"type":"ping"}\n\n' in told
    assert told.startswith("event: message_start\n")
    assert told.endswith('event: message_stop\ndata: {"type":"message_stop"}\n\n')
