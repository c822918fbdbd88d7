"""Programs get vectors and ranks of texts over a real socket: the same as the window's own search gets."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import httpx
import numpy as np
import openai
import pytest

from backends.engine.embedding import EmbedderRequest
from tests.kit.api_server import ApiServed, api_server
from tests.kit.chatting import strict
from tests.kit.embedders import random_bert
from tests.kit.embedding import CLOSE, MANY, TEXTS, scores, vectors

WIDTH, CONTEXT = 64, 512
LONG = "the cat is on the mat " * 200
QUERY = "where is the cat"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    folder = tmp_path_factory.mktemp("models")
    embedder = random_bert(folder / "embeds.gguf", width=WIDTH, context=CONTEXT)
    reranker = random_bert(
        folder / "ranks.gguf", context=CONTEXT, pooling=gguf.PoolingType.RANK, ranks=True, name="Random Reranker"
    )
    with api_server(tmp_path_factory.mktemp("home"), [embedder, reranker]) as server:
        yield server


def posted(served: ApiServed, path: str, **body: Any) -> httpx.Response:
    with served.client() as client:
        return client.post(path, json=body)


def refused(served: ApiServed, path: str, **body: Any) -> dict[str, Any]:
    """The error of a 400."""
    answer = posted(served, path, **body)
    assert answer.status_code == 400, answer.text
    return answer.json()["error"]


def known(served: ApiServed, texts: list[str], role: Any = "document") -> np.ndarray:
    return vectors(list(served.services.embedding.embed(texts, role)))


# ---- vectors


@pytest.mark.parametrize("form", ["float", "base64", None])
def test_the_vectors_of_the_window_with_the_real_client(served: ApiServed, form: Any) -> None:
    """The client asks for base64 where nobody says how, and reads it; as numbers they come digit for digit."""
    asked = {} if form is None else {"encoding_format": form}
    with strict(served, valid=form == "float") as client:
        answer = client.embeddings.create(model="embeds", input=TEXTS, **asked)
    rows = [one.embedding for one in answer.data]
    found = np.array([np.frombuffer(base64.b64decode(row), "<f4") if isinstance(row, str) else row for row in rows])
    assert [one.index for one in answer.data] == list(range(len(TEXTS)))
    assert np.array_equal(found.astype("<f4"), known(served, TEXTS))
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    used = served.services.embedding.model
    assert used is not None
    assert answer.model == used.id
    assert answer.usage.total_tokens == answer.usage.prompt_tokens > len(TEXTS)


def test_one_text_and_many(served: ApiServed) -> None:
    with strict(served, valid=False) as client:
        (one,) = client.embeddings.create(model="default", input=TEXTS[0]).data
        many = client.embeddings.create(model="default", input=MANY).data
    assert np.allclose(one.embedding, known(served, TEXTS[:1])[0], atol=CLOSE)
    assert np.allclose([each.embedding for each in many], known(served, MANY), atol=CLOSE)


def test_as_many_texts_as_may_be(served: ApiServed) -> None:
    answer = posted(served, "/v1/embeddings", input=["a"] * 2048).json()
    assert [one["index"] for one in answer["data"]] == list(range(2048))
    assert {len(one["embedding"]) for one in answer["data"]} == {WIDTH}
    assert refused(served, "/v1/embeddings", input=["a"] * 2049)["param"] == "input"


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": None}, "input"),
        ({"input": {"text": "a"}}, "input"),
        ({"input": [1, 2, 3]}, "input"),
        ({"input": [[1, 2], [3]]}, "input"),
        ({"input": ["a", 3]}, "input"),
        ({}, "input"),
        ({"input": "a", "dimensions": WIDTH // 2}, "dimensions"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
        ({"input": "a", "input_type": "song"}, "input_type"),
    ],
    ids=str,
)
def test_what_is_refused(served: ApiServed, wrong: dict[str, Any], param: str) -> None:
    error = refused(served, "/v1/embeddings", **wrong)
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


def test_dimensions_that_it_has(served: ApiServed) -> None:
    with strict(served, valid=False) as client:
        (one,) = client.embeddings.create(model="embeds", input="a", dimensions=WIDTH).data
    assert len(one.embedding) == WIDTH


def test_nothing_is_cut_in_silence(served: ApiServed) -> None:
    error = refused(served, "/v1/embeddings", input=["a", LONG])
    assert (error["code"], error["param"]) == ("context_length_exceeded", "input.1")
    answer = posted(served, "/v1/embeddings", input=["a", LONG], truncate=True).json()
    events = list(served.services.embedding.embed(["a", LONG]))
    assert answer["truncated"] == [{"index": 1, "tokens": events[-1].cut[-1]}]
    assert np.allclose([one["embedding"] for one in answer["data"]], vectors(events), atol=CLOSE)
    assert "truncated" not in posted(served, "/v1/embeddings", input=["a"], truncate=True).json()


def test_queries_and_documents_are_told_apart(served: ApiServed) -> None:
    """By a model that wants something put before its queries."""
    embedding = served.services.embedding
    assert embedding.model is not None
    native = embedding._embedder.native
    list(native.load(EmbedderRequest(embedding.model.path, context=CONTEXT, query_prefix="who asks: ", gpu_layers=0)))
    query, document = (known(served, [QUERY], role)[0] for role in ("query", "document"))
    assert not np.allclose(query, document, atol=CLOSE)
    for said in ({"input_type": "query"}, {"role": "query"}, {"input_type": "search_query"}, {"role": "passage"}, {}):
        (one,) = posted(served, "/v1/embeddings", input=QUERY, **said).json()["data"]
        asks = next(iter(said.values()), "").endswith("query")
        assert np.allclose(one["embedding"], query if asks else document, atol=CLOSE)


def test_a_model_that_is_none(served: ApiServed) -> None:
    with strict(served) as client:
        for name in ("nowhere", "ranks"):
            with pytest.raises(openai.NotFoundError) as caught:
                client.embeddings.create(model=name, input="a")
            assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_without_models(tmp_path: Path) -> None:
    with api_server(tmp_path / "home") as empty:
        for path, body in (("/v1/embeddings", {"input": "a"}), ("/v1/rerank", {"query": "a", "documents": ["b"]})):
            answer = posted(empty, path, **body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_model")


# ---- ranks


def test_documents_in_their_order(served: ApiServed) -> None:
    expected = scores(list(served.services.embedding.rerank(QUERY, TEXTS)))
    documents = [TEXTS[0], *({"text": text} for text in TEXTS[1:])]
    answer = posted(served, "/v1/rerank", model="ranks", query=QUERY, documents=documents).json()
    found = {result["index"]: result["relevance_score"] for result in answer["results"]}
    told = [result["relevance_score"] for result in answer["results"]]
    assert told == sorted(told, reverse=True)
    assert np.allclose([found[index] for index in range(len(TEXTS))], expected, atol=CLOSE)
    assert answer["usage"]["total_tokens"] > 0
    assert all("document" not in result for result in answer["results"])


def test_the_best_of_them_with_their_texts(served: ApiServed) -> None:
    every = posted(served, "/v1/rerank", query=QUERY, documents=TEXTS).json()["results"]
    body: dict[str, Any] = {"query": QUERY, "documents": TEXTS, "top_n": 2, "return_documents": True}
    best = posted(served, "/v1/rerank", **body).json()["results"]
    assert [one["index"] for one in best] == [one["index"] for one in every[:2]]
    assert [one["document"] for one in best] == [{"text": TEXTS[one["index"]]} for one in best]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"documents": []}, "documents"),
        ({"documents": "a"}, "documents"),
        ({"documents": ["a", 1]}, "documents.1"),
        ({"documents": [{"title": "a"}]}, "documents.0"),
        ({"documents": ["a"] * 2049}, "documents"),
        ({"query": ""}, "query"),
        ({"top_n": 0}, "top_n"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_ranks_that_are_refused(served: ApiServed, wrong: dict[str, Any], param: str) -> None:
    assert refused(served, "/v1/rerank", **{"query": QUERY, "documents": TEXTS, **wrong})["param"] == param


def test_long_documents_are_not_cut_in_silence(served: ApiServed) -> None:
    error = refused(served, "/v1/rerank", query=QUERY, documents=["a", LONG])
    assert (error["code"], error["param"]) == ("context_length_exceeded", "documents.1")
    answer = posted(served, "/v1/rerank", query=QUERY, documents=["a", LONG], truncate=True).json()
    assert [one["index"] for one in answer["truncated"]] == [1]
