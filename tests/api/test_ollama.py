"""Programs talk to a model by Ollama's API, with Ollama's own client, at a real socket."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import ollama
import pytest

from backends.api import ollama_reading
from backends.api.ollama_types import OllamaChatRequest
from backends.engine.protocol import Sampling
from tests.kit.api_server import ApiServed, api_server, endless_server
from tests.kit.chatting import LONG, user
from tests.kit.embedders import random_bert
from tests.kit.embedding import CLOSE, TEXTS, vectors
from tests.kit.ggufs import ANSWER, REASONING, Script, random_model, scripted_model
from tests.kit.tool_calls import GENERATIONS, spoken

CONTEXT = 4096
TOO_LONG = "the cat is on the mat " * 200  # for the embedder
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALLS = (("get_weather", {"city": "Zürich 北京"}), ("get_weather", {"city": "Paris"}))
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "count": {"type": "integer", "maximum": 9}},
    "required": ["name", "count"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    folder = tmp_path_factory.mktemp("models")
    scripts = [
        Script("Both are asked for.", f"I look.\n\n{spoken(GENERATIONS['r1'], *CALLS)}", word="weather"),
    ]
    models = [
        scripted_model(folder / "scripted.gguf", scripts=scripts, breaks=True),
        random_bert(folder / "embeds.gguf", context=512),
    ]
    with api_server(tmp_path_factory.mktemp("home"), models, context=CONTEXT) as server:
        yield server


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    model = random_model(tmp_path_factory.mktemp("models") / "random.gguf")
    with api_server(tmp_path_factory.mktemp("home"), [model], context=CONTEXT) as server:
        yield server


@pytest.fixture(scope="module")
def client(served: ApiServed) -> Iterator[ollama.Client]:
    with real(served) as client:
        yield client


def real(served: ApiServed, key: str | None = None) -> ollama.Client:
    headers = {"Authorization": f"Bearer {key or served.key}"}
    return ollama.Client(host=served.url, headers=headers, timeout=LONG, trust_env=False)


def refused(served: ApiServed, path: str, **body: Any) -> str:
    """The error of a 400."""
    with served.client() as http:
        answer = http.post(path, json=body)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == ["error"]
    return answer.json()["error"]


# ---- chats


def test_an_answer_with_its_thinking(served: ApiServed, client: ollama.Client) -> None:
    answer = client.chat("scripted", user("Hello!"))
    assert (answer.message.role, answer.message.content, answer.message.thinking) == ("assistant", ANSWER, REASONING)
    assert (answer.model, answer.done, answer.done_reason) == ("scripted", True, "stop")
    with served.client() as http:
        body = {"model": "scripted", "messages": user("Hello!")}
        usage = http.post("/v1/chat/completions", json=body).json()["usage"]
    assert (answer.prompt_eval_count, answer.eval_count) == (usage["prompt_tokens"], usage["completion_tokens"])
    durations = (answer.prompt_eval_duration, answer.eval_duration)
    assert all(isinstance(one, int) and one > 0 for one in durations)
    assert sum(one or 0 for one in durations) <= (answer.total_duration or 0) < LONG * 1e9
    assert answer.load_duration == 0


def test_a_stream_says_the_same(client: ollama.Client) -> None:
    lines = list(client.chat("scripted", user("Hello!"), stream=True))
    assert "".join(line.message.content or "" for line in lines) == ANSWER
    assert "".join(line.message.thinking or "" for line in lines) == REASONING
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    assert len(lines) > 10
    assert lines[-1].done_reason == "stop"
    assert (lines[-1].eval_count or 0) > 0
    assert (lines[-1].total_duration or 0) > 0


def test_who_does_not_say_gets_a_stream(served: ApiServed) -> None:
    with served.client() as http:
        answer = http.post("/api/chat", json={"model": "scripted", "messages": user("Hello!")})
        assert answer.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in answer.text.splitlines()]
        whole = http.post("/api/chat", json={"model": "scripted", "messages": user("Hello!"), "stream": False})
    assert whole.headers["content-type"] == "application/json"
    assert "".join(line["message"]["content"] for line in lines) == whole.json()["message"]["content"] == ANSWER


@pytest.mark.parametrize("name", ["scripted:latest", "SCRIPTED", "default", "default:latest"])
def test_names(client: ollama.Client, name: str) -> None:
    assert client.chat(name, user("Hello!")).model == "scripted"


def test_thinking_is_switched_off(client: ollama.Client) -> None:
    answer = client.chat("scripted", user("Hello!"), think=False)
    assert (answer.message.thinking, answer.message.content) == (None, ANSWER)
    for think in (True, "high"):
        assert client.chat("scripted", user("Hello!"), think=think).message.thinking == REASONING


@pytest.mark.parametrize(
    ("options", "text", "reason"),
    [
        ({"num_predict": 5}, None, "length"),
        ({"num_predict": 0}, "", "length"),
        ({"num_predict": -1}, ANSWER, "stop"),
        ({"num_predict": -2, "num_ctx": 131072, "num_gpu": 99, "seed": -1}, ANSWER, "stop"),
        ({"stop": ["scripted"]}, ANSWER[: ANSWER.index("scripted")], "stop"),
        ({"temperature": 0, "top_k": 20, "top_p": 0.9, "min_p": 0.1, "repeat_penalty": 1.0}, ANSWER, "stop"),
    ],
    ids=str,
)
def test_options(client: ollama.Client, options: dict[str, Any], text: str | None, reason: str) -> None:
    answer = client.chat("scripted", user("Hello!"), think=False, options=options)
    assert answer.done_reason == reason
    assert answer.message.content == text if text is not None else ANSWER.startswith(answer.message.content or "?")


def test_seeds_formats_and_probabilities(random: ApiServed) -> None:
    with real(random) as client:

        def answer(seed: int, most: int = 10, **more: Any) -> ollama.ChatResponse:
            options = {"temperature": 1.5, "seed": seed, "num_predict": most}
            return client.chat("random", user("Go"), think=False, options=options, **more)

        texts = [answer(seed).message.content for seed in (7, 7, 8)]
        assert texts[0] == texts[1] != texts[2]
        shaped = answer(3, 200, format=SCHEMA).message.content
        jsonschema.validate(json.loads(shaped or ""), SCHEMA)
        assert (answer(3, format="json").message.content or "").startswith("{")
        told = answer(3, logprobs=True, top_logprobs=2).logprobs or ()
    assert 0 < len(told) <= 10
    assert all(one.logprob <= 0 and len(one.top_logprobs or ()) == 2 for one in told)


def test_tools_are_called_and_answer(client: ollama.Client) -> None:
    asked = user("weather")
    answer = client.chat("scripted", asked, tools=[TOOL])
    assert answer.done_reason == "stop"
    calls = [(call.function.name, call.function.arguments) for call in answer.message.tool_calls or ()]
    assert calls == list(CALLS)
    lines = list(client.chat("scripted", asked, tools=[TOOL], stream=True))
    streamed = [call for line in lines for call in line.message.tool_calls or ()]
    assert [(call.function.name, call.function.arguments) for call in streamed] == list(CALLS)
    assert "".join(line.message.content or "" for line in lines) == (answer.message.content or "")
    results = [{"role": "tool", "tool_name": "get_weather", "content": word} for word in ("sun", "rain")]
    history = [*asked, answer.message, *results, *user("So?")]
    assert client.chat("scripted", history, tools=[TOOL]).message.content == ANSWER


def test_the_calls_of_a_stream_are_numbered(served: ApiServed) -> None:
    with served.client() as http:
        answer = http.post("/api/chat", json={"messages": user("weather"), "tools": [TOOL]})
    messages = [json.loads(line)["message"] for line in answer.text.splitlines()]
    assert [call["function"]["index"] for said in messages for call in said.get("tool_calls", ())] == [0, 1]


def test_results_belong_to_the_calls_of_their_tool() -> None:
    calls = [{"function": {"name": name, "arguments": {}}} for name in ("clock", "weather", "clock")]
    results = [{"role": "tool", "tool_name": name, "content": name} for name in ("weather", "clock", "clock", "else")]
    messages = [{"role": "assistant", "content": "", "tool_calls": calls}, *results]
    body = OllamaChatRequest.model_validate({"messages": messages})
    turns = ollama_reading.chat(body, Sampling()).turns
    assert [turn.tool_call_id for turn in turns[1:]] == ["call_1", "call_0", "call_2", "else"]


# ---- prompts


def test_a_prompt_is_answered(client: ollama.Client) -> None:
    answer = client.generate("scripted", "Hello!", system="Be brief.")
    assert (answer.response, answer.thinking, answer.done_reason) == (ANSWER, REASONING, "stop")
    plain = client.generate("scripted", "Hello!")
    assert (answer.prompt_eval_count or 0) > (plain.prompt_eval_count or 0)
    lines = list(client.generate("scripted", "Hello!", stream=True))
    assert "".join(line.response or "" for line in lines) == ANSWER
    assert "".join(line.thinking or "" for line in lines) == REASONING
    assert lines[-1].done


def test_a_raw_prompt_goes_on_as_it_is(random: ApiServed) -> None:
    with random.client() as http, real(random) as client:
        answer = client.generate("random", "one two", raw=True, options={"temperature": 0, "num_predict": 12})
        body = {"prompt": "one two", "temperature": 0, "max_tokens": 12}
        known = http.post("/v1/completions", json=body).json()
    assert answer.response == known["choices"][0]["text"]
    assert answer.prompt_eval_count == known["usage"]["prompt_tokens"]


# ---- models


def test_what_is_here(served: ApiServed, client: ollama.Client) -> None:
    listed = {model.model: model for model in client.list().models}
    assert sorted(filter(None, listed)) == ["embeds", "scripted"]
    details = listed["scripted"].details
    assert details is not None
    assert (details.format, details.family, details.quantization_level) == ("gguf", "qwen2", "F16")
    shown = client.show("scripted:latest")
    assert shown.capabilities == ["completion", "tools", "thinking"]
    assert shown.modelinfo is not None
    assert shown.modelinfo["qwen2.context_length"] == 32768
    assert client.show("embeds").capabilities == ["embedding"]
    running = {model.model: model for model in client.ps().models}
    assert running["scripted"].context_length == CONTEXT
    assert (running["scripted"].size or 0) > 0
    with served.client() as http:
        assert http.get("/api/version").json()["version"].count(".") == 2


def test_a_key_sees_the_models_it_is_for(served: ApiServed) -> None:
    key = served.services.api.keys.add("narrow", "user", models=["emb*"])[1]
    with real(served, key) as narrow:
        assert [model.model for model in narrow.list().models] == ["embeds"]
        assert "scripted" not in [model.model for model in narrow.ps().models]
        for ask in (lambda: narrow.show("scripted"), lambda: narrow.chat("scripted", user("Hello!"))):
            with pytest.raises(ollama.ResponseError) as caught:
                ask()
            assert caught.value.status_code == 404


def test_a_model_is_loaded_and_unloaded(tmp_path: Path) -> None:
    model = scripted_model(tmp_path / "scripted.gguf")
    with (
        api_server(tmp_path / "home", [model], load=False) as server,
        real(server) as client,
        real(server, server.key_for("user")) as other,
    ):

        def loaded() -> list[str | None]:
            return [model.model for model in client.ps().models]

        assert loaded() == []
        assert client.generate("scripted", keep_alive=0).done_reason == "unload"
        assert loaded() == []
        answer = client.chat("scripted")
        assert (answer.done, answer.done_reason, answer.message.content) == (True, "load", "")
        assert loaded() == ["scripted"]
        assert other.generate("scripted", keep_alive=0).done_reason == "load"  # it may not
        assert client.generate("scripted", "Hello!", keep_alive=0).done_reason == "stop"
        assert loaded() == ["scripted"]
        assert client.generate("scripted", keep_alive="0s").done_reason == "unload"
        assert loaded() == []
        again = client.generate("scripted", "Hello!", keep_alive="5m")
        assert again.response == ANSWER
        assert (again.load_duration or 0) > 0


# ---- vectors


def test_vectors(served: ApiServed, client: ollama.Client) -> None:
    known = vectors(list(served.services.embedding.embed(TEXTS)))
    answer = client.embed("embeds", TEXTS)
    assert np.array_equal(np.array(answer.embeddings, "<f4"), known)
    assert answer.prompt_eval_count == sum(event.tokens for event in served.services.embedding.embed(TEXTS))
    one = client.embed("embeds:latest", TEXTS[0]).embeddings
    assert np.allclose(one, known[:1], atol=CLOSE)
    assert np.allclose(client.embeddings("embeds", TEXTS[0]).embedding, known[0], atol=CLOSE)
    assert client.embed("embeds", []).embeddings == []
    assert client.embeddings("embeds", "").embedding == []


def test_long_texts_are_cut_and_it_is_told(served: ApiServed) -> None:
    with served.client() as http:
        answer = http.post("/api/embed", json={"input": ["a", TOO_LONG]}).json()
        old = http.post("/api/embeddings", json={"prompt": TOO_LONG}).json()
    assert len(answer["embeddings"]) == 2
    assert [one["index"] for one in answer["truncated"]] == [1]
    assert old["truncated"][0]["tokens"] == answer["truncated"][0]["tokens"] > 0
    assert "longer" in refused(served, "/api/embed", input=["a", TOO_LONG], truncate=False)


# ---- errors


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("chat", {"messages": {"role": "user"}}, "messages"),
        ("chat", {"messages": ["x"]}, "messages.0"),
        ("chat", {"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ("chat", {"messages": [{"role": "user", "content": "x", "images": ["aGk="]}]}, "images"),
        ("chat", {"messages": user("x"), "think": "extremely"}, "think"),
        ("chat", {"messages": user("x"), "format": "xml"}, "format"),
        ("chat", {"messages": user("x"), "format": 5}, "format"),
        ("chat", {"messages": user("x"), "options": {"temperature": "hot"}}, "temperature"),
        ("chat", {"messages": user("x"), "options": {"num_predict": -3}}, "num_predict"),
        ("chat", {"messages": user("x"), "options": {"stop": 5}}, "stop"),
        ("chat", {"messages": user("x"), "options": [1]}, "options"),
        ("chat", {"messages": user("x"), "tools": [{"type": "function"}]}, "tools.0.function"),
        ("chat", {"messages": user("x " * 5000)}, "tokens"),
        ("generate", {"prompt": "x", "template": "{{ .Prompt }}"}, "template"),
        ("generate", {"prompt": "x", "suffix": "y"}, "suffix"),
        ("generate", {"prompt": "x", "images": ["aGk="]}, "images"),
        ("generate", {"prompt": "x", "context": [1, 2]}, "context"),
        ("generate", {"prompt": "x", "raw": True, "system": "y"}, "system"),
        ("generate", {"prompt": 5}, "prompt"),
        ("embed", {"input": [1, 2]}, "input"),
        ("embed", {"input": "a", "dimensions": 32}, "dimensions"),
    ],
    ids=str,
)
def test_what_is_refused(served: ApiServed, path: str, body: dict[str, Any], named: str) -> None:
    assert named in refused(served, f"/api/{path}", **body)


def test_a_model_that_is_not_there(client: ollama.Client) -> None:
    for ask in (
        lambda: client.chat("nowhere", user("Hello!")),
        lambda: list(client.generate("nowhere", "Hello!", stream=True)),
        lambda: client.embed("scripted", "a"),
        lambda: client.show("nowhere"),
    ):
        with pytest.raises(ollama.ResponseError) as caught:
            ask()
        assert caught.value.status_code == 404


def test_who_may_not_is_told_in_its_words(served: ApiServed) -> None:
    with real(served, served.key_for("readonly", "reader")) as reader:
        assert reader.list().models
        with pytest.raises(ollama.ResponseError) as caught:
            reader.chat("scripted", user("Hello!"))
    assert caught.value.status_code == 403


def test_an_error_in_a_stream_is_a_line_of_it(tmp_path: Path) -> None:
    """A person stops the answer on the page."""
    with endless_server(tmp_path) as served, real(served) as client:
        live = served.services.api.live
        stream = client.chat("scripted", user("endless"), stream=True, options={"num_predict": 30_000})
        assert not next(stream).done
        for call in live.all():
            live.cancel(call.id)
        with pytest.raises(ollama.ResponseError) as caught:
            list(stream)
        assert caught.value.error == "The answer was stopped."
        assert client.chat("scripted", user("Hello!")).message.content == ANSWER


def test_nothing_tells_where_the_models_lie(served: ApiServed) -> None:
    model = served.services.engine.model
    assert model is not None
    with served.client() as http:
        answers = [http.get(f"/api/{path}") for path in ("version", "tags", "ps")]
        answers += [http.post("/api/show", json={"model": name}) for name in ("scripted", "embeds", "nowhere")]
        answers += [http.post("/api/chat", json={"messages": user(text)}) for text in ("Hello!", "x " * 5000)]
        answers += [http.post("/api/embed", json={"input": text}) for text in ("a", TOO_LONG, 5)]
    for answer in answers:
        assert str(model.path.parent) not in answer.text
        assert ".gguf" not in answer.text
