"""Texts that go on, models and tokens: OpenAI's older routes and llama-server's, with the real client."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.kit.api_server import ApiServed, api_server
from tests.kit.chatting import LONG, MODEL, strict
from tests.kit.ggufs import random_model

GREEDY: dict[str, Any] = {"temperature": 0, "max_tokens": 8}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    path = random_model(tmp_path_factory.mktemp("texts") / "random.gguf")
    with api_server(tmp_path_factory.mktemp("home"), [path], context=4096) as server:
        yield server


def whole(served: ApiServed, prompt: Any, **asked: Any) -> Any:
    body: dict[str, Any] = {"model": MODEL, "prompt": prompt, **asked}
    with strict(served) as client:
        return client.completions.create(**body)


def chunks(served: ApiServed, **asked: Any) -> list[dict[str, Any]]:
    body = {"stream": True, **asked}
    with served.client(timeout=LONG) as client, client.stream("POST", "/v1/completions", json=body) as answer:
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def posted(served: ApiServed, path: str, **body: Any) -> dict[str, Any]:
    with served.client(timeout=LONG) as client:
        return client.post(path, json=body).json()


def test_a_text_goes_on_as_it_is(served: ApiServed) -> None:
    answer = whole(served, "Once upon", **GREEDY)
    (choice,) = answer.choices
    assert (answer.object, choice.finish_reason, choice.index) == ("text_completion", "length", 0)
    (read,) = served.services.engine.tokenize("Once upon", special=True)
    assert answer.usage.prompt_tokens == len(read)
    assert answer.usage.completion_tokens == 8
    assert whole(served, list(read), **GREEDY).choices[0].text == choice.text
    echoed = whole(served, "Once upon", echo=True, **GREEDY).choices[0].text
    assert echoed == "Once upon" + choice.text
    assert whole(served, list(read), echo=True, **GREEDY).choices[0].text.endswith(echoed)


def test_the_space_between_two_words_is_told(served: ApiServed) -> None:
    (token,) = (token for token in range(512) if detokenized(served, token) == " w70")
    answer = whole(served, "Once", logit_bias={str(token): 100}, **GREEDY)
    assert answer.choices[0].text == " w70" * 8


def detokenized(served: ApiServed, *tokens: int) -> str:
    (text,) = served.services.engine.detokenize(tokens)
    return text


def test_several_prompts_and_choices(served: ApiServed) -> None:
    asked: dict[str, Any] = {"n": 2, "max_tokens": 5, "temperature": 1.5, "seed": 4}
    answer = whole(served, ["One", "Two"], **asked)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert answer.usage.completion_tokens == 20
    stream = chunks(served, prompt=["One", "Two"], stream_options={"include_usage": True}, **asked)
    told = ["", "", "", ""]
    for choice in [one for chunk in stream for one in chunk["choices"]]:
        told[choice["index"]] += choice["text"]
    assert told == [choice.text for choice in answer.choices]
    assert stream[-1]["choices"] == []
    assert stream[-1]["usage"]["completion_tokens"] == 20


def test_likelihoods_in_columns(served: ApiServed) -> None:
    said = whole(served, "Once upon", logprobs=3, **GREEDY).choices[0].logprobs
    assert len(said.tokens) == len(said.token_logprobs) == len(said.top_logprobs) == len(said.text_offset) == 8
    for token, likely, rivals in zip(said.tokens, said.token_logprobs, said.top_logprobs, strict=True):
        assert len(rivals) == 3
        assert rivals[token] == likely == max(rivals.values()) <= 0
    assert said.text_offset == sorted(said.text_offset)


def test_a_stop_string_is_not_told(served: ApiServed) -> None:
    text = whole(served, "Once upon", **GREEDY).choices[0].text
    stop = text[len(text) // 2 :][:3]
    choice = whole(served, "Once upon", stop=stop, **GREEDY).choices[0]
    assert (choice.text, choice.finish_reason) == (text[: text.index(stop)], "stop")


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": {"a": 1}}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt.1"),
        ({"prompt": [1, "a"]}, "prompt"),
        ({"prompt": [99_999]}, "prompt"),
        ({"prompt": ["a"] * 33}, "prompt"),
        ({"prompt": "x" * 5000}, "prompt"),
        ({"suffix": "end"}, "suffix"),
        ({"echo": True, "logprobs": 1}, "logprobs"),
        ({"logprobs": 21}, "logprobs"),
        ({"best_of": 3}, "best_of"),
        ({"n": 9}, "n"),
        ({"temperature": 101}, "temperature"),
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(value),
)
def test_what_is_refused_names_its_field(served: ApiServed, asked: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refusal, strict(served) as client:
        client.post("/completions", body={"prompt": "a", "max_tokens": 1} | asked, cast_to=object)
    assert refusal.value.param == param


def test_models_are_known_by_their_names_alone(served: ApiServed) -> None:
    with strict(served) as client:
        (model,) = client.models.list().data
        assert client.models.retrieve(model.id) == client.models.retrieve(model.id.upper()) == model
        assert (model.object, model.created > 0) == ("model", True)
        with pytest.raises(openai.NotFoundError) as refusal:
            client.models.retrieve("gpt-4o")
        assert refusal.value.code == "model_not_found"
        here = served.services.library.models()[0].path
        assert str(here.parent) not in model.model_dump_json()


def test_texts_and_tokens(served: ApiServed) -> None:
    text = "A <think>, 你好 and w70"
    tokens = posted(served, "/tokenize", content=text)["tokens"]
    assert posted(served, "/detokenize", tokens=tokens) == {"content": text}
    assert posted(served, "/tokenize", content=text, add_special=True)["tokens"][-len(tokens) :] == tokens
    assert posted(served, "/tokenize", content="")["tokens"] == []
    assert posted(served, "/detokenize", tokens=[99_999])["error"]["code"] == "bad_token"
    assert posted(served, "/tokenize", content="x" * 1_000_001)["error"]["param"] == "content"
