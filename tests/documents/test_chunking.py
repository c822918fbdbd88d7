"""Passages: all of the text, in order, of a size, cut where a reader would pause."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.documents.chunking import FULL, LONGEST_ROW, chunks, language
from backends.documents.types import Section, SectionKind

CHINESE = "研究人员在二〇二四年发表了这份报告，其中说明了测量的方法。结果显示，两组之间没有明显差别！这是为什么？"
ENGLISH = "The committee met on Tuesday to look at the figures. It found that nothing had changed, and said so. "


def pieces(section: Section) -> list[str]:
    return [section.text[start:end] for start, end in chunks(section)]


def weight(text: str) -> int:
    return sum(2 if "\u2e80" <= each <= "\uffef" else 1 for each in text)


@given(
    st.lists(
        st.sampled_from([*CHINESE, *ENGLISH, "\n", "\n\n", " ", "\t", CHINESE, ENGLISH, "x" * 700, "𠀀"]), max_size=60
    ),
    st.sampled_from(["text", "table", "code", "notes"]),
)
def test_passages_hold_the_whole_text_and_nothing_twice(parts: list[str], kind: SectionKind) -> None:
    text = "".join(parts)
    at = 0
    for start, end in chunks(Section(text, kind=kind)):
        assert at <= start < end
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        at = end
    assert not text[at:].strip()


@pytest.mark.parametrize(("sentence", "least", "most"), [(CHINESE, 250, 450), (ENGLISH, 500, 900)])
def test_a_long_text_is_cut_after_sentences(sentence: str, least: int, most: int) -> None:
    found = pieces(Section(sentence * 60))
    assert all(least <= len(each) <= most for each in found[:-2])
    assert all(each[-1] in "。！？." for each in found)


def test_a_paragraph_is_not_cut_where_the_next_one_could_be() -> None:
    paragraphs = [f"{number}. {ENGLISH * 4}".strip() for number in range(12)]
    for each in pieces(Section("\n\n".join(paragraphs))):
        assert re.fullmatch(r"\d+\. .*\.", each, re.DOTALL)


def test_no_crumb_is_left_at_the_end() -> None:
    text = ENGLISH * 9 + "And so on."
    assert len(text) > FULL
    assert min(len(each) for each in pieces(Section(text))) > 300


def test_rows_of_a_table_stay_whole() -> None:
    rows = [f"item {number} | {'detail ' * (number * 7 % 90)}| {number * 3} EUR" for number in range(120)]
    found = pieces(Section("\n".join(rows), kind="table"))
    assert [row for each in found for row in each.split("\n")] == [row.strip() for row in rows]
    assert max(len(each) for each in found) <= FULL


def test_a_row_longer_than_a_passage_is_kept_whole_and_an_endless_one_is_not() -> None:
    long, endless = "cell " * 400, "cell " * 2000
    found = pieces(Section(f"short\n{long}\nshort\n{endless}\nshort", kind="table"))
    assert long.strip() in found
    assert max(map(len, found)) <= LONGEST_ROW
    assert "".join(found).replace(" ", "").count("cell") == 2400


def test_a_text_without_any_end_is_cut_all_the_same() -> None:
    assert [len(each) for each in pieces(Section("a" * 2000))] == [900, 550, 550]
    assert max(map(weight, pieces(Section("字" * 5000)))) <= FULL


def test_white_space_makes_no_passage() -> None:
    assert pieces(Section(" \n\t\n　")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ENGLISH, "en"),
        (CHINESE, "zh"),
        ("DeepSeek 模型在本机运行，不需要网络。", "zh"),
        ("The word 中文 means Chinese in that language, as everybody knows.", "en"),
        ("12,5 | 13,7 | 2024", ""),
        ("これはペンです。わたしのです。", ""),
    ],
)
def test_the_language_of_a_text(text: str, expected: str) -> None:
    assert language(text) == expected


def test_what_is_all_of_its_document_is_one_passage_if_it_is_no_longer_than_a_page() -> None:
    for text in ("One sentence of English. " * 60, "一句中文的话，不长也不短。" * 60):
        short, long = Section(text.strip()), Section((text * 3).strip())
        assert len(list(chunks(short))) > 1
        assert list(chunks(short, alone=True)) == [(0, len(short.text))]
        assert list(chunks(long, alone=True)) == list(chunks(long))
    table = Section("one | two | three\n" * 100, kind="table")
    assert list(chunks(table, alone=True)) == list(chunks(table))
    assert list(chunks(Section("  \n"), alone=True)) == []
