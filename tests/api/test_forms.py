"""API-09: a model of random weights answers in the form that is asked for, and calls what it has to, in every dialect.

DESKSEEK_SOAK=200 pytest tests/api/test_forms.py     # so many answers of each form
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jsonschema
import pytest

from tests.kit.api_server import ApiServed, api_server
from tests.kit.ggufs import random_model

RUNS = int(os.environ.get("DESKSEEK_SOAK", "20"))
LONG = 300.0  # seconds
GO = [{"role": "user", "content": "Go"}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]{1,8}$"},
        "size": {"type": "integer", "minimum": -5, "maximum": 99},
        "tags": {"type": "array", "items": {"enum": ["ä", "b c", None, True]}, "minItems": 1, "maxItems": 3},
    },
    "required": ["name", "tags"],
    "additionalProperties": False,
}
OTHER: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
TOOLS = {"make": SCHEMA, "other": OTHER}
Asked = dict[str, Any]
Said = tuple[str, str]  # the name of what is called, "" for an answer; and JSON


# ---- one dialect each: what is asked, and what is made of an answer, whole or as it came

_FUNCTIONS = [{"name": name, "parameters": schema} for name, schema in TOOLS.items()]
_CHAT: Asked = {"messages": GO, "reasoning_effort": "none", "max_tokens": 400}
_CHAT_TOOLS: Asked = {**_CHAT, "tools": [{"type": "function", "function": one} for one in _FUNCTIONS]}
_FORM = {"type": "json_schema", "name": "thing", "schema": SCHEMA}
_ITEMS: Asked = {"input": "Go", "reasoning": {"effort": "none"}, "max_output_tokens": 400}
_ITEM_TOOLS: Asked = {**_ITEMS, "tools": [{"type": "function", **one} for one in _FUNCTIONS]}
_BLOCKS: Asked = {
    "messages": GO,
    "max_tokens": 400,
    "thinking": {"type": "disabled"},
    "tools": [{"name": name, "input_schema": schema} for name, schema in TOOLS.items()],
}
_OLLAMA: Asked = {"messages": GO, "think": False, "format": SCHEMA, "options": {"num_predict": 400}}


def chat(heard: Sequence[Any]) -> Said:
    if "message" in heard[0]["choices"][0]:
        (choice,) = heard[0]["choices"]
        assert choice["finish_reason"] != "length"
        (call,) = choice["message"].get("tool_calls") or [{"function": {"name": "", "arguments": ""}}]
        return call["function"]["name"], call["function"]["arguments"] or choice["message"]["content"]
    deltas = [one["delta"] for chunk in heard for one in chunk["choices"]]
    calls = [call["function"] for delta in deltas for call in delta.get("tool_calls", ())]
    told = "".join(call["arguments"] for call in calls) or "".join(delta.get("content") or "" for delta in deltas)
    return "".join(call.get("name", "") for call in calls), told


def responses(heard: Sequence[Any]) -> Said:
    whole = heard[-1].get("response", heard[-1])
    assert whole["status"] == "completed"
    (item,) = whole["output"]
    calls = item["type"] == "function_call"
    said = (item["name"], item["arguments"]) if calls else ("", item["content"][0]["text"])
    deltas = "".join(one["delta"] for one in heard if one.get("type", "").endswith(".delta"))
    assert deltas in ("", said[1])
    return said


def messages(heard: Sequence[Any]) -> Said:
    if heard[0]["type"] == "message":
        (block,) = heard[0]["content"]
        assert heard[0]["stop_reason"] == "tool_use"
        return block["name"], json.dumps(block["input"])
    (begun,) = [one["content_block"] for one in heard if one["type"] == "content_block_start"]
    return begun["name"], "".join(one["delta"]["partial_json"] for one in heard if one["type"] == "content_block_delta")


def ollama(heard: Sequence[Any]) -> Said:
    assert heard[-1]["done_reason"] == "stop"
    return "", "".join(one["message"]["content"] for one in heard)


Dialect = tuple[str, Callable[[Sequence[Any]], Said], Asked]
NAMED = {"type": "function", "name": "make"}
FORMS: dict[str, tuple[Dialect, ...]] = {
    "schema": (
        (
            "/v1/chat/completions",
            chat,
            {**_CHAT, "response_format": {"type": "json_schema", "json_schema": {"name": "thing", "schema": SCHEMA}}},
        ),
        ("/v1/responses", responses, {**_ITEMS, "text": {"format": _FORM}}),
        ("/api/chat", ollama, _OLLAMA),
    ),
    "required": (
        ("/v1/chat/completions", chat, {**_CHAT_TOOLS, "tool_choice": "required", "parallel_tool_calls": False}),
        ("/v1/responses", responses, {**_ITEM_TOOLS, "tool_choice": "required", "parallel_tool_calls": False}),
        ("/v1/messages", messages, {**_BLOCKS, "tool_choice": {"type": "any", "disable_parallel_tool_use": True}}),
    ),
    "named": (
        (
            "/v1/chat/completions",
            chat,
            {
                **_CHAT_TOOLS,
                "tool_choice": {"type": "function", "function": {"name": "make"}},
                "parallel_tool_calls": False,
            },
        ),
        ("/v1/responses", responses, {**_ITEM_TOOLS, "tool_choice": NAMED, "parallel_tool_calls": False}),
        (
            "/v1/messages",
            messages,
            {**_BLOCKS, "tool_choice": {"type": "tool", "name": "make", "disable_parallel_tool_use": True}},
        ),
    ),
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    path = random_model(tmp_path_factory.mktemp("forms") / "random.gguf")
    with api_server(tmp_path_factory.mktemp("home"), [path], parallel=8, context=16384) as server:
        yield server


def ask(client: httpx.Client, dialect: Dialect, seed: int) -> Said:
    """Every other one as it comes."""
    path, read, asked = dialect
    drawn = {"seed": seed, "temperature": 1.5}
    body = {**asked, "options": {**asked["options"], **drawn}} if path == "/api/chat" else {**asked, **drawn}
    body |= {"stream": seed % 2 == 1}
    if path == "/v1/messages":
        body["temperature"] = 1.0  # the most that Anthropic knows
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    if seed % 2 == 0:
        return read([answer.json()])
    lines = [
        line.removeprefix("data: ") for line in answer.text.splitlines() if line[:1] == "{" or line[:6] == "data: "
    ]
    return read([json.loads(line) for line in lines if line != "[DONE]"])


@pytest.mark.parametrize("form", FORMS)
def test_what_is_asked_for_is_what_comes(served: ApiServed, form: str) -> None:
    dialects = FORMS[form]
    with served.client(timeout=LONG) as client, ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda n: ask(client, dialects[n // 2 % len(dialects)], n), range(RUNS)))
    assert len(said) == RUNS
    assert len(set(said)) > RUNS // 2 or form == "required"
    for name, told in said:
        assert name in {"schema": [""], "required": list(TOOLS), "named": ["make"]}[form]
        jsonschema.validate(json.loads(told), TOOLS.get(name, SCHEMA))
