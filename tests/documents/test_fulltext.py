"""One full-text index on disk: what it finds, what it forgets, and what it says when its files are not sound."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backends.core.errors import StorageError
from backends.documents.fulltext import Segment
from backends.documents.types import passage_id
from backends.documents.words import line, query_terms

TEXTS = {1: "alpha beta", 2: "beta gamma gamma", 3: "人工智能 beta", (1 << 38): "delta"}


def filled(folder: Path) -> Segment:
    segment = Segment(folder)
    segment.add((passage_id(document, 7), line(text)) for document, text in TEXTS.items())
    segment.commit()
    return segment


@pytest.fixture
def segment(tmp_path: Path) -> Iterator[Segment]:
    with closing(filled(tmp_path / "segment")) as made:
        yield made


def hits(segment: Segment, question: str, limit: int = 10, documents: list[int] | None = None) -> list[int]:
    boosts = [(term, 1.0) for term in query_terms(question)]
    return [passage >> 24 for _, passage in segment.reading.search(boosts, limit, documents)]


def test_it_finds_passages_by_their_terms(segment: Segment) -> None:
    assert hits(segment, "gamma") == [2]
    assert set(hits(segment, "beta")) == {1, 2, 3}
    assert hits(segment, "beta", documents=[3]) == [3]
    assert hits(segment, "人工") == [3]
    assert hits(segment, "delta") == [1 << 38]
    assert hits(segment, "beta gamma", 1) == [2]
    assert segment.reading.spans()[2] == (passage_id(2, 7), passage_id(2, 7))


def test_the_weight_of_a_term_is_what_is_asked(segment: Segment) -> None:
    [(one, _)] = segment.reading.search([("gamma", 1.0)], 1)
    [(twice, _)] = segment.reading.search([("gamma", 2.0)], 1)
    assert twice == pytest.approx(2 * one)


def test_deleted_passages_are_not_found_and_are_counted_until_it_is_made_anew(segment: Segment) -> None:
    before = segment.reading
    segment.delete([2, 99])
    assert hits(segment, "gamma") == [2]
    segment.commit()
    assert hits(segment, "gamma") == []
    assert not segment.reading.has_any([2])
    assert (segment.reading.living, segment.reading.passages) == (3, 4)
    assert before.search([("gamma", 1.0)], 3)  # who reads an older state goes on reading it
    segment.delete(list(TEXTS))
    segment.commit()
    assert (segment.reading.living, segment.reading.passages) == (0, 0)


def test_what_was_not_committed_is_lost(tmp_path: Path) -> None:
    segment = filled(tmp_path / "segment")
    segment.add([(passage_id(9, 0), "epsilon")])
    segment.close()
    with closing(Segment(tmp_path / "segment")) as again:
        again.check()
        assert hits(again, "epsilon") == []
        assert hits(again, "gamma") == [2]


def test_closed_it_lies_in_few_pieces(tmp_path: Path) -> None:
    """Each piece costs every search its time."""
    segment = Segment(tmp_path / "segment")
    for number in range(8):
        segment.add([(passage_id(number, 0), "alpha beta")])
        segment.commit()
    segment.close()
    assert (segment.reading.searcher.num_segments, segment.reading.living) == (1, 8)
    assert len(hits(segment, "beta")) == 8


@pytest.mark.parametrize("suffix", [".term", ".idx", ".fast", ".fieldnorm"])
@pytest.mark.parametrize("way", ["cut", "flipped", "empty"])
def test_damage_is_found(tmp_path: Path, suffix: str, way: str) -> None:
    filled(tmp_path / "segment").close()
    damaged = next((tmp_path / "segment").glob(f"*{suffix}"))
    content = bytearray(damaged.read_bytes())
    content[len(content) // 3] ^= 1
    damaged.write_bytes({"cut": content[:-5], "flipped": bytes(content), "empty": b""}[way])
    with pytest.raises(StorageError) as error:
        Segment(tmp_path / "segment").check()
    assert error.value.code == "index_damaged"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        Segment(tmp_path / "file" / "segment")
    filled(tmp_path / "segment").close()
    (tmp_path / "segment" / "meta.json").write_text("{}")
    with pytest.raises(StorageError):
        Segment(tmp_path / "segment")
    shutil.rmtree(tmp_path / "segment")
    with closing(Segment(tmp_path / "segment")) as fresh:
        assert fresh.reading.living == 0
