"""Programs talk to a model by OpenAI's responses: whole, as events, with tools, and as Codex does it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import openai
import pytest
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from backends.api import asking
from backends.api.errors import ApiError, bad, loading
from backends.api.responses_events import ResponseEvents
from tests.kit.api_server import ApiServed, api_server, endless_server
from tests.kit.chatting import LONG, MODEL, strict, user
from tests.kit.ggufs import ANSWER, REASONING, Script, random_model, scripted_model
from tests.kit.tool_calls import GENERATIONS, spoken

RESPONSES = "/v1/responses"
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 12}, "days": {"type": "integer", "maximum": 99}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
CLOCK = {"type": "function", "name": "clock", "description": None, "parameters": None, "strict": True}
TWO_CALLS = spoken(GENERATIONS["r1"], ("get_weather", {"city": "Zürich 北京"}), ("clock", {}))


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    scripts = [
        Script("Both of them.", f"See here:\n\n{TWO_CALLS}", word="twice"),
    ]
    path = scripted_model(tmp_path_factory.mktemp("responses") / "scripted.gguf", scripts=scripts)
    with api_server(tmp_path_factory.mktemp("home"), [path], context=4096) as server:
        yield server


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    path = random_model(tmp_path_factory.mktemp("responses") / "random.gguf")
    with api_server(tmp_path_factory.mktemp("home"), [path], context=4096) as server:
        yield server


def whole(served: ApiServed, **asked: Any) -> Any:
    with strict(served) as client:
        create: Any = client.responses.create
        return create(**({"model": MODEL} | asked))


def lines(served: ApiServed, **asked: Any) -> Iterator[dict[str, Any]]:
    """Every event of a stream as it comes, which OpenAI's own types have to know."""
    with (
        served.client(timeout=LONG) as client,
        client.stream("POST", RESPONSES, json={"model": MODEL, "stream": True, **asked}) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                assert event["type"] == name
                assert EVENT.validate_python(event).type == name
                yield event


def events(served: ApiServed, **asked: Any) -> list[dict[str, Any]]:
    found = list(lines(served, **asked))
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


def kinds(found: Sequence[dict[str, Any]]) -> list[str]:
    """Their types, each once where it comes again and again."""
    types = [event["type"].removeprefix("response.") for event in found]
    return [one for one, before in zip(types, ["", *types], strict=False) if one != before]


def content(response: dict[str, Any]) -> list[dict[str, Any]]:
    """Its output without what is new every time."""
    return [{key: value for key, value in item.items() if key not in ("id", "call_id")} for item in response["output"]]


# ---- an answer


def test_an_answer_with_its_thinking(scripted: ApiServed) -> None:
    answer = whole(scripted, input="Hello!", metadata={"a": "b"}, instructions="Be brief.", store=True)
    thought, message = answer.output
    assert thought.type == "reasoning"
    assert [part.text for part in thought.content] == [REASONING]
    assert (message.type, answer.output_text, answer.status) == ("message", ANSWER, "completed")
    assert (answer.metadata, answer.instructions, answer.store) == ({"a": "b"}, "Be brief.", False)
    assert (answer.error, answer.incomplete_details, answer.previous_response_id) == (None, None, None)
    usage = answer.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert 0 < usage.output_tokens_details.reasoning_tokens < usage.output_tokens
    again = whole(scripted, input="Hello!", instructions="Be brief.").usage
    assert again.input_tokens_details.cached_tokens == again.input_tokens - 1


def test_a_stream_in_its_order(scripted: ApiServed) -> None:
    found = events(scripted, input="Hello!")
    assert kinds(found) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    for number, (kind, text) in enumerate((("reasoning_text", REASONING), ("output_text", ANSWER))):
        inside = [event for event in found if event["type"].startswith(f"response.{kind}.")]
        assert "".join(event.get("delta", "") for event in inside) == inside[-1]["text"] == text
        assert {(event["output_index"], event["content_index"]) for event in inside} == {(number, 0)}
        added, done = (event for event in found if "item" in event and event["output_index"] == number)
        assert {event["item_id"] for event in inside} == {added["item"]["id"]} == {done["item"]["id"]}
        assert (added["item"]["content"], added["item"]["status"]) == ([], "in_progress")
    last = found[-1]["response"]
    assert [event["item"] for event in found if event["type"].endswith("item.done")] == last["output"]
    assert content(last) == content(whole(scripted, input="Hello!").model_dump(exclude_unset=True))
    assert last["usage"]["output_tokens_details"]["reasoning_tokens"] > 0
    assert found[0]["response"]["id"] == last["id"]
    assert (found[0]["response"]["status"], found[0]["response"]["output"]) == ("in_progress", [])


def test_the_real_client_reads_a_stream(scripted: ApiServed) -> None:
    with strict(scripted) as client, client.responses.stream(model=MODEL, input="Hello!") as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert text == final.output_text == ANSWER


def test_an_answer_that_is_cut_off(scripted: ApiServed) -> None:
    asked: dict[str, Any] = {"input": "Hello!", "max_output_tokens": 20}
    answer, last = whole(scripted, **asked), events(scripted, **asked)[-1]
    assert last["type"] == "response.incomplete"
    assert content(last["response"]) == content(answer.model_dump(exclude_unset=True))
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert [item["status"] for item in last["response"]["output"]] == ["completed", "incomplete"]
    nothing = events(scripted, input="Hello!", max_output_tokens=0)
    assert kinds(nothing) == ["created", "in_progress", "incomplete"]


def test_probabilities(scripted: ApiServed) -> None:
    asked: dict[str, Any] = {"input": "Hello!", "top_logprobs": 2, "include": ["message.output_text.logprobs"]}
    part = whole(scripted, **asked).output[-1].content[0]
    assert "".join(bytes(one.bytes).decode() for one in part.logprobs).strip() == ANSWER
    assert {len(one.top_logprobs) for one in part.logprobs} == {2}
    found = events(scripted, **asked)
    deltas = [one for event in found if event["type"] == "response.output_text.delta" for one in event["logprobs"]]
    done = next(event for event in found if event["type"] == "response.output_text.done")
    assert [one["token"] for one in deltas] == [one.token for one in part.logprobs]
    assert done["logprobs"] == deltas


def test_what_has_to_fit_a_schema(random: ApiServed) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"]}
    schema |= {"additionalProperties": False}
    form = {"format": {"type": "json_schema", "name": "number", "schema": schema, "strict": True}}
    asked: dict[str, Any] = {"input": "Go", "text": form, "reasoning": {"effort": "none"}, "temperature": 1.5}
    answer = whole(random, **asked)
    jsonschema.validate(json.loads(answer.output_text), schema)
    assert answer.text.format.type == "json_schema"
    asked["text"] = {"format": {"type": "json_object"}}
    assert events(random, **asked, max_output_tokens=30)[0]["response"]["text"] == asked["text"]


# ---- tools


def test_calls_of_tools(scripted: ApiServed) -> None:
    asked: dict[str, Any] = {"input": "twice", "tools": [WEATHER, CLOCK, {"type": "web_search"}]}
    found = events(scripted, **asked)
    _, message, *called = found[-1]["response"]["output"]
    assert message["content"][0]["text"] == "See here:"
    assert [(call["name"], json.loads(call["arguments"])) for call in called] == [
        ("get_weather", {"city": "Zürich 北京"}),
        ("clock", {}),
    ]
    assert kinds(found)[-9:] == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ] * 2 + ["completed"]
    for number, call in enumerate(called, 2):
        inside = [event for event in found if event.get("item_id") == call["id"]]
        assert {event["output_index"] for event in inside} == {number}
        assert "".join(event.get("delta", "") for event in inside) == inside[-1]["arguments"] == call["arguments"]
    answer = whole(scripted, **asked)
    assert content(answer.model_dump(exclude_unset=True)) == content(found[-1]["response"])
    assert [tool.name for tool in answer.tools] == ["get_weather", "clock"]
    one = whole(scripted, **asked, parallel_tool_calls=False)
    assert [item.name for item in one.output if item.type == "function_call"] == ["get_weather"]
    assert not one.parallel_tool_calls


def test_the_result_of_a_call_goes_back(scripted: ApiServed) -> None:
    tools = [WEATHER, CLOCK]
    said = whole(scripted, input=[{"role": "user", "content": "twice"}], tools=tools).output
    results = [
        {"type": "function_call_output", "call_id": item.call_id, "output": output}
        for item, output in zip(said[2:], ("sunny", [{"type": "input_text", "text": "noon"}]), strict=True)
        if item.type == "function_call"
    ]
    history = [*user("twice"), *(item.model_dump(exclude_none=True) for item in said), *results, *user("So?")]
    answer = whole(scripted, input=history, tools=tools)
    assert answer.output_text == ANSWER
    alone = whole(scripted, input=[*user("twice"), *user("So?")], tools=tools)
    assert answer.usage.input_tokens > alone.usage.input_tokens


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "get_weather"}], ids=["required", "named"])
def test_a_call_that_has_to_be_made(random: ApiServed, choice: Any) -> None:
    asked: dict[str, Any] = {"input": "Go", "tools": [WEATHER], "tool_choice": choice, "temperature": 1.5}
    asked["parallel_tool_calls"] = False
    found = events(random, **asked, reasoning={"effort": "none"}, seed=3)[-1]["response"]
    assert found["tool_choice"] == choice
    (call,) = (item for item in found["output"] if item["type"] == "function_call")
    jsonschema.validate(json.loads(call["arguments"]), WEATHER["parameters"])


def test_as_codex_asks(scripted: ApiServed) -> None:
    """The twelve fields it sends, a history as it keeps it, and tools of which most do not exist here."""
    asked: dict[str, Any] = {
        "instructions": "You are a coding agent running in a terminal. Be precise, safe and helpful.",
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "<permissions/>"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment_context/>"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List the files."}]},
            {"type": "reasoning", "summary": [], "content": None, "encrypted_content": None},
            {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "ls"}},
            {"type": "function_call", "name": "shell", "arguments": '{"command":["ls"]}', "call_id": "call_1"},
            {"type": "function_call_output", "call_id": "call_1", "output": '{"output":"a.txt","metadata":{}}'},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "There is a.txt."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Thank you!"}]},
        ],
        "tools": [
            {
                "type": "function",
                "name": "shell",
                "description": "Runs a shell command and returns its output.",
                "strict": False,
                "parameters": {
                    "type": "object",
                    "properties": {"command": {"type": "array", "items": {"type": "string"}}},
                    "required": ["command"],
                    "additionalProperties": False,
                },
            },
            {"type": "local_shell"},
            {"type": "web_search", "external_web_access": False},
            {"type": "image_generation", "output_format": "png"},
            {"type": "namespace", "name": "mcp__x", "description": "", "tools": []},
            {"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark"}},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "0198a9d4-0000-7000-8000-000000000000",
        "client_metadata": {"originator": "codex_cli_rs"},
    }
    found = events(scripted, **asked)
    assert found[-1]["type"] == "response.completed"
    assert found[-1]["response"]["output"][-1]["content"][0]["text"] == ANSWER
    assert found[-1]["response"]["prompt_cache_key"] == asked["prompt_cache_key"]


# ---- what goes wrong

IMAGE = {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}]}


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"input": []}, "input"),
        ({"input": 7}, "input"),
        ({"input": [7]}, "input.0"),
        ({"input": [*user("a"), IMAGE]}, "input.1.content.0"),
        ({"input": [{"role": "critic", "content": "a"}]}, "input.0.role"),
        ({"input": [{"type": ["message"], "role": "user", "content": "a"}]}, "input.0.type"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input.0.type"),
        ({"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]}, "input.0.call_id"),
        ({"input": [{"type": "function_call", "call_id": "c", "arguments": "{}"}]}, "input.0.name"),
        ({"input": [{"type": "reasoning", "content": "hm"}]}, "input.0.content"),
        ({"input": [{"type": "web_search_call"}]}, "input"),
        ({"tools": [{"type": "function"}]}, "tools.0.name"),
        ({"tools": [{"type": "web_search"}], "tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        ({"text": {"format": {"type": "json_schema", "schema": {"not": {}}}}}, "text.format"),
        ({"reasoning": {"effort": "immense"}}, "reasoning.effort"),
        ({"max_output_tokens": -1}, "max_output_tokens"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"temperature": -1}, "temperature"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"input": "word " * 5000}, "input"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_what_is_refused_is_named(scripted: ApiServed, asked: dict[str, Any], param: str) -> None:
    """Before anything is streamed: as JSON, with its own status."""
    with scripted.client(timeout=LONG) as client:
        answer = client.post(RESPONSES, json={"model": MODEL, "input": "Hello!", "stream": True} | asked)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] == param, error
    assert (error["code"] == "context_length_exceeded") == (len(str(asked.get("input"))) > 1000)


def test_an_unknown_model(scripted: ApiServed) -> None:
    with pytest.raises(openai.NotFoundError):
        whole(scripted, model="gpt-unheard-of", input="Hello!")


def test_an_answer_that_is_stopped_says_so(tmp_path: Path) -> None:
    """Its person has ended it at the window, after the first words."""
    with endless_server(tmp_path) as served:
        live, last = served.services.api.live, {}
        for event in lines(served, input="endless"):
            if event["type"] == "response.output_text.delta":
                for call in live.all():
                    live.cancel(call.id)
            last = event
    assert last["type"] == "response.failed"
    assert (last["response"]["status"], last["response"]["error"]["code"]) == ("failed", "server_error")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (bad("Too long.", "input", "context_length_exceeded"), "context_length_exceeded"),
        (ApiError(429, "Slowly.", "rate_limit_exceeded"), "rate_limit_exceeded"),
        (loading(), "server_error"),
        (bad("No."), "invalid_prompt"),
    ],
    ids=["context", "rate", "loading", "wrong"],
)
def test_a_stream_that_fails_has_a_code(error: ApiError, code: str) -> None:
    told = ResponseEvents({"model": MODEL, "tools": [], "tool_choice": "auto", "parallel_tool_calls": True})
    *_, before = told.begin()
    failed = told.fail(error)
    assert failed["sequence_number"] == before["sequence_number"] + 1
    assert failed["response"]["error"] == {"code": code, "message": error.message}
    if code != "context_length_exceeded":  # which OpenAI's types do not know, but its programs do
        EVENT.validate_python(failed)


def test_a_sign_of_life_while_a_prompt_is_read(scripted: ApiServed, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an event, which is what Codex waits for; here after every millisecond of silence."""
    monkeypatch.setattr(asking, "PING", 0.001)
    found = events(scripted, input="word " * 700, max_output_tokens=9)
    assert [event["type"] for event in found].count("response.in_progress") > 1
    assert kinds(found)[:3] == ["created", "in_progress", "output_item.added"]
    with strict(scripted) as client, client.responses.stream(model=MODEL, input="word " * 690) as stream:
        assert stream.get_final_response().status == "completed"
