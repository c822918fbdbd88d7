"""The `pattern` of a JSON schema (a regular expression) as a rule of a grammar: what stands between the quotes.

Written are literals, classes, groups, alternatives, repetitions and the anchors at both ends. What a grammar cannot say
(looking around, back references, borders of words) is refused. No regular expression is ever run.
"""

from backends.engine.gbnf import MOST_REPETITIONS, Rules, literal, one_of

LONGEST_PATTERN = 1000  # characters
_DEEPEST = 32
_LAST = 0x10FFFF

Ranges = list[tuple[int, int]]

_CLASSES: dict[str, Ranges] = {
    "d": [(0x30, 0x39)],
    "w": [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)],
    "s": [(0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x2028, 0x2029), (0x3000, 0x3000)],
}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}
_WRITTEN = {0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0C: "\\f", 0x0D: "\\r", 0x22: '\\"', 0x5C: "\\\\"}
_UNWRITTEN: Ranges = [(0, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0x7F, 0x7F), (0xD800, 0xDFFF)]


class NotWritable(Exception):
    """No grammar says this, or it is no regular expression. The text names the part."""


def pattern(rules: Rules, text: str) -> str:
    """A rule for all strings, as JSON writes them, that match; without quotes."""
    if len(text) > LONGEST_PATTERN:
        raise NotWritable(f"more than {LONGEST_PATTERN} characters")
    return _Reader(rules, text).whole()


class _Reader:
    def __init__(self, rules: Rules, text: str) -> None:
        self._rules, self._text, self._at = rules, text, 0

    def whole(self) -> str:
        ways = [self._way(0)]
        while self._take("|"):
            ways.append(self._way(0))
        if self._at < len(self._text):
            raise NotWritable(self._text[self._at :][:10])
        return self._rules.add(" | ".join(ways))

    def _way(self, depth: int) -> str:
        """One alternative of the whole: anything may stand before and behind it, but for anchors."""
        begins = self._take("^")
        body = self._sequence(depth)
        ends = self._take("$")
        anything = f"{self._rules.json('char')}*"
        return f"{'' if begins else anything} {body} {'' if ends else anything}".strip() or '""'

    def _take(self, expected: str) -> bool:
        found = self._text.startswith(expected, self._at)
        self._at += len(expected) * found
        return found

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise NotWritable("it breaks off")
        self._at += 1
        return self._text[self._at - 1]

    def _alternatives(self, depth: int) -> str:
        if depth > _DEEPEST:
            raise NotWritable(f"more than {_DEEPEST} groups in each other")
        ways = [self._sequence(depth)]
        while self._take("|"):
            ways.append(self._sequence(depth))
        return " | ".join(way or '""' for way in ways)

    def _sequence(self, depth: int) -> str:
        parts = []
        while self._at < len(self._text) and self._text[self._at] not in "|)$":
            parts.append(self._repeated(self._single(depth)))
        return " ".join(parts)

    def _single(self, depth: int) -> str:
        match sign := self._next():
            case "(":
                if self._take("?") and not self._take(":"):
                    raise NotWritable(f"(?{self._text[self._at :][:3]}")
                body = self._alternatives(depth + 1)
                if not self._take(")"):
                    raise NotWritable("a group that is not closed")
                return self._rules.add(body)
            case "[":
                return self._class()
            case ".":
                return self._characters([(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)], but=True)
            case "\\":
                found = self._escaped()
                return self._characters(*found)
            case "*" | "+" | "?" | "{" | "^":
                raise NotWritable(self._text[self._at - 1 :][:10])
            case _:
                return self._characters([(ord(sign), ord(sign))])

    def _escaped(self) -> tuple[Ranges, bool]:
        sign = self._next()
        if sign.lower() in _CLASSES:
            return _CLASSES[sign.lower()], sign.isupper()
        if sign in "xu":
            digits = self._text[self._at : self._at + (2 if sign == "x" else 4)]
            self._at += len(digits)
            try:
                point = int(digits, 16)
            except ValueError:
                raise NotWritable(f"\\{sign}{digits}") from None
        elif sign in _CONTROLS:
            point = ord(_CONTROLS[sign])
        elif sign.isalnum():
            raise NotWritable(f"\\{sign}")
        else:
            point = ord(sign)
        return [(point, point)], False

    def _class(self) -> str:
        but, ranges = self._take("^"), list[tuple[int, int]]()
        while not self._take("]"):
            low, negated = self._member()
            if negated:
                raise NotWritable("a negated class in a class")
            more = self._text[self._at : self._at + 1] == "-" and self._text[self._at + 1 : self._at + 2] not in "]"
            if more and len(low) == 1 and low[0][0] == low[0][1]:
                self._at += 1
                high, negated = self._member()
                if negated or len(high) != 1 or high[0][0] != high[0][1] or high[0][0] < low[0][0]:
                    raise NotWritable("a range in a class")
                low = [(low[0][0], high[0][0])]
            ranges += low
        if not ranges:
            raise NotWritable("an empty class")
        return self._characters(ranges, but=but)

    def _member(self) -> tuple[Ranges, bool]:
        sign = self._next()
        return self._escaped() if sign == "\\" else ([(ord(sign), ord(sign))], False)

    def _characters(self, ranges: Ranges, but: bool = False) -> str:
        """Those that JSON writes as they are, and those that it writes with a backslash."""
        if but:
            ranges = _complement(ranges)
        plain = _minus(ranges, _UNWRITTEN)
        ways = [one_of(plain)] if plain else []
        ways += [literal(text) for point, text in _WRITTEN.items() if any(a <= point <= b for a, b in ranges)]
        if not ways:
            raise NotWritable("characters that JSON does not hold")
        return ways[0] if len(ways) == 1 else self._rules.add(" | ".join(ways))

    def _repeated(self, single: str) -> str:
        sign = self._text[self._at : self._at + 1]
        if not sign or sign not in "*+?{":
            return single
        self._at += 1
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or self._counts()
        self._take("?")  # as few as possible: the same strings match
        if self._text[self._at : self._at + 1] in tuple("*+{"):
            raise NotWritable("a repetition of a repetition")
        return self._rules.repeated(self._rules.add(single), least, most)

    def _counts(self) -> tuple[int, int | None]:
        inside, closed, _ = self._text[self._at :].partition("}")
        least, comma, most = inside.partition(",")
        self._at += len(inside) + 1
        numbers = [least, *([most] if most else [])]
        if not closed or not all(n.isascii() and n.isdigit() and len(n) < 9 for n in numbers):
            raise NotWritable(f"{{{inside[:10]}")
        low, high = int(least), int(most) if most else None if comma else int(least)
        if max(low, high or 0) > MOST_REPETITIONS or (high is not None and high < low):
            raise NotWritable(f"{{{inside[:20]}}}")
        return low, high


def _complement(ranges: Ranges) -> Ranges:
    return _minus([(0, _LAST)], ranges)


def _minus(ranges: Ranges, others: Ranges) -> Ranges:
    for low, high in others:
        ranges = [
            part
            for a, b in ranges
            for part in ((a, min(b, low - 1)), (max(a, high + 1), b))
            if part[0] <= part[1] and not (part[1] < a or part[0] > b)
        ]
    return ranges
