"""Who waits for whom at the embedder: queries, documents, a reranker, loads, and the chat model beside them."""

from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import Unavailable
from backends.engine.embedder import EmbedderThread, NativeEmbedder
from backends.engine.embedding import EmbedderRequest
from backends.engine.loader import NativeEngine
from backends.engine.protocol import GenerateRequest, LoadRequest, Sampling, Turn
from tests.kit.answers import hear
from tests.kit.embedding import CLOSE, MANY, TEXTS, LoadEmbedder, embedded, loaded, scores, vectors
from tests.kit.ggufs import ANSWER


def test_queries_go_before_documents_that_wait(
    embedder_thread: EmbedderThread, embedders: dict[str, Path], embedder: NativeEmbedder, load_embedder: LoadEmbedder
) -> None:
    """Those of the other model of the thread, too; the documents go on where they were."""
    load_embedder("nomic", batch=32)
    reranker = embedder_thread.embedder()
    loaded(reranker, embedders["ranks"])
    documents = embedder.embed(TEXTS * 1000)
    first = next(iter(documents))
    assert len(embedded(embedder, ["the cat"], "query")) == 1
    assert len(scores(list(reranker.rerank("the cat", ["a", "b"])))) == 2
    assert not documents.wait(0)
    documents.cancel()
    rest = list(documents)
    assert len(vectors([first, *rest])) < len(TEXTS) * 1000
    assert len(embedded(embedder, TEXTS)) == len(TEXTS)


def test_who_is_cancelled_is_gone_before_the_next_batch(embedder: NativeEmbedder, load_embedder: LoadEmbedder) -> None:
    load_embedder("nomic", batch=32)
    streams = [embedder.embed(TEXTS * 500) for _ in range(3)]
    for stream in streams:
        stream.cancel()
    last = embedder.embed(TEXTS)
    assert len(vectors(list(last))) == len(TEXTS)
    assert all(len(vectors(list(stream))) < len(TEXTS) * 500 for stream in streams)
    before = embedder.embed(["a"])
    before.cancel()
    list(before)
    assert not embedder.busy


def test_it_is_closed_in_the_middle(embedders: dict[str, Path]) -> None:
    thread = EmbedderThread()
    embedder = thread.embedder()
    loaded(embedder, embedders["nomic"], batch=32)
    documents = embedder.embed(TEXTS * 2000)
    next(iter(documents))
    thread.close()
    assert len(list(documents)) < len(TEXTS) * 2000
    assert embedder.model is None
    with pytest.raises(Unavailable) as caught:
        list(embedder.embed(["a"]))
    assert caught.value.code == "engine_stopped"


def test_an_unload_waits_for_what_was_asked_before_it(embedder: NativeEmbedder, load_embedder: LoadEmbedder) -> None:
    load_embedder("xlmr", batch=64)
    before, gone, after = embedder.embed(MANY), embedder.unload(), embedder.embed(["a"])
    assert len(vectors(list(before))) == len(MANY)
    list(gone)
    with pytest.raises(Unavailable) as caught:
        list(after)
    assert caught.value.code == "no_model"
    assert embedder.model is None


def test_the_chat_model_answers_beside_it(engine: NativeEngine, scripted: Path, embedders: dict[str, Path]) -> None:
    """The same text and the same vectors, while both compute, and while the embedder is loaded and unloaded."""
    list(engine.load(LoadRequest(scripted, 4096, gpu_layers=0)))
    thread = EmbedderThread(chat_busy=lambda: engine.busy)
    embedder = thread.embedder()
    loaded(embedder, embedders["nomic"], batch=64)
    alone = embedded(embedder, MANY)
    for _ in range(3):
        answers = [
            engine.generate(GenerateRequest([Turn("user", "Hello!")], Sampling(temperature=0))) for _ in range(2)
        ]
        reload = embedder.load(EmbedderRequest(embedders["nomic"], gpu_layers=0, batch=64))
        documents = embedder.embed(MANY)
        assert [hear(answer).text for answer in answers] == [ANSWER] * 2
        list(reload)
        assert np.abs(vectors(list(documents)) - alone).max() < CLOSE
    thread.close()
