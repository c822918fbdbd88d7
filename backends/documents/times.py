"""Years, quarters, halves and months that a name or a question speaks of, in both languages.

times(folded("Q3 report, May 2022"))  ->  q3, m05, 2022
times(folded("二〇二二年第三季度"))      ->  2022, q3
"""

import re
from dataclasses import dataclass

_DIGITS = {digit: str(value) for value, digit in enumerate("〇一二三四五六七八九")} | {"零": "0"}
_MONTHS = {name: number for number, name in enumerate(re.findall("...", "janfebmaraprmayjunjulaugsepoctnovdec"), 1)}
_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
_CHINESE = {digit: value for value, digit in enumerate("一二三四", 1)}

_YEAR = r"(?:19|20)\d\d"
_BEFORE = r"(?<![\d.,])"  # no part of a longer number
_AFTER = r"(?![\d%]|[.,]\d)"
_TIMES = re.compile(
    rf"(?P<month>{_BEFORE}(?P<year_of_month>{_YEAR})\s*年\s*(?P<month_number>1[0-2]|0?[1-9])\s*月)"
    rf"|(?P<date>{_BEFORE}{_YEAR}[-/.]?(?:0[1-9]|1[0-2])(?:[-/.]?(?:0[1-9]|[12]\d|3[01]))?(?!\d))"
    r"|(?P<quarter>(?<![a-z\d])q[1-4](?!\d)|(?<![a-z\d])[1-4]q(?![a-z])|第?\s*[一二三四1-4]\s*季度?|"
    r"\b(?:first|second|third|fourth|1st|2nd|3rd|4th)[\s_-]+quarter)"
    r"|(?P<half>(?<![a-z\d])h[12](?!\d)|[上下]半年|\b(?:first|second)[\s_-]+half)"
    rf"|(?P<named>\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(?=[\s,_-]*{_YEAR}))"
    rf"|(?P<year>{_BEFORE}{_YEAR}{_AFTER})"
    r"|(?P<short>\bfy\s?'?(?P<two_digits>\d\d)(?!\d))"
    r"|(?P<spelled>[一二][〇零一二三四五六七八九]{3}(?=年))"
)


@dataclass(frozen=True, slots=True)
class Time:
    """`key`: 2022, q3, h1 or m05; `start` and `end` are places in the text."""

    key: str
    start: int
    end: int


def times(text: str) -> list[Time]:
    """In order. `text` is folded (`folding.folded`)."""
    return [Time(key, *match.span()) for match in _TIMES.finditer(text) for key in _keys(match)]


def _keys(match: "re.Match[str]") -> list[str]:
    said = match[0]
    if match["month"]:
        return [match["year_of_month"], f"m{int(match['month_number']):02}"]
    if match["date"]:
        digits = re.sub(r"\D", "", said)
        return [digits[:4], f"m{digits[4:6]}"]
    if match["quarter"]:
        return [f"q{_which(said)}"]
    if match["half"]:
        return ["h1" if said.startswith(("上", "first", "h1")) else "h2"]
    if match["named"]:
        return [f"m{_MONTHS[said[:3]]:02}"]
    if match["short"]:
        return [f"20{match['two_digits']}"]
    return ["".join(_DIGITS.get(character, character) for character in said)]


def _which(said: str) -> int:
    for word, number in _ORDINALS.items():
        if said.startswith(word):
            return number
    return next(int(c) if c.isdigit() else _CHINESE[c] for c in said if c.isdigit() or c in _CHINESE)
