"""Vectors are computed in the background: resumed, paused, and honest about what could not be read."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, EngineError
from backends.documents.embedding_work import BATCH, embed_missing
from backends.documents.store import DocumentStore
from tests.kit.passages import MadeEmbedder, stored


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DocumentStore]:
    with closing(DocumentStore.open(tmp_path / "library.db")) as opened:
        yield opened


def rows(store: DocumentStore, embedder: MadeEmbedder) -> int:
    size = 2 * embedder.made.dimensions
    return sum(len(data) // size for _, _, data in store.vector_blobs(embedder.made))


def test_all_passages_get_a_vector_once(store: DocumentStore) -> None:
    embedder = MadeEmbedder()
    long = stored(store, "long", *(f"part {n} " + "word " * 60 for n in range(40)), title="The title")
    stored(store, "short", "Only this.")
    passages = store.document(long).passages + 1
    steps = list(embed_missing(store, embedder, cancel=CancelToken()))
    assert rows(store, embedder) == len(embedder.texts) == passages
    assert (steps[-1].passages, steps[-1].documents, steps[-1].swapped) == (passages, 2, True)
    assert embedder.texts[0].startswith("The title\n")
    list(embed_missing(store, embedder, cancel=CancelToken()))
    assert len(embedder.texts) == passages


def test_it_goes_on_where_it_was_stopped_and_waits_when_told(store: DocumentStore) -> None:
    embedder, token = MadeEmbedder(), CancelToken()
    stored(store, "long", *(f"part {n} " + "word " * 100 for n in range(5 * BATCH)))
    asked: list[CancelToken] = []

    def pause(cancel: CancelToken) -> None:
        asked.append(cancel)
        if len(asked) == 3:
            cancel.cancel()

    with pytest.raises(Cancelled):
        list(embed_missing(store, embedder, cancel=token, pause=pause))
    assert len(embedder.texts) == 2 * BATCH
    list(embed_missing(store, embedder, cancel=CancelToken()))
    assert len(embedder.texts) == len(set(embedder.texts)) == rows(store, embedder)
    assert store.vectors_missing(embedder.made) == []


def test_a_document_that_changes_meanwhile_keeps_no_old_vector(store: DocumentStore) -> None:
    embedder = MadeEmbedder()
    id = stored(store, "a", *(f"part {n} " + "word " * 100 for n in range(3 * BATCH)))
    steps = embed_missing(store, embedder, cancel=CancelToken())
    next(steps)
    stored(store, "a", "Short now.")
    list(steps)
    list(embed_missing(store, embedder, cancel=CancelToken()))
    assert rows(store, embedder) == store.document(id).passages == 1


def test_a_passage_that_cannot_be_read_is_said_on_its_document(store: DocumentStore) -> None:
    embedder = MadeEmbedder(refused="poison")
    good, bad = stored(store, "good", "All is well."), stored(store, "bad", "fine " * 200, "poison", "fine again")
    list(embed_missing(store, embedder, cancel=CancelToken()))
    problem = store.document(bad).problem
    assert problem is not None
    assert problem.code == "not_embedded"
    assert store.document(bad).status == "ready"
    assert store.document(good).problem is None
    assert rows(store, embedder) == store.document(good).passages + store.document(bad).passages
    assert store.vectors_missing(embedder.made) == []


def test_an_embedder_that_reads_nothing_is_an_error(store: DocumentStore) -> None:
    embedder = MadeEmbedder(refused="e")
    id = stored(store, "a", *(f"section {n} " + "word " * 100 for n in range(9)))
    with pytest.raises(EngineError):
        list(embed_missing(store, embedder, cancel=CancelToken()))
    assert store.document(id).problem is None
    assert rows(store, embedder) == 0


def test_without_an_embedder_nothing_happens(store: DocumentStore) -> None:
    class None_(MadeEmbedder):
        def identity(self, cancel: CancelToken) -> None:
            return None

    stored(store, "a", "text")
    assert list(embed_missing(store, None_(), cancel=CancelToken())) == []
