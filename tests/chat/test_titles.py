"""Titles and previews: short, on one line, never cut inside a word or a character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.chat.titles import one_line, shorten, title_of, width


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What is a GGUF?", "What is a GGUF?"),
        ("\n\n   Why is   the sky\tblue?  \n\nThe rest", "Why is the sky blue?"),
        ("# Heading first\nand text", "Heading first"),
        ("```\nprint(1)\n```", "print(1)"),
        ("为什么天空是蓝色的？", "为什么天空是蓝色的？"),
        ("？？", "？？"),
        ("", ""),
    ],
)
def test_a_short_question_is_its_own_title(question: str, title: str) -> None:
    assert title_of(question) == title


def test_a_long_english_question_is_cut_between_words() -> None:
    title = title_of("Please explain how continuous batching works in llama.cpp and why it matters")
    assert title == "Please explain how continuous batching works in…"


def test_a_long_chinese_question_is_cut_between_characters_and_not_after_a_mark() -> None:
    title = title_of("请用通俗的语言解释一下大语言模型的连续批处理是什么，以及它为什么重要", 24)
    assert title == "请用通俗的语言解释一下…"
    assert title_of("一二三四五六七八九十，然后呢？", 22) == "一二三四五六七八九十…"


def test_a_latin_word_in_chinese_text_stays_whole() -> None:
    assert title_of("请介绍一下continuous batching的原理和实现", 26) == "请介绍一下continuous…"


def test_one_endless_word_is_cut_anyway() -> None:
    assert title_of("a" * 100, 20) == "a" * 19 + "…"


def test_a_family_is_not_torn_apart() -> None:
    family = "👨\u200d👩\u200d👧\u200d👦"
    cut = shorten("x" + family * 4, 12)
    assert cut in {"x" + family * count + "…" for count in range(5)}


@given(st.text(max_size=80), st.integers(4, 40))
def test_whatever_the_text_the_title_fits(text: str, limit: int) -> None:
    title = title_of(text, limit)
    assert width(title) <= limit
    assert "\n" not in title


@given(st.text(max_size=400), st.integers(2, 50))
def test_whatever_the_text_the_preview_fits(text: str, limit: int) -> None:
    assert len(one_line(text, limit)) <= limit
