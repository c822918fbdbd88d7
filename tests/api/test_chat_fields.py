"""What programs send to OpenAI's chat: most of it is understood, and what is not is refused by its name."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.kit.api_server import ApiServed, api_server
from tests.kit.chatting import CHAT, LONG, MODEL, refused, user, whole
from tests.kit.ggufs import ANSWER, scripted_model

WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    path = scripted_model(tmp_path_factory.mktemp("fields") / "scripted.gguf")
    with api_server(tmp_path_factory.mktemp("home"), [path], context=4096) as server:
        yield server


@pytest.mark.parametrize(
    "asked",
    [
        {"messages": [{"role": "developer", "content": "Be brief."}, *user("Hello!")]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo!"}]}]},
        {"messages": [*user("a"), {"role": "assistant", "content": None}, *user("Hello!")]},
        {"messages": [*user("a"), {"role": "function", "name": "f", "content": "1"}, *user("Hello!")]},
        {"metadata": {"a": "b"}, "store": False, "user": "me", "service_tier": "auto", "nonsense": {"x": [None]}},
        {"stream_options": {"include_usage": True}},
        {"cache_prompt": True, "top_k": 40, "min_p": 0.05, "mirostat": 0, "repetition_penalty": 1.05, "typical_p": 1},
        {"dry_multiplier": 0.1, "dry_sequence_breakers": ["\n"], "xtc_probability": 0.1, "repeat_last_n": -1},
        {"temperature": None, "stop": None, "tools": None, "tool_choice": None, "seed": None, "n": None},
        {"tools": [], "tool_choice": "auto", "stop": [], "logit_bias": {}, "response_format": {"type": "text"}},
        {"model": ""},
    ],
    ids=lambda asked: ",".join(asked),
)
def test_what_clients_send_besides(scripted: ApiServed, asked: dict[str, Any]) -> None:
    body = {"model": MODEL, "messages": user("Hello!")} | asked
    with scripted.client(timeout=LONG) as client:
        answer = client.post(CHAT, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == ANSWER


def test_a_developer_is_the_system(scripted: ApiServed) -> None:
    system, developer = (
        whole(scripted, messages=[{"role": role, "content": "Be brief."}, *user("Hello!")], max_tokens=0).usage
        for role in ("system", "developer")
    )
    assert system.prompt_tokens == developer.prompt_tokens


PICTURE = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": {"role": "user"}}, "messages"),
        ({"messages": user("x") * 2001}, "messages"),
        ({"messages": ["x"]}, "messages.0"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": PICTURE}]}, "messages.0.content.0"),
        ({"n": 0}, "n"),
        ({"n": 9}, "n"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"repetition_penalty": 0}, "repetition_penalty"),
        ({"min_p": "much"}, "min_p"),
        ({"mirostat": 3}, "mirostat"),
        ({"seed": 2**63}, "seed"),
        ({"max_tokens": -2}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"stop": "x" * 257}, "stop"),
        ({"stop": 5}, "stop"),
        ({"logit_bias": {"the": 1}}, "logit_bias"),
        ({"logit_bias": {"1": 101}}, "logit_bias"),
        ({"logit_bias": {"99999999": 1}}, "logit_bias"),
        ({"logit_bias": [1]}, "logit_bias"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_object", "schema": {"not": {}}}}, "response_format"),
        ({"grammar": "root ::= "}, "grammar"),
        ({"grammar": "root ::= " + '"a" ' * 20_000}, "grammar"),
        ({"tools": [WEATHER, WEATHER]}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools.0.function"),
        ({"tools": [{"type": "web_search"}]}, "tools.0.type"),
        ({"tools": [WEATHER] * 129}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "clock"}}, "tools": [WEATHER]}, "tool_choice"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort"),
        ({"thinking": {"type": "perhaps"}}, "thinking.type"),
        ({"chat_template_kwargs": {"bos_token": "x"}}, "chat_template_kwargs.bos_token"),
        ({"messages": user("x " * 5000)}, "messages"),
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(value),
)
def test_what_is_refused_names_its_field(scripted: ApiServed, asked: dict[str, Any], param: str) -> None:
    error = refused(scripted, **({"messages": user("Hello!")} | asked))
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


def test_what_does_not_fit_says_both_numbers(scripted: ApiServed) -> None:
    error = refused(scripted, messages=user("x" * 5000))
    assert error["code"] == "context_length_exceeded"
    assert error["n_prompt_tokens"] > error["n_ctx"] == 4096


def test_a_large_schema_is_refused_wherever_it_comes_from(scripted: ApiServed) -> None:
    large = {"type": "object", "properties": {"x": {"enum": ["y" * 70_000]}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": large}}
    tool = {"type": "function", "function": {"name": "x", "parameters": large}}
    assert refused(scripted, messages=user("x"), response_format=form)["code"] == "grammar_too_large"
    assert refused(scripted, messages=user("x"), tools=[tool])["param"] == "tools.0.function.parameters"


def test_a_model_that_is_not_there(scripted: ApiServed) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        whole(scripted, model="gpt-4o", messages=user("Hello!"))
    assert (refusal.value.code, refusal.value.param) == ("model_not_found", "model")


def test_nothing_tells_where_the_model_lies(scripted: ApiServed) -> None:
    model = scripted.services.engine.model
    assert model is not None
    path = model.path
    for asked in ({}, {"stream": True}, {"n": 9}, {"messages": user("x" * 5000)}):
        with scripted.client(timeout=LONG) as client:
            text = client.post(CHAT, json={"messages": user("Hello!")} | asked).text
        assert path.name not in text
        assert str(path.parent) not in text
