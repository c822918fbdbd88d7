"""Texts become vectors and passages are ranked: as llama.cpp alone would, in batches, in order, beside a chat model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, EngineError, InvalidInput, NotFound
from backends.core.stream import Stream
from backends.engine.embedder import NativeEmbedder
from backends.engine.embedder_trial import attempt_embedder
from backends.engine.embedding import EmbedderLoaded, EmbedderRequest
from tests.kit.embedders import ENDOFTEXT, IM_END, RERANK, Reference, peer_vectors, random_bert
from tests.kit.embedding import CLOSE, MANY, TEXTS, LoadEmbedder, embedded, loaded, scores, vectors

MEAN, CLS, LAST, RANK = 1, 2, 3, 4


def unit(row: np.ndarray) -> np.ndarray:
    return row / np.linalg.norm(row)


# ---- what a vector is


@pytest.mark.parametrize("name", ["xlmr", "bert", "nomic", "qwen3"])
def test_each_vector_is_that_of_the_text_alone(
    name: str, embedder: NativeEmbedder, load_embedder: LoadEmbedder
) -> None:
    """In order, although batches are filled with texts from further behind."""
    load_embedder(name, batch=96, parallel=5)
    together = embedded(embedder, MANY)
    alone = np.array([embedded(embedder, [text])[0] for text in MANY])
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.abs(together - alone).max() < CLOSE
    assert np.argmax(together @ alone.T, axis=1).tolist() == list(range(len(MANY)))


@pytest.mark.parametrize(
    ("name", "pooling"),
    [("xlmr", "cls"), ("xlmr", "mean"), ("xlmr", "last"), ("bert", "mean"), ("nomic", "mean"), ("qwen3", "mean")],
)
def test_pooling_is_what_numpy_makes_of_the_tokens(
    name: str, pooling: Any, embedders: dict[str, Path], embedder: NativeEmbedder, load_embedder: LoadEmbedder
) -> None:
    assert load_embedder(name, pooling=pooling).pooling == pooling
    found = embedded(embedder, TEXTS)
    reference = Reference(embedders[name], 0)
    for text, vector in zip(TEXTS, found, strict=True):
        rows = reference.rows(reference.tokens(text))
        pooled = {"cls": rows[0], "last": rows[-1], "mean": rows.mean(axis=0)}[pooling]
        assert np.abs(vector - unit(pooled)).max() < CLOSE
    reference.close()


def test_the_last_token_is_the_end_that_the_model_wants(
    embedders: dict[str, Path], embedder: NativeEmbedder, load_embedder: LoadEmbedder
) -> None:
    """Although the file's EOS is another one; and it is the vector that llama.cpp's own pooling gives."""
    assert load_embedder("qwen3").pooling == "last"
    pooled, rows = Reference(embedders["qwen3"], LAST), Reference(embedders["qwen3"], 0)
    for text in TEXTS:
        tokens = [*pooled.tokens(text), *pooled.tokens(ENDOFTEXT, special=True)]
        (vector,) = embedded(embedder, [text])
        assert np.abs(vector - unit(pooled.rows(tokens))).max() < 1e-6
        assert np.abs(vector - unit(rows.rows(tokens)[-1])).max() < CLOSE
    pooled.close()
    rows.close()


@pytest.mark.parametrize("name", ["xlmr", "bert"])
def test_the_high_level_wrapper_gives_the_same(
    name: str, embedders: dict[str, Path], embedder: NativeEmbedder, load_embedder: LoadEmbedder
) -> None:
    load_embedder(name)
    assert np.abs(embedded(embedder, TEXTS) - peer_vectors(embedders[name], TEXTS)).max() < CLOSE


def test_fewer_dimensions_are_the_first_ones_at_length_one(
    embedder: NativeEmbedder, load_embedder: LoadEmbedder
) -> None:
    assert load_embedder("qwen3").dimensions == 128
    whole = embedded(embedder, TEXTS)
    assert load_embedder("qwen3", dimensions=32).dimensions == 32
    found = embedded(embedder, TEXTS)
    assert found.shape == (len(TEXTS), 32)
    assert np.allclose(found, np.array([unit(row[:32]) for row in whole]), atol=1e-6)
    assert load_embedder("qwen3", dimensions=1 << 20).dimensions == 128


def test_prefixes_are_put_before_texts_of_their_role(embedder: NativeEmbedder, load_embedder: LoadEmbedder) -> None:
    load_embedder("qwen3")
    plain = embedded(embedder, ["search_query: the cat", "search_document: the cat"])
    load_embedder("qwen3", query_prefix="search_query: ", document_prefix="search_document: ")
    assert np.allclose(embedded(embedder, ["the cat"], "query")[0], plain[0], atol=CLOSE)
    assert np.allclose(embedded(embedder, ["the cat"])[0], plain[1], atol=CLOSE)
    assert np.abs(plain[0] - plain[1]).max() > 10 * CLOSE


# ---- what a text may be


def test_control_tokens_in_a_text_stay_text(
    embedders: dict[str, Path], embedder: NativeEmbedder, load_embedder: LoadEmbedder
) -> None:
    text = "the cat</s><s>the hat"
    load_embedder("xlmr")
    (event,) = embedder.embed([text])
    reference = Reference(embedders["xlmr"], CLS)
    plain, read = reference.tokens(text), reference.tokens(text, special=True)
    assert event.tokens == len(plain) > len(read)
    assert np.abs(vectors([event])[0] - unit(reference.rows(plain))).max() < CLOSE
    reference.close()


@pytest.mark.parametrize("name", ["xlmr", "bert", "qwen3"])
def test_what_is_too_long_is_cut_and_told_and_keeps_its_end(
    name: str, embedders: dict[str, Path], embedder: NativeEmbedder, load_embedder: LoadEmbedder
) -> None:
    """A megabyte too. With a cache, what is longer than a batch is read in slices."""
    assert load_embedder(name, context=48, batch=16).context == 48
    long = "where is the cat, and where is the hat? " * 20
    events = list(embedder.embed(["a", long, long * 1300, "a"]))
    found = vectors(events)
    cut = [count for event in events for count in event.cut]
    assert cut[0] == cut[3] == 0
    assert sum(event.tokens for event in events) == 2 * 48 + 2 * next(iter(embedder.embed(["a"]))).tokens
    assert np.allclose(found[1], found[2], atol=CLOSE)
    reference = Reference(embedders[name], {"xlmr": CLS, "bert": MEAN, "qwen3": LAST}[name])
    tokens = reference.tokens(long)
    if name == "qwen3":
        tokens += reference.tokens(ENDOFTEXT, special=True)
    assert cut[1] == len(tokens) - 48
    assert cut[2] >= 1299 * cut[1]
    assert np.abs(found[1] - unit(reference.rows([*tokens[:47], tokens[-1]]))).max() < CLOSE
    reference.close()


def test_more_context_than_the_model_was_trained_for_is_not_given(load_embedder: LoadEmbedder) -> None:
    assert load_embedder("xlmr", context=1 << 20).context == 512


@pytest.mark.parametrize("name", ["xlmr", "bert", "qwen3"])
def test_any_text_has_a_vector(name: str, embedder: NativeEmbedder, load_embedder: LoadEmbedder) -> None:
    """Empty ones, NUL, half of a surrogate pair, emoji, another script, what is in no vocabulary."""
    load_embedder(name, batch=64)
    anything = st.text(st.characters(), max_size=80)  # surrogates too

    @settings(
        max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.lists(anything, min_size=1, max_size=12))
    def holds(texts: list[str]) -> None:
        found = embedded(embedder, texts)
        assert len(found) == len(texts)
        assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)

    holds()
    empty, surrogate, asked, nul = embedded(embedder, ["", "the \ud800 cat", "the ? cat", "the\0cat"])
    assert np.allclose(surrogate, asked, atol=CLOSE)
    assert not np.allclose(empty, nul, atol=CLOSE)
    assert list(embedder.embed([])) == []


# ---- ranking


@pytest.mark.parametrize("name", ["ranks", "ranks-bert"])
def test_a_pair_is_read_as_the_model_learnt_it(
    name: str, embedders: dict[str, Path], embedder: NativeEmbedder, load_embedder: LoadEmbedder
) -> None:
    """`<s>q</s></s>d</s>`, or `[CLS]q[SEP]d[SEP]`; the score is the sigmoid of the model's."""
    model = load_embedder(name, batch=80)
    assert (model.pooling, model.dimensions) == ("rank", 0)
    found = scores(list(embedder.rerank("where is the cat", MANY)))
    assert len(found) == len(MANY)
    reference = Reference(embedders[name], RANK)
    begin, *_, end = reference.tokens("a")
    middle = [end, end] if name == "ranks" else [end]
    query = reference.tokens("where is the cat", framed=False)
    for document, score in zip(MANY, found, strict=True):
        pair = [begin, *query, *middle, *reference.tokens(document, framed=False), end]
        assert score == pytest.approx(1 / (1 + np.exp(-reference.rows(pair)[0])), abs=CLOSE)
    reference.close()
    (cut,) = embedder.rerank("where is the cat " * 100, ["the cat " * 400])
    assert cut.tokens == 512
    assert cut.cut[0] > 0


def test_a_template_for_ranking_is_followed_and_cannot_be_broken_out_of(
    embedders: dict[str, Path], embedder: NativeEmbedder, load_embedder: LoadEmbedder
) -> None:
    """The score is the probability that the model gives to its first class."""
    load_embedder("ranks-qwen3")
    reference = Reference(embedders["ranks-qwen3"], RANK)

    def read(text: str) -> list[int]:
        return reference.tokens(text, special=True)

    documents = ["the cat is on the mat", "the dog", "{query}"]
    found = scores(list(embedder.rerank("where is {document}?", documents)))
    for document, score in zip(documents, found, strict=True):
        before, between, after = RERANK.replace("{document}", "{query}").split("{query}")
        tokens = [*read(before), *read("where is {document}?"), *read(between), *read(document), *read(after)]
        assert score == pytest.approx(reference.rows(tokens)[0], abs=CLOSE)
    (event,) = embedder.rerank("q", [f"the cat{IM_END}"])
    (plain,) = embedder.rerank("q", ["the cat"])
    assert event.tokens == plain.tokens + len(IM_END)  # letter by letter
    load_embedder("ranks-qwen3", context=128, batch=64)
    (long,) = embedder.rerank("q", ["the cat " * 100])
    assert 100 < long.tokens <= 128
    assert long.cut[0] > 600
    reference.close()


# ---- what goes wrong


def refused(stream: Stream[Any]) -> BackendError:
    with pytest.raises(BackendError) as caught:
        list(stream)
    assert caught.value.message.zh
    return caught.value


def test_what_cannot_be_done_is_said(
    tmp_path: Path, embedders: dict[str, Path], embedder: NativeEmbedder, load_embedder: LoadEmbedder
) -> None:
    assert refused(embedder.embed(["a"])).code == "no_model"
    assert refused(embedder.load(EmbedderRequest(embedders["silent"], gpu_layers=0))).code == "no_pooling"
    garbage = tmp_path / "garbage.gguf"
    garbage.write_bytes(b"GGUF" + bytes(100))
    assert refused(embedder.load(EmbedderRequest(garbage, gpu_layers=0))).code == "load_failed"
    assert isinstance(refused(embedder.load(EmbedderRequest(tmp_path / "gone.gguf"))), NotFound)
    assert embedder.model is None
    load_embedder("silent", pooling="mean")
    assert isinstance(refused(embedder.rerank("q", ["a"])), InvalidInput)
    load_embedder("ranks")
    error = refused(embedder.embed(["a"]))
    assert (error.code, isinstance(error, InvalidInput)) == ("wrong_model", True)
    assert len(scores(list(embedder.rerank("q", ["a"])))) == 1


def test_a_load_is_cancelled(embedders: dict[str, Path], embedder: NativeEmbedder) -> None:
    stream = embedder.load(EmbedderRequest(embedders["xlmr"], gpu_layers=0))
    stream.cancel()
    assert not any(isinstance(event, EmbedderLoaded) for event in stream) or embedder.model is not None
    assert loaded(embedder, embedders["xlmr"]).pooling == "cls"


def test_a_file_is_tried_in_a_process_of_its_own(tmp_path: Path, embedders: dict[str, Path]) -> None:
    for name in ("xlmr", "qwen3", "ranks", "ranks-qwen3"):
        request = EmbedderRequest(embedders[name], gpu_layers=0, context=600, batch=64)
        assert list(attempt_embedder(request, cancel=CancelToken()))[-1].fraction == 1.0
    garbage = tmp_path / "garbage.gguf"
    garbage.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(EngineError) as caught:
        list(attempt_embedder(EmbedderRequest(garbage, gpu_layers=0), cancel=CancelToken()))
    assert caught.value.code == "load_failed"


def test_vectors_that_do_not_compare_are_told_apart(
    tmp_path: Path, embedders: dict[str, Path], load_embedder: LoadEmbedder
) -> None:
    """By the file, wherever it is, and by all that a vector depends on."""
    whole = load_embedder("xlmr").identity
    others = [
        load_embedder("xlmr", pooling="mean").identity,
        load_embedder("xlmr", dimensions=32).identity,
        load_embedder("xlmr", query_prefix="query: ").identity,
        load_embedder("xlmr", document_prefix="query: ").identity,
        load_embedder("bert").identity,
    ]
    embedders["moved"] = tmp_path / "moved.gguf"
    embedders["moved"].write_bytes(embedders["xlmr"].read_bytes())
    embedders["trained"] = random_bert(tmp_path / "trained.gguf", seed=1)
    others.append(load_embedder("trained").identity)
    assert len({whole, *others}) == 7
    assert load_embedder("moved", alias="Another name", threads=1, context=64, batch=64).identity == whole
