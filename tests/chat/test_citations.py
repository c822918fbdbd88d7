"""Marks are found where models put them, and each is checked against its source."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.chat.citations import citations, marked, without_marks
from backends.chat.quantities import NUMBER, quantities
from backends.chat.support import support
from backends.chat.types import Source
from backends.documents.folding import folded
from tests.bench.citations import fresh, judged
from tests.chat.library import BRIDGE, HARBOUR

Case = tuple[str, str, list[Source], list[bool | None]]
BOUND = 0.95
LABELLED = Path(__file__).resolve().parents[1] / "data" / "citations"


def source(n: int, text: str, page: int = 3, start: int = 100) -> Source:
    return Source(n, 10 + n, f"Title {n}", f"file{n}.pdf", page, "", start, start + len(text), text)


@pytest.mark.parametrize(
    ("answer", "pieces"),
    [
        ("The crisis began in 1973 [1].", [("The crisis began in 1973.", (1,))]),
        ("It began.[1] It ended.[2]", [("It began.", (1,)), ("It ended.", (2,))]),
        ("It began [1][2]. It ended [1, 3].", [("It began.", (1, 2)), ("It ended.", (1, 3))]),
        ("它始于1973年。[1]后来结束了【2】。", [("它始于1973年。", (1,)), ("后来结束了。", (2,))]),
        ("价格上涨［１］！随后下跌[1、2]？", [("价格上涨！", (1,)), ("随后下跌？", (1, 2))]),
        ("X is 10 [1], while Y is 20 [2].", [("X is 10", (1,)), (", while Y is 20.", (2,))]),
        ("- **First** item [1]\n- second item\n2. third [2-4]", [("**First** item", (1,)), ("third", (2, 3, 4))]),
        ("| North | 1,024 [1] |\n| South | 512 [2] |", [("North | 1,024", (1,)), ("South | 512", (2,))]),
        ("| North | 1,024 [1] | 5 [2] |", [("North | 1,024", (1,)), ("North 5", (2,))]),
        ("Dr. Smith paid U.S. dollars. [1] Then he left.", [("Dr. Smith paid U.S. dollars.", (1,))]),
        ("It is so.\n[2]", [("It is so.", (2,))]),
        ("[1] says that it began.", [("says that it began.", (1,))]),
        ("See [Source 2] and 【3†source】.", [("See", (2,)), ("and.", (3,))]),
        ("Use `a[1]` or\n```\nx[2] = 1\n```\nand [link][3](http://x) or [4](http://x).", []),
        ("In the year [1973] nothing.", []),
        ("[1]", []),
    ],
)
def test_what_each_mark_speaks_of(answer: str, pieces: list[tuple[str, tuple[int, ...]]]) -> None:
    assert [(piece.words, piece.numbers) for piece in marked(answer)] == pieces


def test_a_citation_says_where_the_source_says_it() -> None:
    sources = (source(1, HARBOUR), source(2, BRIDGE))
    answer = "Port Selwyn was dredged in 1887 [1]. The loan was £99,000 [1]. 古桥长48米。[2] Ships came [7]."
    first, second, third, fourth = citations(answer, sources)
    assert (first.n, first.document_id, first.page, first.verified) == (1, 11, 3, True)
    assert first.quote.startswith("The harbour of Port Selwyn was dredged in 1887")
    assert HARBOUR[first.start - 100 : first.end - 100] == first.quote
    assert answer[first.sentence_start : first.sentence_end] == "Port Selwyn was dredged in 1887 [1]."
    assert second.verified is False
    assert (third.verified, third.document_id) == (True, 12)
    assert (fourth.n, fourth.document_id, fourth.quote, fourth.verified) == (7, 0, "", False)


def test_the_page_is_that_of_the_quote() -> None:
    first, second = "The first page speaks of apples.", "The second page speaks of 40 pears."
    both = Source(1, 5, "", "f.pdf", 7, "", 0, 70, f"{first}\n{second}", pages=((0, 7), (len(first) + 1, 8)))
    assert [one.page for one in citations("It speaks of apples [1]. It speaks of 40 pears [1].", (both,))] == [7, 8]


def test_a_list_of_the_sources_is_no_claim_and_the_documents_own_numbers_are_not_ours() -> None:
    sources = (source(1, HARBOUR),)
    assert citations("Sources:\n[1] file1.pdf", sources) == ()
    assert [one.n for one in citations("It was dredged in 1887 [12][1].", sources)] == [1]


def test_marks_go_and_code_stays() -> None:
    assert without_marks("It began.[1] See `a[1]` [2, 3].") == "It began. See `a[1]`."


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,024", "1024"),
        ("1,024", "一千零二十四"),
        ("3.2万", "32,000"),
        ("1.5亿美元", "150 million dollars"),
        ("50%", "百分之五十"),
        ("50 percent", "50%"),
        ("October 17, 1973", "1973年10月17日"),
        ("2020-03-04", "March 4, 2020"),
        ("５公里", "5 km"),
        ("twenty-one", "21"),
        ("第三", "third"),
        ("一九七三年", "1973年"),
    ],
)
def test_numbers_are_values(one: str, other: str) -> None:
    assert values(one) == values(other) != []


@pytest.mark.parametrize("text", ["四川", "一个", "万一", "you may go", "a second-hand car's", "统一"])
def test_what_is_no_number(text: str) -> None:
    assert [value for value, _ in values(text) if value != "2"] == []


def values(text: str) -> list[tuple[str, str]]:
    found = NUMBER.finditer(folded(text, lower=False))
    return [(one.value, one.unit) for match in found for one in quantities(match) or ()]


@pytest.mark.parametrize(
    ("sentence", "passage", "verified"),
    [
        ("It is 5 km long.", "It is 5 miles long.", False),
        ("It grew by 5%.", "It grew by 5 percentage points.", False),
        ("It grew by 5 percent.", "It grew by 5%.", True),
        ("The prices rose from 10 to 20 km.", "The prices rose from 10 to 20 km.", True),
        ("Sales in Syria fell.", "Syrian sales fell in Syria.", True),
        (
            "The OAPEC proclaimed an embargo.",
            "The Organization of Arab Petroleum Exporting Countries proclaimed an embargo.",
            True,
        ),
        ("He can't swim.", "He can swim.", False),
        ("他不会游泳。", "他会游泳。", False),
        ("他會游泳。", "他会游泳。", True),
        ("The price is $5.", "价格是5美元。", None),
        ("The price is $6.", "价格是5美元。", False),
        ("型号为AB-1234。", "The model is AB-1235.", False),
        ("型号为AB-1234。", "The model is AB-1234.", None),
        ("根据文档内容，古桥长48米。", BRIDGE, True),
        ("资料显示：古桥长49米。", BRIDGE, False),
        ("桥上用了铁钉。", BRIDGE, False),
        ("Yes.", HARBOUR, None),
        ("", HARBOUR, None),
        ("The ex-\nample has 24 feet.", "The example has 24 feet.", True),
    ],
)
def test_what_is_checked(sentence: str, passage: str, verified: bool | None) -> None:
    assert support(sentence, passage).verified is verified


def test_two_hundred_labelled_sentences() -> None:
    """Precision of `verified: true` at least 0.95; `python -m tests.bench citations` prints recall, too."""
    cases = [
        json.loads(line) for file in sorted(LABELLED.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()
    ]
    kinds = Counter((case["kind"], len(case["passage"]) > 0) for case in cases)
    assert (len(cases), len(kinds)) == (200, 7)
    said = [(support(case["sentence"], case["passage"]).verified, case["verified"]) for case in cases]
    right = sum(one is True and truth is True for one, truth in said)
    assert right >= 0.95 * sum(one is True for one, _ in said)
    assert right >= 0.85 * sum(truth is True for _, truth in said)
    assert all(one is not True for one, truth in said if truth is None)


def test_fresh_sentences_of_which_half_were_not_seen_when_the_rules_were_made() -> None:
    """Directions, units, roles, rows of tables exchanged. Few are wrongly verified, and no rule is so strict that most
    paraphrases fail; `python -m tests.bench citations` prints both halves."""
    halves = [judged("tuned"), judged("held out")]
    right, wrong, able = (sum(numbers) for numbers in zip(*halves, strict=True))
    assert right >= BOUND * (right + wrong)
    assert right >= 0.7 * able


@settings(max_examples=60, deadline=None)
@given(
    st.text(alphabet='江豚不是没 ab12,.。，[]【】*|`\n"“”（(%kmKM-–', max_size=120), st.sampled_from((HARBOUR, BRIDGE))
)
def test_any_answer_has_citations_inside_it_and_its_source(words: str, passage: str) -> None:
    answer = f"{words} [1]"
    for one in citations(answer, (source(1, passage),)):
        assert 0 <= one.sentence_start < one.sentence_end <= len(answer)
        assert 100 <= one.start <= one.end <= 100 + len(passage)
        assert one.quote == passage[one.start - 100 : one.end - 100]


@settings(max_examples=60, deadline=None)
@given(st.integers(100, 99999), st.sampled_from([case for half in ("tuned", "held out") for case in fresh(half)]))
def test_a_number_that_the_passage_has_not_is_never_verified(number: int, case: Case) -> None:
    _, answer, sources, _ = case
    text = f"{sources[0].text} {sources[-1].text}".replace(",", "")
    figure = re.search(r"(?<![\w.\[-])\d+(?![\w.\]-])", answer)
    if figure is None or str(number) in text:
        return
    answer = f"{answer[: figure.start()]}{number}{answer[figure.end() :]}"
    for one in citations(answer, sources):
        if str(number) in answer[one.sentence_start : one.sentence_end]:
            assert one.verified is not True


@pytest.mark.parametrize("case", [case for half in ("tuned", "held out") for case in fresh(half)][::9])
def test_what_is_said_in_the_other_language_is_never_verified(case: Case) -> None:
    _, answer, _, _ = case
    passage = BRIDGE if not any("\u4e00" <= character <= "\u9fff" for character in answer) else HARBOUR
    assert all(one.verified is not True for one in citations(answer, (source(1, passage), source(2, passage))))


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "。" * 5000, "1" * 5000, "a[1" * 2000, "不" * 3000, "| " * 3000 + "[1]", "[" * 10**6, "不是" * 10**6],
)
def test_whatever_a_model_says_is_looked_at(text: str) -> None:
    for one in citations(text + " [1]", (source(1, HARBOUR),)):
        assert one.verified is not True
