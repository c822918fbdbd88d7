"""What is learned about questions that nothing answers."""

import random

import pytest

from backends.documents.thresholds import (
    FEWEST,
    LEAST,
    MOST,
    SAMPLES,
    USUAL,
    Thresholds,
    leads,
    piece,
    samples,
)
from backends.documents.types import Language
from tests.kit.shelves import CHINESE, ENGLISH


def test_with_little_to_learn_from_it_is_the_usual() -> None:
    thresholds = Thresholds()
    thresholds.learn("zh", [0.5] * (FEWEST - 1))
    assert (thresholds.of("zh"), thresholds.of("en")) == (USUAL["zh"], USUAL["en"])


def test_most_of_what_is_not_there_stays_below() -> None:
    thresholds, scores = Thresholds(), [number / 100 for number in range(20, 70)]
    thresholds.learn("en", scores)
    below = sum(score < thresholds.of("en") for score in scores) / len(scores)
    assert 0.8 <= below <= 0.9
    assert thresholds.of("zh") == USUAL["zh"]


@pytest.mark.parametrize(("score", "threshold"), [(0.0, LEAST), (2.0, MOST)])
def test_nothing_is_learned_that_shuts_all_out_or_lets_all_in(score: float, threshold: float) -> None:
    thresholds = Thresholds()
    thresholds.learn("en", [score] * 30)
    assert thresholds.of("en") == threshold


def test_it_is_learned_anew_when_there_is_much_more_or_less() -> None:
    thresholds = Thresholds(documents=100)
    assert [thresholds.stale(count) for count in (100, 140, 160, 40)] == [False, False, True, True]
    assert Thresholds().stale(1)


def test_pieces_are_as_long_as_questions_are() -> None:
    choose = random.Random(1)
    assert len(piece(CHINESE, "zh", choose)) == 14
    assert 4 <= len(piece(3 * ENGLISH, "en", choose).split()) <= 14
    assert piece("too short", "en", choose) == ""


def test_samples_are_of_each_language_and_always_the_same() -> None:
    def text_of(document: int, choose: random.Random) -> tuple[str, Language]:
        return (CHINESE, "zh") if document % 3 == 0 else (3 * ENGLISH, "en")

    taken = samples(range(1000), text_of)
    assert taken == samples(range(1000), text_of)
    assert {language for _, _, language in taken} == {"zh", "en"}
    assert len(taken) <= 2 * SAMPLES
    assert samples([], text_of) == []


def test_a_cosine_that_stands_out() -> None:
    assert leads([0.8, *[0.4] * 20])
    assert not leads([0.8, *[0.7] * 20])
    assert not leads([0.8, 0.1])
