"""Programs talk to a model by OpenAI's chat, with OpenAI's own client, at a real socket."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from backends.engine.protocol import Turn
from tests.kit.api_server import ApiServed, api_server
from tests.kit.chatting import MODEL, chunks, joined, strict, user, whole
from tests.kit.ggufs import (
    ANSWER,
    R1_JANUARY_TEMPLATE,
    REASONING,
    V31_TEMPLATE,
    Script,
    random_model,
    scripted_model,
)

LOST_TAG = Script("Perhaps I should think twice.", "Thought twice.", word="lost", opens=False)
SPLIT = Script("", "一二三四五六七八九十，天地玄黄。宇宙洪荒！", word="torn", torn=True)


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    path = scripted_model(tmp_path_factory.mktemp("chat") / "scripted.gguf", breaks=True, scripts=[SPLIT])
    with api_server(tmp_path_factory.mktemp("home"), [path], context=4096) as server:
        yield server


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    path = random_model(tmp_path_factory.mktemp("chat") / "random.gguf")
    with api_server(tmp_path_factory.mktemp("home"), [path], parallel=8, context=16384) as server:
        yield server


# ---- an answer


def test_an_answer_with_its_thinking(scripted: ApiServed) -> None:
    answer = whole(scripted, messages=user("Hello!"))
    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", ANSWER, "stop")
    assert choice.message.reasoning_content == choice.message.reasoning == REASONING
    assert answer.model in [one.id for one in scripted.services.api.desk.models()]
    assert answer.system_fingerprint.startswith("fp_")
    usage = answer.usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert 0 < usage.completion_tokens_details.reasoning_tokens < usage.completion_tokens
    (needed,) = scripted.services.engine.count_tokens([Turn("user", "Hello!")])
    assert usage.prompt_tokens == needed


def test_a_stream_in_its_order(scripted: ApiServed) -> None:
    stream = chunks(scripted, messages=user("Hello!"), n=2, stream_options={"include_usage": True})
    assert len({(chunk["id"], chunk["created"], chunk["system_fingerprint"]) for chunk in stream}) == 1
    assert {chunk["object"] for chunk in stream} == {"chat.completion.chunk"}
    assert [chunk["choices"][0]["delta"] for chunk in stream[:2]] == [{"role": "assistant", "content": None}] * 2
    assert [chunk["choices"][0]["index"] for chunk in stream[:2]] == [0, 1]
    assert stream[-1]["choices"] == []
    usage, alone = stream[-1]["usage"], whole(scripted, messages=user("Hello!")).usage
    assert usage["prompt_tokens"] == alone.prompt_tokens
    assert usage["completion_tokens"] == 2 * alone.completion_tokens
    assert all(chunk["usage"] is None for chunk in stream[:-1])
    for index in (0, 1):
        said = joined(stream, index)
        assert (said["reasoning"], said["content"], said["reasons"]) == (REASONING, ANSWER, ["stop"])


def test_usage_is_told_to_who_wants_it(scripted: ApiServed) -> None:
    assert all("usage" not in chunk for chunk in chunks(scripted, messages=user("Hello!")))
    answer = whole(scripted, messages=user("Hello!"), extra_body={"stream_options": {"include_usage": False}})
    assert answer.usage.total_tokens > 0


def test_the_real_client_reads_a_stream(scripted: ApiServed) -> None:
    text = ""
    messages: Any = user("Hello!")
    with strict(scripted) as client, client.chat.completions.stream(model=MODEL, messages=messages) as stream:
        for event in stream:
            if event.type == "content.delta":
                text += event.delta
        final = stream.get_final_completion()
    assert text == final.choices[0].message.content == ANSWER


def test_what_was_read_before_is_not_read_again(scripted: ApiServed) -> None:
    question = user("What was read before is not read again, is it?")
    first, again = (whole(scripted, messages=question).usage for _ in range(2))
    assert first.prompt_tokens_details.cached_tokens < again.prompt_tokens_details.cached_tokens
    assert again.prompt_tokens_details.cached_tokens == again.prompt_tokens - 1


def test_characters_are_never_split(scripted: ApiServed) -> None:
    stream = chunks(scripted, messages=user("torn"))
    parts = [choice["delta"].get("content") or "" for chunk in stream for choice in chunk["choices"]]
    assert "".join(parts) == SPLIT.answer
    assert "\ufffd" not in "".join(parts)


@pytest.mark.parametrize("stop", ["scripted", ["nowhere", "will be **scr", "ted** mo"], "。", "model.\n\n你"])
def test_a_stop_string_ends_the_answer_and_is_never_told(scripted: ApiServed, stop: Any) -> None:
    stops = [stop] if isinstance(stop, str) else stop
    until = min(ANSWER.index(one) for one in stops if one in ANSWER)
    answer = whole(scripted, messages=user("Hello!"), stop=stop)
    said = joined(chunks(scripted, messages=user("Hello!"), stop=stop))
    assert answer.choices[0].message.content == said["content"] == ANSWER[:until]
    assert said["reasons"] == [answer.choices[0].finish_reason] == ["stop"]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_an_answer_that_is_cut_off(scripted: ApiServed, name: str) -> None:
    (choice,) = whole(scripted, messages=user("Hello!"), **{name: 20}).choices
    assert choice.finish_reason == "length"
    assert ANSWER.startswith(choice.message.content)
    nothing = whole(scripted, messages=user("Hello!"), **{name: 0})
    assert (nothing.choices[0].finish_reason, nothing.choices[0].message.content) == ("length", "")
    assert nothing.usage.completion_tokens == 0
    assert joined(chunks(scripted, messages=user("Hello!"), **{name: 0}))["reasons"] == ["length"]


# ---- thinking


@pytest.mark.parametrize("off", [{"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}])
def test_a_model_without_a_switch_closes_its_thinking(scripted: ApiServed, off: dict[str, Any]) -> None:
    said = joined(chunks(scripted, messages=user("Hello!"), **off))
    assert (said["reasoning"], said["content"]) == ("", ANSWER)


@pytest.mark.parametrize(
    ("asked", "thinks"),
    [
        ({}, False),
        ({"thinking": {"type": "enabled"}}, True),
        ({"enable_thinking": True}, True),
        ({"chat_template_kwargs": {"thinking": True}}, True),
        ({"reasoning_effort": "high"}, True),
        ({"reasoning_effort": "none"}, False),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "high"}, False),
    ],
    ids=str,
)
def test_a_template_with_a_switch(tmp_path: Path, asked: dict[str, Any], thinks: bool) -> None:
    with api_server(tmp_path / "home", [scripted_model(tmp_path / "v31.gguf", template=V31_TEMPLATE)]) as server:
        said = joined(chunks(server, messages=user("Hello!"), **asked))
        assert (said["reasoning"], said["content"]) == (REASONING if thinks else "", ANSWER)


def test_where_nobody_knows_whether_a_model_thinks(tmp_path: Path) -> None:
    """R1's template of January leaves `<think>` to the model, which may forget it: nothing that was told is wrong."""
    path = scripted_model(tmp_path / "january.gguf", template=R1_JANUARY_TEMPLATE, scripts=[LOST_TAG])
    with api_server(tmp_path / "home", [path], context=4096) as server:
        said = joined(chunks(server, messages=user("Hello!")))
        assert (said["reasoning"], said["content"]) == (REASONING, ANSWER)
        said = joined(chunks(server, messages=user("lost")))
        assert (said["reasoning"], said["content"]) == (LOST_TAG.reasoning, LOST_TAG.answer)
        message = whole(server, messages=user("lost")).choices[0].message
        assert (message.reasoning_content, message.content) == (LOST_TAG.reasoning, LOST_TAG.answer)


def test_thinking_is_not_read_again(scripted: ApiServed) -> None:
    def read(**thought: str) -> int:
        history = [*user("One"), {"role": "assistant", "content": "Two", **thought}, *user("Three")]
        return whole(scripted, messages=history, max_tokens=0).usage.prompt_tokens

    assert read() == read(reasoning_content="A long thought") == read(reasoning="Another long thought")


# ---- formats


SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]{1,8}$"},
        "count": {"type": "integer", "minimum": 0, "maximum": 9},
    },
    "required": ["name", "count"],
    "additionalProperties": False,
}


def test_an_answer_that_a_schema_describes(random: ApiServed) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "thing", "strict": True, "schema": SCHEMA}}
    asked: dict[str, Any] = {"messages": user("Go"), "response_format": form, "temperature": 1.5, "n": 8}
    asked |= {"reasoning_effort": "none", "max_tokens": 500}
    texts = [choice.message.content for choice in whole(random, seed=1, **asked).choices]
    stream = chunks(random, seed=100, **asked)
    texts += [joined(stream, n)["content"] for n in range(8)]
    assert len(set(texts)) >= 4
    for text in texts:
        jsonschema.validate(json.loads(text), SCHEMA)


def test_any_object(random: ApiServed) -> None:
    form = {"type": "json_object"}
    asked: dict[str, Any] = {"reasoning_effort": "none", "seed": 3, "temperature": 1, "max_tokens": 2000}
    answer = joined(chunks(random, messages=user("Go"), response_format=form, **asked))
    assert answer["reasons"] == ["length"] or isinstance(json.loads(answer["content"]), dict)


# ---- how it is drawn


def test_seeds_and_choices(random: ApiServed) -> None:
    def texts(seed: int, n: int = 1) -> list[str]:
        answer = whole(random, messages=user("Go"), temperature=1.5, max_tokens=20, seed=seed, n=n)
        assert [choice.index for choice in answer.choices] == list(range(n))
        return [choice.message.content + choice.message.model_dump().get("reasoning", "") for choice in answer.choices]

    assert texts(-(2**53)) == texts(-(2**53)) != texts(7)
    two = texts(7, 2)
    assert two[0] != two[1]
    assert texts(2**63 - 1) == texts(2**63 - 1)


def test_logprobs(random: ApiServed) -> None:
    asked: dict[str, Any] = {"messages": user("Go"), "logprobs": True, "top_logprobs": 4, "max_tokens": 12}
    asked |= {"reasoning_effort": "none", "temperature": 1, "seed": 5}
    (choice,) = whole(random, **asked).choices
    entries = choice.logprobs.content
    stream = [one["choices"][0] for one in chunks(random, **asked)]
    told = [entry for one in stream if one["logprobs"] for entry in one["logprobs"]["content"]]
    assert [entry["token"] for entry in told] == [entry.token for entry in entries]
    assert b"".join(bytes(entry.bytes) for entry in entries).decode("utf-8", "replace") == choice.message.content
    for entry in entries:
        likely = [rival.logprob for rival in entry.top_logprobs]
        assert len(likely) == 4
        assert likely == sorted(likely, reverse=True)
        assert max(*likely, entry.logprob) <= 0


def test_a_token_is_forced_or_forbidden(random: ApiServed) -> None:
    def pieces(*tokens: int) -> str:
        (text,) = random.services.engine.detokenize(tokens)
        return text

    asked: dict[str, Any] = {"messages": user("Go"), "max_tokens": 6, "reasoning_effort": "none", "temperature": 0}
    forced = whole(random, logit_bias={"400": 100}, **asked).choices[0].message.content
    assert set(forced.split()) == {pieces(400).strip()}
    before = whole(random, **asked, logprobs=True).choices[0].logprobs.content
    likeliest = [token for token in range(512) if pieces(token) == before[0].token]
    after = whole(random, **asked, logprobs=True, logit_bias=dict.fromkeys(map(str, likeliest), -100)).choices[0]
    assert likeliest
    assert before[0].token not in [entry.token for entry in after.logprobs.content]
