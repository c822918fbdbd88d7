"""A verified sentence stays so however it is typed, and is no longer so when one thing in it is another."""

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backends.chat.support import support
from backends.documents.folding import folded
from tests.bench.citations import HALVES, _turned, fresh, judged

PEOPLE = ("Torvald Lindqvist", "Amara Nwosu", "Priya Raman", "Carsten Holm", "Ruth Adeyemi", "Igor Pavlenko")
人 = ("林德志", "吴美玲", "周启明", "何卡森", "艾露丝", "潘伊果", "欧保罗")
SAID = (
    "{0} hired {1} in 2017.",
    "{0} was hired by {1} in 2017.",
    "{0} lent {1} 300 euros.",
    "{0} is older than {1}.",
    "{0} is the mother of {1}.",
    "In 2017 {0} beat {1} by 6 points.",
    "{0} succeeded {1} as chair of the board.",
)
说 = (
    "{0}把{1}介绍给了董事会。",
    "{0}被{1}辞退了。",
    "{0}比{1}高12厘米。",
    "{0}给{1}寄了两本书。",
    "{0}向{1}借款三百万元。",
    "{0}对{1}提起诉讼。",
    "{0}的导师是{1}。",
    "2018年，{0}接替{1}出任主席。",
)
TRADITIONAL = str.maketrans("为开张员应团队门车号试验组东风药书议会经", "為開張員應團隊門車號試驗組東風藥書議會經")
WIDE = {n: n + 0xFEE0 for n in range(0x30, 0x3A)} | {ord(","): "，", ord("("): "（", ord(")"): "）"}
MARK = re.compile(r" ?\[1\]")


def verified() -> list[tuple[str, str]]:
    """Sentences that are verified, and rightly so, with their passage."""
    cases = [case for half in HALVES for case in fresh(half) if len(case[2]) == 1 and case[3] == [True]]
    plain = [(MARK.sub("", answer), sources[0].text) for _, answer, sources, _ in cases]
    return [(said, text) for said, text in plain if support(said, text).verified is True]


VERIFIED = verified()
"""Of these something is changed."""


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(VERIFIED), st.integers(1, 9), st.data())
def test_one_figure_more_or_another_number_is_not_verified(
    case: tuple[str, str], figure: int, data: st.DataObject
) -> None:
    said, text = case
    places = [match.span() for match in re.finditer(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w-])", said)]
    assume(places)
    a, b = data.draw(st.sampled_from(places))
    number = f"{said[a:b]}{figure}" if "," not in said[a:b] else f"{figure + 1}{said[a:b].replace(',', '')}"
    assume(number not in folded(text).replace(",", ""))
    assert support(said[:a] + number + said[b:], text).verified is not True


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(VERIFIED))
def test_a_negation_put_in_or_taken_out_is_not_verified(case: tuple[str, str]) -> None:
    said, text = case
    turned = _turned(said, "zh" if re.search("[\u4e00-\u9fff]", said) else "en")
    assume(turned != said)
    assert support(turned, text).verified is not True


def test_a_negation_is_kept_in_the_other_voice() -> None:
    text = "Replace the seal once a year. The warranty does not cover damage caused by dry running."
    assert support("Damage caused by dry running is covered by the warranty.", text).verified is False
    assert support("Damage from dry running is not covered by the warranty.", text).verified is True


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([(SAID, PEOPLE), (说, 人)]), st.data())
def test_two_who_have_changed_places_are_not_verified(
    both: tuple[tuple[str, ...], tuple[str, ...]], data: st.DataObject
) -> None:
    sayings, people = both
    saying = data.draw(st.sampled_from(sayings))
    one, two, three = data.draw(st.permutations(people))[:3]
    more = data.draw(st.sampled_from(sayings)).format(three, one)
    text = f"{saying.format(one, two)} {more}"
    assert support(saying.format(one, two), text).verified is True
    assume(saying.format(two, one) not in text)
    assert support(saying.format(two, one), text).verified is not True


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(VERIFIED), st.sampled_from(("spaces", "wide", "traditional", "case of spaces")))
def test_how_it_is_typed_makes_no_difference(case: tuple[str, str], how: str) -> None:
    said, text = case
    if how == "spaces":
        said = said.replace(" ", "  ")
    elif how == "wide":
        said = said.translate(WIDE) if re.search("[\u4e00-\u9fff]", said) else said
    elif how == "traditional":
        said = said.translate(TRADITIONAL)
    else:
        text = f"  {text}\n"
    assert support(said, text).verified is True


def test_traps_are_not_fallen_into() -> None:
    """Made with the rules: none is wrongly verified, and most of what is right is verified."""
    right, wrong, able = judged("traps")
    assert wrong == 0
    assert right >= 0.85 * able


def test_what_a_model_says_in_other_small_words_is_verified() -> None:
    """Sentences as models answer: a reader who is told of true ones that they are not in the source, looks no more."""
    right, wrong, able = judged("answers")
    assert wrong == 0
    assert right >= 0.8 * able


TABLE = "| Year | Sales (million) | Staff |\n|---|---|---|\n| 2019 | 1.4 | 310 |\n| 2020 | 0.9 | 295 |"


@pytest.mark.parametrize(
    ("sentence", "held"),
    [
        ("In 2019, sales were 1.4 million.", True),
        ("In 2020, sales were 1.4 million.", False),
        ("In 2019, staff were 295.", False),
        ("Staff fell from 310 in 2019 to 295 in 2020.", True),
        ("Staff rose from 310 in 2019 to 295 in 2020.", False),
        ("In 2019, sales were not 1.4 million.", False),
        ("In 2019, sales were highest at 1.4 million.", False),
        ("| 2019 | 1.4 | 310 |", True),
    ],
)
def test_a_value_of_a_table_is_of_its_row_and_column(sentence: str, held: bool) -> None:
    assert support(sentence, TABLE).verified is held


@pytest.mark.parametrize(
    "text", ["|" * 5000, "| a |\n" * 3000, "a: b | c: d\n" * 2000, "若|除非|时，" * 2000, "by was " * 3000]
)
def test_whatever_a_passage_holds_is_read(text: str) -> None:
    assert support("The prize was won by Ada in 1843.", text).verified is not True
