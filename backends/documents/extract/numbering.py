"""Numbers that Word draws before paragraphs, which stand nowhere in the text (ECMA-376 part 1, 17.9): `第三条`, 2.1."""

from backends.documents.extract import xmltree
from backends.documents.extract.xmltree import Element

_DIGITS = "〇一二三四五六七八九"
_HEAVENLY = "甲乙丙丁戊己庚辛壬癸"
_BULLET = "•"
_LEVELS = 9


class Numbering:
    """Counts as the paragraphs come."""

    def __init__(self, root: Element | None) -> None:
        self._levels: dict[str, dict[int, tuple[str, str, int]]] = {}
        self._counts: dict[str, list[int]] = {}
        self._lists: dict[str, str] = {}
        if root is None:
            return
        abstract = {xmltree.attribute(one, "abstractNumId"): one for one in root if xmltree.name(one) == "abstractNum"}
        for one in root:
            if xmltree.name(one) != "num":
                continue
            number, base = xmltree.attribute(one, "numId") or "", _value(one, "abstractNumId")
            levels = dict(_levels(abstract.get(base)))
            for override in one:
                if xmltree.name(override) == "lvlOverride":
                    levels.update(_levels(override))
            self._levels[number] = levels
            overridden = any(xmltree.name(part) == "lvlOverride" for part in one)
            self._lists[number] = number if overridden else f"abstract {base}"

    def next(self, number: str, level: int) -> str:
        """What stands before the next paragraph of that list and level, "" if nothing does."""
        levels = self._levels.get(number)
        if not levels or level not in levels:
            return ""
        form, text, start = levels[level]
        if form == "bullet":
            return _BULLET
        counts = self._counts.setdefault(self._lists[number], [0] * _LEVELS)
        counts[level] = counts[level] + 1 if counts[level] else start
        counts[level + 1 :] = [0] * (_LEVELS - level - 1)
        if form == "none":
            return ""
        for one in range(level + 1):
            if f"%{one + 1}" in text:
                its_form, _, its_start = levels.get(one, ("decimal", "", 1))
                text = text.replace(f"%{one + 1}", spelled(counts[one] or its_start, its_form))
        return text.strip()


def spelled(number: int, form: str) -> str:
    """A number as a format of Word writes it; in digits if the format is none of these."""
    if form.startswith(("chinese", "taiwanese", "japanese", "ideographDigital")) and 0 < number < 100:
        return _chinese(number)
    if form in ("upperRoman", "lowerRoman") and 0 < number < 4000:
        return _roman(number) if form == "upperRoman" else _roman(number).lower()
    if form in ("upperLetter", "lowerLetter") and 0 < number <= 26:
        return chr((64 if form == "upperLetter" else 96) + number)
    if form == "ideographTraditional" and 0 < number <= 10:
        return _HEAVENLY[number - 1]
    if form.startswith("decimalEnclosedCircle") and 0 < number <= 20:
        return chr(0x2460 + number - 1)
    if form == "decimalZero":
        return f"{number:02d}"
    return str(number)


def _chinese(number: int) -> str:
    tens, ones = divmod(number, 10)
    if not tens:
        return _DIGITS[ones]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")


def _roman(number: int) -> str:
    text = ""
    for value, letters in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"),
        strict=True,
    ):
        text += letters * (number // value)
        number %= value
    return text


def _levels(holder: Element | None) -> list[tuple[int, tuple[str, str, int]]]:
    found = []
    for one in holder if holder is not None else ():
        if xmltree.name(one) == "lvl":
            level = xmltree.attribute(one, "ilvl") or "0"
            start = _value(one, "start") or "1"
            if level.isdigit() and int(level) < _LEVELS:
                first = int(start) if start.isdigit() and len(start) < 6 else 1
                found.append((int(level), (_value(one, "numFmt"), _value(one, "lvlText"), first)))
    return found


def _value(element: Element, local: str) -> str:
    one = xmltree.child(element, local)
    return (xmltree.attribute(one, "val") or "") if one is not None else ""
