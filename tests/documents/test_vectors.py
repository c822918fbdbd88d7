"""Vectors: the nearest are found, in a scope too; they follow the store, and what is deleted is zeros."""

import json
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.cancel import CancelToken
from backends.documents import matrix as matrix_module
from backends.documents import vectors as vectors_module
from backends.documents.embedding_work import embed_missing
from backends.documents.index import SearchIndex
from backends.documents.matrix import Matrix, floats, halves
from backends.documents.store import DocumentStore
from backends.documents.types import Scope, document_of, passage_id
from tests.kit.passages import MadeEmbedder, caught_up, compacted, stored


def normed(rows: int, dimensions: int, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal((rows, dimensions)) + 0.3
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def filled(folder: Path, vectors: np.ndarray, a_document: int = 10) -> Matrix:
    made = Matrix(folder, "key", vectors.shape[1], "store")
    for at in range(0, len(vectors), a_document):
        made.append(1 + at // a_document, 0, vectors[at : at + a_document].astype("<f2").tobytes())
    made.commit(5, 7)
    return made


def exact(vectors: np.ndarray, asked: np.ndarray, limit: int) -> list[int]:
    order = np.argsort(-(vectors.astype(np.float16).astype(np.float32) @ asked))[:limit]
    return [passage_id(1 + int(at) // 10, int(at) % 10) for at in order]


@given(st.lists(st.floats(-60_000, 60_000, width=16), min_size=1, max_size=40))
def test_half_floats_become_what_they_are(values: list[float]) -> None:
    made = np.array(values, np.float16)
    assert (floats(made.view(np.uint16)) == made.astype(np.float32)).all()


def test_few_rows_are_found_exactly(tmp_path: Path) -> None:
    vectors = normed(500, 48)
    made = filled(tmp_path, vectors)
    for asked in normed(5, 48, seed=1):
        found = made.rows.nearest(asked.tobytes(), 20, None, ())
        assert [passage for passage, _ in found] == exact(vectors, asked, 20)
        assert found[0][1] == pytest.approx(float((vectors @ asked).max()), abs=2e-3)


def test_many_rows_are_chosen_by_their_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_module, "EXACT", 20_000)
    monkeypatch.setattr(matrix_module, "BLOCK", 1_000)
    monkeypatch.setattr(matrix_module, "CHOSEN", 400)
    vectors = normed(4_500, 72)
    made = Matrix(tmp_path, "key", 72, "store")
    for at in range(0, 4_500, 10):  # in several commits, over the ends of blocks
        made.append(1 + at // 10, 0, vectors[at : at + 10].astype("<f2").tobytes())
        if at % 700 == 0:
            made.commit(1, 1)
    made.commit(5, 7)
    assert made.rows.bits is not None
    reopened = Matrix(tmp_path, "key", 72, "store")
    right = 0
    for asked in normed(20, 72, seed=1) + vectors[100:120]:
        asked = (asked / np.linalg.norm(asked)).astype(np.float32)
        found = made.rows.nearest(asked.tobytes(), 10, None, ())
        assert found == reopened.rows.nearest(asked.tobytes(), 10, None, ())
        right += len({passage for passage, _ in found} & set(exact(vectors, asked, 10)))
    assert right >= 160  # of 200
    scope = array("q", range(20, 60))
    inside = made.rows.nearest(vectors[7].tobytes(), 10, scope, [25])
    assert {document_of(passage) for passage, _ in inside} <= set(range(20, 60)) - {25}
    assert len(inside) == 10


def test_a_scope_and_what_is_gone(tmp_path: Path) -> None:
    vectors = normed(100, 16)
    made = filled(tmp_path, vectors)
    asked = vectors[0].tobytes()
    old = made.rows
    assert document_of(made.rows.nearest(asked, 1, None, ())[0][0]) == 1
    assert document_of(made.rows.nearest(asked, 1, None, [1])[0][0]) != 1
    assert {document_of(each) for each, _ in made.rows.nearest(asked, 99, array("q", [3, 4, 900]), ())} == {3, 4}
    assert made.rows.nearest(asked, 5, array("q"), ()) == []
    made.kill([1, 77])
    made.commit(6, 7)
    assert 1 not in {document_of(each) for each, _ in made.rows.nearest(asked, 99, None, ())}
    assert np.frombuffer((tmp_path / "rows.f16").read_bytes()[: 10 * 32], np.uint16).max() == 0
    assert document_of(old.nearest(asked, 1, None, [])[0][0]) >= 1  # an older reader does not fall
    made.append(1, 0, vectors[:10].astype("<f2").tobytes())
    made.append(1, 5, vectors[5:12].astype("<f2").tobytes())  # a run that is there in part
    made.append(1, 0, vectors[:10].astype("<f2").tobytes())
    made.commit(7, 8)
    again = Matrix(tmp_path, "key", 16, "store")
    assert (again.sequence, again.run, again.count, again.dead) == (7, 8, 112, 10)
    assert sorted(p for p, _ in again.rows.nearest(asked, 99, array("q", [1]), ())) == [
        passage_id(1, n) for n in range(12)
    ]


@pytest.mark.parametrize("damage", ["json", "key", "short", "none"])
def test_what_does_not_fit_is_begun_anew(tmp_path: Path, damage: str) -> None:
    filled(tmp_path, normed(30, 8))
    if damage == "json":
        (tmp_path / "rows.json").write_text("{")
    elif damage == "short":
        (tmp_path / "rows.f16").write_bytes(b"\0" * 100)
    again = Matrix(tmp_path, "other" if damage == "key" else "key", 8, "store")
    assert (again.count, again.sequence) == ((30, 5) if damage == "none" else (0, 0))
    again.append(1, 0, normed(1, 8).astype("<f2").tobytes())
    again.commit(1, 1)


def test_bad_vectors_are_refused() -> None:
    good = np.ones(4, "<f4").tobytes()
    assert halves([good, good], 4) == np.ones(8, "<f2").tobytes()
    assert halves([good], 5) is None
    assert halves([np.array([1, np.nan, 0, 0], "<f4").tobytes()], 4) is None


# ---- in the index


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DocumentStore]:
    with closing(DocumentStore.open(tmp_path / "library.db")) as opened:
        yield opened


def near(
    index: SearchIndex, embedder: MadeEmbedder, text: str, limit: int = 3, scope: Scope | None = None
) -> list[int]:
    ids = None if scope is None else index._store.visible(scope)
    found = index.vector(embedder.vector(text), embedder.made, limit, ids)
    return [document_of(passage) for passage, _ in found]


def test_vectors_follow_the_store(store: DocumentStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder, token = MadeEmbedder(), CancelToken()
    index = SearchIndex(store, tmp_path / "search")
    ids = [stored(store, f"{n}", f"{chr(97 + n) * 3} {chr(98 + n) * 4} about {n}") for n in range(12)]
    assert near(index, embedder, "aaa bbbb") == []
    list(embed_missing(store, embedder, cancel=token))
    caught_up(index)
    assert near(index, embedder, "aaa bbbb about 0", 1) == [ids[0]]
    assert near(index, embedder, "aaa bbbb about 0", 1, Scope(documents=(ids[4], ids[5]))) in ([ids[4]], [ids[5]])
    assert index.vectors_held(embedder.made) == 12
    store.hide([ids[0]])
    assert ids[0] not in near(index, embedder, "aaa bbbb about 0", 12)  # at once
    caught_up(index)
    assert ids[0] not in near(index, embedder, "aaa bbbb about 0", 12)
    store.restore([ids[0]])
    caught_up(index)
    assert near(index, embedder, "aaa bbbb about 0", 1) == [ids[0]]
    stored(store, "0", "zzz yyyy xxx")  # a new version
    assert ids[0] not in near(index, embedder, "aaa bbbb about 0", 12)
    caught_up(index)
    list(embed_missing(store, embedder, cancel=token))
    index.close()
    with closing(SearchIndex(store, tmp_path / "search")) as again:
        caught_up(again)
        assert near(again, embedder, "zzz yyyy", 1) == [ids[0]]
        assert again.vectors_held(embedder.made) == 12
        monkeypatch.setattr(vectors_module, "_WORN_LEAST", 3)
        store.erase(ids[1:8])
        caught_up(again)
        assert again.pending
        compacted(again)
        assert not again.pending
        assert again.vectors_held(embedder.made) == 5
        assert sorted(near(again, embedder, "about", 12)) == [ids[0], *ids[8:]]
        [kept] = (tmp_path / "search" / "vectors").iterdir()
        assert json.loads((kept / "rows.json").read_text())["rows"] == 5


def test_another_embedder_begins_beside_the_first(store: DocumentStore, tmp_path: Path) -> None:
    old, new, token = MadeEmbedder(1_024, key="old"), MadeEmbedder(2_048, key="new"), CancelToken()
    ids = [stored(store, f"{n}", f"{chr(97 + n) * 5}") for n in range(40)]
    with closing(SearchIndex(store, tmp_path / "search")) as index:
        list(embed_missing(store, old, cancel=token))
        caught_up(index)
        steps = embed_missing(store, new, cancel=token)
        next(steps)
        caught_up(index)
        assert near(index, old, "bbbbb", 1) == [ids[1]]
        assert index.vectors_held(new.made) == 1
        assert list(steps)[-1].swapped
        caught_up(index)
        assert near(index, new, "bbbbb", 1) == [ids[1]]
        assert near(index, old, "bbbbb", 1) == []
        assert len(list((tmp_path / "search" / "vectors").iterdir())) == 1
