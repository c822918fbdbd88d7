"""Lists become one, and of many alike few are shown."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.documents.ports import EmbedderIdentity
from backends.documents.ranking import Candidate, Leg, fuse, may_vote, ranks, reranked, select, text_weight, together
from backends.documents.types import Document, Passage, passage_id

MINILM = EmbedderIdentity("m", "MiniLM", "Q8_0", "mean", 1, 384, False)
TEXT = Leg("text", [(1, 10.0), (2, 9.0), (3, 1.0)], 10.0)
VECTOR = Leg("vector", [(2, 0.9), (4, 0.8), (1, 0.4)])
lists = st.dictionaries(st.integers(0, 30), st.floats(0.01, 50), min_size=1).map(
    lambda scores: sorted(scores.items(), key=lambda item: -item[1])
)


def test_what_both_lists_have_comes_first() -> None:
    assert fuse(TEXT, VECTOR)[0][0] == 2
    assert {passage for passage, _ in fuse(TEXT, VECTOR)} == {1, 2, 3, 4}
    assert fuse(TEXT) == [(1, 1.0), (2, 0.9), (3, 0.1)]
    assert fuse(Leg("text", []), VECTOR) == [(2, 1.0), (4, pytest.approx(0.8 / 0.9)), (1, pytest.approx(0.4 / 0.9))]
    assert fuse(Leg("text", [])) == []


@given(lists, lists)
def test_scores_fall_from_one_at_most(text: list[tuple[int, float]], vector: list[tuple[int, float]]) -> None:
    fused = fuse(Leg("text", text, 10.0), Leg("vector", vector))
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= score <= 1.0 + 1e-9 for score in scores)
    assert {passage for passage, _ in fused} == {passage for passage, _ in (*text, *vector)}


def test_text_counts_the_more_the_surer_it_is() -> None:
    unsure = replace(TEXT, unit=100.0)
    assert text_weight(unsure, VECTOR) < text_weight(TEXT, VECTOR)
    assert text_weight(TEXT, Leg("vector", [(8, 0.9), (9, 0.8)])) < text_weight(TEXT, VECTOR)


def test_an_english_embedder_has_no_vote_on_chinese() -> None:
    assert may_vote(MINILM, "en")
    assert not may_vote(MINILM, "zh")
    assert not may_vote(MINILM, "")
    assert may_vote(replace(MINILM, multilingual=True), "zh")


def test_a_question_in_two_languages_is_one_list() -> None:
    """What each holds of its own question is what compares, not what the words weigh."""
    both = together([Leg("text", [(1, 4.0), (2, 2.0)], 40.0), Leg("text:translated", [(3, 6.0), (2, 3.0)], 10.0)])
    assert both.matches == [(3, 0.6), (2, 0.3), (1, 0.1)]
    assert [rank.rank for rank in ranks([TEXT, VECTOR])[1]] == [1, 3]
    assert [rank.method for rank in ranks([TEXT, VECTOR])[1]] == ["text", "vector"]


def test_the_judge_decides_and_what_it_did_not_see_stays_behind() -> None:
    order = [(1, 1.0), (2, 0.9), (3, 0.8), (4, 0.7)]
    assert [passage for passage, _ in reranked(order, {1: 0.1, 2: 0.2, 3: 0.9})] == [3, 2, 1, 4]


# ---- few of many alike

WORDS = ["river", "mountain", "lantern", "copper", "violin", "harvest", "thunder", "meadow", "cipher", "orchard"]


def text(number: int) -> str:
    return " ".join(WORDS[(number * 3 + step * (number + 1)) % len(WORDS)] + str(number) * 2 for step in range(30))


def candidate(document: int, number: int, said: str = "", *, passages: int = 50, page: int = 1) -> Candidate:
    start = 1000 * number
    said = said or text(100 * document + number)
    passage = Passage(passage_id(document, number), start, start + len(said), page, "", (), "text", said)
    of = Document(
        *(document, 1, f"/shelf/{document}.pdf", f"{document}.pdf", "", "pdf", 1, 0.0, None, "", "ready", None, 9, 99),
        *(passages, "en", 0, 0, 0.0),
    )
    return Candidate(passage, of, 1.0)


def shown(order: list[Candidate], limit: int = 10, *, fold: bool = True) -> list[tuple[int, int]]:
    return [(each.document.id, each.passage.number) for each in select(order, limit, fold=fold)[0]]


def test_copies_are_shown_once_and_said() -> None:
    order = [candidate(1, 0, text(7)), candidate(2, 5, text(7)), candidate(3, 0), candidate(1, 9, text(7))]
    chosen, dropped = select(order, 10)
    assert [(each.document.id, each.also) for each in chosen] == [(1, [2]), (3, [])]
    assert [(each.passage_id, each.why) for each in dropped] == [
        (passage_id(2, 5), "duplicate"),
        (passage_id(1, 9), "duplicate"),
    ]
    assert shown(order, fold=False) == [(1, 0), (2, 5), (3, 0), (1, 9)]


def test_a_long_document_leaves_room_for_others() -> None:
    order = [candidate(1, 2 * number) for number in range(8)] + [candidate(2, 0), candidate(3, 0)]
    assert shown(order, 5) == [(1, 0), (1, 2), (1, 4), (2, 0), (3, 0)]
    assert shown(order[:8], 5) == [(1, 0), (1, 2), (1, 4), (1, 6), (1, 8)]  # no other has anything to say


def test_a_short_document_has_one_place() -> None:
    """A line of JSONL, a page: passages of it push no other document out."""
    order = [candidate(n, number, passages=4) for n in range(1, 12) for number in (0, 2)]
    assert shown(order) == [(n, 0) for n in range(1, 11)]


def test_neighbours_are_one_hit_if_they_lie_in_one_place() -> None:
    chosen, dropped = select([candidate(1, 4), candidate(1, 5), candidate(1, 3), candidate(1, 6, page=2)], 10)
    assert [(each.passage.number, each.first, each.last) for each in chosen] == [(4, 3, 5), (6, 6, 6)]
    assert [each.why for each in dropped] == ["merged", "merged"]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 12)), unique=True), st.integers(1, 12))
def test_every_passage_is_shown_or_said_to_be_dropped(places: list[tuple[int, int]], limit: int) -> None:
    order = [candidate(document, number) for document, number in places]
    chosen, dropped = select(order, limit)
    kept = [each.passage.id for each in chosen]
    assert len(kept) <= limit
    assert sorted([*kept, *(each.passage_id for each in dropped)]) == sorted(each.passage.id for each in order)
    assert kept == [each.passage.id for each in order if each.passage.id in kept]
    assert not order or chosen[0] is order[0]
