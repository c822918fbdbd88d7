"""What a text is searched by: both languages, figures, identifiers, any script; and where it stands in the original."""

import itertools
import os
import re
import subprocess
import sys
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.documents import folding, words
from backends.documents.folding import fold, folded, table
from backends.documents.words import language, lit, query_terms, terms


def holds(text: str, *wanted: str) -> bool:
    return set(wanted) <= set(terms(text))


def test_chinese_is_characters_and_pairs() -> None:
    assert sorted(terms("用户手册")) == sorted(["用", "户", "手", "册", "用户", "户手", "手册"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("用戶手冊與軟體發佈", "用户手册与软体发布"),
        ("ＡＢＣ１２３", "abc123"),
        ("Café Ｎoël", "CAFE noel"),
        ("Straße", "strasse"),
        ("ﬁnal", "FINAL"),
        ("Cafe\u0301", "café"),
        ("soft\u00adware", "software"),
        ("naïve résumé", "NAIVE RESUME"),
        ("ｶﾀｶﾅ", "カタカナ"),
        ("running dogs", "run dog"),
        ("the author's books", "the author book"),
        ("2021–2022", "2021-2022"),
    ],
)
def test_spellings_of_one_thing_are_one(one: str, other: str) -> None:
    assert sorted(terms(one)) == sorted(terms(other))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("AB-1234/56", ["ab-1234/56", "AB1234/56", "ab", "1234", "56"]),
        ("RTX4090 cards", ["rtx4090", "RTX 4090", "4090"]),
        ("max_tokens=5", ["max_tokens", "tokens"]),
        ("getHTTPResponse()", ["gethttpresponse", "http", "Response"]),
        ("v1.2.3", ["v1.2.3", "V1.2.3"]),
        ("共 1,024.50 元", ["1,024.50", "1024.50", "元"]),
        ("12,000 people", ["12000", "12,000"]),
        ("C++ and C#", ["C++", "C#"]),
        ("node.js", ["node.js", "node"]),
        ("me@example.org", ["me@example.org", "example.org"]),
        ("第３章", ["3", "章"]),
        ("don't stop", ["don’t", "dont"]),
    ],
)
def test_numbers_and_identifiers_are_found_whole_and_in_parts(text: str, wanted: list[str]) -> None:
    for asked in wanted:
        assert set(terms(asked)[-1:]) <= set(terms(text)), asked


def test_other_numbers_are_other_terms() -> None:
    assert "1.5" in terms("1.5")
    assert "15" not in terms("1.5")
    assert "1024" not in terms("10245")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("สวัสดีชาวโลก", "ชาวโลก"),
        ("한국어 검색 엔진", "검색"),
        ("日本語の検索エンジン", "検索"),
        ("हिन्दी भाषा", "भाषा"),
        ("Полнотекстовый поиск", "ПОИСК"),
        ("البحث عن النص", "النص"),
        ("Αναζήτηση κειμένου", "αναζητηση"),
        ("𠮷野家", "𠮷野"),
    ],
)
def test_every_script_is_found(text: str, asked: str) -> None:
    assert terms(asked)
    assert holds(text, *terms(asked))


def test_questions_lose_what_every_question_has() -> None:
    assert query_terms("What is the capital of France?") == ["capit", "franc"]
    assert "什么" not in query_terms("人工智能的定义是什么？")
    assert {"人工", "智能", "定义"} <= set(query_terms("人工智能的定义是什么？"))
    assert query_terms("請問什麼是人工智慧") == query_terms("请问什么是人工智慧")


@pytest.mark.parametrize("text", ["what is it", "是什么", "The Who", "为什么"])
def test_a_question_of_such_words_alone_keeps_them(text: str) -> None:
    assert query_terms(text)


def test_no_words_no_terms() -> None:
    for text in ("", " \n", "？！…", "\u0301\u200b", "--- ***"):
        assert terms(text) == []
        assert query_terms(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("人工智能的发展", "zh"),
        ("iPhone 15 Pro 的电池容量是多少", "zh"),
        ("How long is the notice period?", "en"),
        ("battery life", "en"),
        ("", ""),
        ("12.5 / 30", ""),
        ("日本語のテキストはここにあります", ""),
        ("Où est la bibliothèque dans la ville", ""),
        ("Wo ist der Bahnhof und das Hotel", ""),
        ("поиск по тексту", ""),
    ],
)
def test_the_language(text: str, expected: str) -> None:
    assert language(text) == expected


def test_what_was_asked_is_lit_in_the_original() -> None:
    text = "人工智慧的發展，ＡＩ is running fast — see AB-1234/56, e-mail."
    found = [text[start:end] for start, end in lit(text, query_terms("人工智能发展 ai runs AB1234/56 mail"))]
    assert found == ["人工智", "發展", "ＡＩ", "running", "AB-1234/56", "mail"]
    assert lit(text, []) == ()


def test_single_characters_are_lit_only_when_asked_alone() -> None:
    text = "人们使用工具"
    assert lit(text, query_terms("人工")) == ()
    assert lit(text, query_terms("人")) == ((0, 1),)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_places_lead_back_to_the_original(text: str) -> None:
    made, places = fold(text)
    assert len(made) == len(places)
    last = 0
    for at in range(len(made)):
        start, end = places.back(at, at + 1)
        assert last <= start < end <= len(text)
        assert made[at] in folded(text[start:end])
        last = start
    for start, end in lit(text, query_terms(text)):
        assert 0 <= start < end <= len(text)


@given(st.text(max_size=80))
def test_a_text_is_found_by_itself(text: str) -> None:
    made = terms(text)
    assert set(query_terms(text)) <= set(made)
    assert terms(text.replace("\n", "\n ")) == terms(text)
    assert all(term and not any(c.isspace() for c in term) and len(term) <= words.LONGEST for term in made)
    assert words.line(text).split() == made


def test_long_words_and_long_texts_end() -> None:
    assert max(map(len, terms("a" * 5000 + " " + "x1" * 5000 + "-" * 9000))) <= words.LONGEST
    terms("a-" * 20_000 + "'" * 20_000 + "ा" * 20_000)


def test_the_table_is_simplified_and_closed() -> None:
    made = table()
    assert made[ord("發")] == "发"
    assert made[ord("體")] == "体"
    assert len(made) > 4_000
    for one, other in made.items():
        assert other is None or other.translate(made) == other, chr(one)
        assert other is None or not unicodedata.combining(other[0])


def test_many_threads_make_the_same_terms() -> None:
    text = " ".join(f"running{n} nationalities organisations {n},000" for n in range(400))
    wanted = terms(text)
    words._made.clear()
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(terms(text))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 6


@given(st.text(st.sampled_from("".join(map(chr, table())) + "abc 漢字の用户手册，。"), max_size=40))
def test_a_few_characters_that_change_change_as_many_do(text: str) -> None:
    assert folded(text, lower=False) == unicodedata.normalize("NFKC", text).translate(table())


@given(st.text(st.sampled_from("用户手册漢𠀀ー한 ab,.1-"), max_size=40))
def test_runs_of_chinese_are_their_characters_and_pairs(text: str) -> None:
    runs = re.findall(r"[^ ab,.1-]+", folded(text))
    wanted = [piece for run in runs for piece in (*run, *map("".join, itertools.pairwise(run)))]
    assert Counter(term for term in terms(text) if not term.isascii()) == Counter(wanted)


@given(st.lists(st.text(st.sampled_from("用户手冊𠮷𠀀ーé’ßΣς ab,.1-X\0\n\u3000"), max_size=30), max_size=6))
def test_terms_of_several_texts_at_once_are_those_of_each(texts: list[str]) -> None:
    alone = [sorted(words.line(text).split()) for text in texts]
    assert [sorted(line.split()) for line in words.lines(texts)] == alone


def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_MADE", 50)
    texts = [" ".join(f"word{n} {n},000 {'x' * n}" for n in range(at, at + 60)) for at in range(0, 300, 60)]
    for text, line in zip(texts, words.lines(texts), strict=True):
        assert sorted(line.split()) == sorted(terms(text))
    assert len(words._made) <= 50
    assert max(map(len, words._made)) <= words._SHORT


# ---- the fingerprint of the rules


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Change some; once that is undone, nothing is remembered of it."""
    words._made.clear()
    words.fingerprint.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    words._made.clear()
    words.fingerprint.cache_clear()


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("stem", str),
        ("LONGEST", 101),
        ("_GROUPED", re.compile("nothing")),
        ("_CAMEL", re.compile("nothing")),
        ("_JOINTS", re.compile("[-]")),
        ("_FIGURES", re.compile("nothing")),
        ("_is_unspaced", lambda token: False),
        ("_side_by_side", lambda *columns: " ".join(columns) + " "),
        ("_TOKEN", re.compile(r"\w+")),
    ],
)
def test_each_rule_is_in_the_fingerprint(rules: pytest.MonkeyPatch, name: str, other: object) -> None:
    before = words.fingerprint()
    words.fingerprint.cache_clear()
    words._made.clear()
    rules.setattr(words, name, other)
    assert words.fingerprint() != before


def test_each_character_of_the_table_is_in_the_fingerprint(rules: pytest.MonkeyPatch) -> None:
    before = words.fingerprint()
    words.fingerprint.cache_clear()
    rules.setattr(words, "table", lambda: {**folding.table(), ord("龘"): "龙"})
    assert words.fingerprint() != before


def test_another_process_has_the_same_fingerprint() -> None:
    ask = "from backends.documents import words; print(words.fingerprint())"
    told = subprocess.run(
        [sys.executable, "-c", ask],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == words.fingerprint()
