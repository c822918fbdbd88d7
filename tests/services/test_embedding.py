"""The embedder and the reranker of a data folder: found, loaded when first asked, gone when idle."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import psutil
import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import ResourceError, Unavailable
from backends.engine.embedding import Embedded, EmbedderLoaded
from backends.engine.protocol import GenerateRequest, LoadTrying, Sampling, Turn
from backends.services import Services
from tests.kit.answers import hear
from tests.kit.embedders import random_bert, random_qwen3
from tests.kit.ggufs import ANSWER, scripted_model
from tests.kit.real_models import real
from tests.kit.shapes import shaped_model

Opened = Callable[[], AbstractContextManager[Services]]
TEXTS = ["the cat is on the mat", "", "猫在哪里"]


def vectors(events: list[Embedded]) -> np.ndarray:
    return np.array([np.frombuffer(vector, "<f4") for event in events for vector in event.vectors])


def reranker(path: Path) -> Path:
    return random_bert(path, pooling=gguf.PoolingType.RANK, ranks=True, name="Random Reranker")


def test_without_models_it_says_so_in_plain_words(services: Services) -> None:
    embedding = services.embedding
    assert (embedding.model, embedding.reranker, embedding.loaded) == (None, None, None)
    for stream, code in ((embedding.embed(TEXTS), "no_embedder"), (embedding.rerank("q", TEXTS), "no_reranker")):
        with pytest.raises(Unavailable) as caught:
            list(stream)
        assert caught.value.code == code
        assert caught.value.message.zh
        assert "Models page" in caught.value.hint.en


def test_they_are_loaded_when_first_asked(opened: Opened, tmp_path: Path) -> None:
    """A new file is tried apart once; no model is loaded for what another of its kind is asked."""
    embedder, ranks = random_bert(tmp_path / "embeds.gguf"), reranker(tmp_path / "ranks.gguf")
    with opened() as services:
        services.library.add(scripted_model(tmp_path / "chat.gguf"))
        model, other = services.library.add(embedder), services.library.add(ranks)
        assert (services.embedding.model, services.embedding.reranker) == (model, other)
        found = vectors(list(services.embedding.embed(TEXTS)))
        assert found.shape == (3, 64)
        assert services.embedding.loaded_reranker is None
        (event,) = services.embedding.rerank("the cat", TEXTS)
        assert len(event.scores) == 3
        assert all(0 < score < 1 for score in event.scores)
        assert list(services.embedding.load()) == []
        assert services.embedding.loaded is not None
        identity = services.embedding.loaded.identity
        list(services.embedding.unload())
        assert services.embedding.loaded is services.embedding.loaded_reranker is None
        assert np.allclose(vectors(list(services.embedding.embed(TEXTS, "query"))), found, atol=1e-3)
    with opened() as services:
        events = list(services.embedding.load())
        assert LoadTrying() not in events
        assert isinstance(events[-1], EmbedderLoaded)
        assert events[-1].model.identity == identity
        assert LoadTrying() in list(services.embedding.load("reranking")) or services.embedding.loaded_reranker
    assert not psutil.Process().children()


def test_a_model_of_the_catalogue_is_used_as_its_publisher_says(services: Services, tmp_path: Path) -> None:
    """And before others."""
    services.library.add(random_bert(tmp_path / "embeds.gguf", width=128, layers=4))
    random_qwen3(tmp_path / "Qwen3-Embedding-0.6B-Q8_0.gguf", name="Qwen3 Embedding 0.6B")
    known = services.library.add(tmp_path / "Qwen3-Embedding-0.6B-Q8_0.gguf")
    if known.catalog_id is None:
        pytest.fail("the library does not know it by its name")
    assert services.embedding.model == known
    first, again, document = (
        vectors(list(services.embedding.embed(["the cat"], role))) for role in ("query", "query", "document")
    )
    assert np.allclose(first, again, atol=1e-3)
    assert np.abs(first - document).max() > 0.01  # a query has its instruction before it
    assert services.embedding.loaded is not None
    assert services.embedding.loaded.pooling == "last"


def test_many_may_ask_while_it_is_loaded(services: Services, tmp_path: Path) -> None:
    services.library.add(random_bert(tmp_path / "embeds.gguf"))
    streams = [services.embedding.embed(TEXTS) for _ in range(6)]
    found = [vectors(list(stream)) for stream in streams]
    assert all(np.allclose(one, found[0], atol=1e-3) for one in found)
    cancelled = services.embedding.embed(TEXTS * 5000)
    cancelled.cancel()
    assert len(vectors(list(cancelled))) < 15000


def test_the_chat_model_answers_beside_them(services: Services, tmp_path: Path) -> None:
    chat = services.library.add(scripted_model(tmp_path / "chat.gguf"))
    services.library.add(random_bert(tmp_path / "embeds.gguf"))
    services.library.add(reranker(tmp_path / "ranks.gguf"))
    list(services.loading.load(chat))
    documents, ranked = services.embedding.embed(TEXTS * 40), services.embedding.rerank("the cat", TEXTS * 10)
    answer = services.engine.generate(GenerateRequest([Turn("user", "Hello!")], Sampling(temperature=0)))
    assert hear(answer).text == ANSWER
    assert len(vectors(list(documents))) == 120
    assert sum(len(event.scores) for event in ranked) == 30


def test_they_make_room_when_nobody_waits_for_them(services: Services, tmp_path: Path) -> None:
    services.library.add(random_bert(tmp_path / "embeds.gguf"))
    list(services.embedding.embed(TEXTS))
    list(services.embedding.make_room(cancel=CancelToken()))
    assert services.embedding.loaded is None
    assert len(vectors(list(services.embedding.embed(TEXTS)))) == 3


def test_what_is_idle_is_unloaded(services: Services, tmp_path: Path) -> None:
    """And loaded again when it is asked."""
    services.library.add(random_bert(tmp_path / "embeds.gguf"))
    services.embedding.minute = 0.01
    changes = services.changes()
    list(services.embedding.embed(TEXTS))
    assert services.embedding.loaded is not None  # by the settings, for ever
    services.settings.set("engine.idle_unload", 1)
    list(services.embedding.embed(TEXTS))
    for change in changes:
        if change == "model":
            break
    assert services.embedding.loaded is None
    services.settings.set("engine.idle_unload", 0)
    assert len(vectors(list(services.embedding.embed(TEXTS)))) == 3
    assert services.embedding.loaded is not None


def test_what_does_not_fit_is_said_and_not_tried(services: Services, tmp_path: Path) -> None:
    vast = replace(real("qwen3-embedding-0.6b"), layers=400, width=8192, heads=64, ff=28672)
    services.library.add(shaped_model(tmp_path / "vast.gguf", vast, "F16"))
    with pytest.raises(ResourceError, match="beside the chat model") as caught:
        list(services.embedding.embed(TEXTS))
    assert caught.value.code == "out_of_memory"
    assert "GiB" in caught.value.message.zh
    assert services.embedding.loaded is None


def test_no_thread_is_left(opened: Opened, tmp_path: Path) -> None:
    with opened() as services:
        services.library.add(random_bert(tmp_path / "embeds.gguf"))
        services.settings.set("engine.idle_unload", 5)
        documents = services.embedding.embed(TEXTS * 4000)
        next(iter(documents))
    assert len(vectors(list(documents))) < 12000
    names = {thread.name.partition("-")[0] for thread in threading.enumerate()}
    assert not names & {"embedder", "embedding", "embedder idle"}


def test_they_give_their_memory_up_where_the_chat_model_needs_it(opened: Opened, tmp_path: Path) -> None:
    """A model that fits beside the embedder leaves it loaded; one that does not has it unloaded first."""
    with opened() as services:
        services.library.add(random_bert(tmp_path / "embeds.gguf"))
        small = services.library.add(scripted_model(tmp_path / "chat.gguf"))
        list(services.embedding.embed(TEXTS))
        list(services.loading.load(small))
        assert services.embedding.loaded is not None
        huge = shaped_model(tmp_path / "huge-F16.gguf", replace(real("r1-distill-qwen-32b"), layers=512), "F16")
        with pytest.raises(ResourceError, match="needs about"):
            list(services.loading.load(services.library.add(huge)))
        assert services.embedding.loaded is None
        assert vectors(list(services.embedding.embed(TEXTS))).shape == (3, 64)
