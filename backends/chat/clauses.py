"""Clauses of a row of tokens, and the row as one string in which words of both languages can be looked for."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from backends.chat.claims import Token
from backends.documents.words import stem

SENTENCE_ENDS = frozenset(".!?。！？|")
SPLIT = frozenset(("but", "while", "whereas", "although", "though"))
SUBORDINATE = SPLIT | {"if", "unless", "because"}


class Flat:
    """` the valv open at #80 ` or ` 阀门自动打开`: Latin words, as they are compared, between single spaces."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        parts = [" "]
        self._starts: list[int] = []
        size = 1
        for token in tokens:
            part = token.key
            if len(part) > 1 or part.isascii():
                part = f"{part} " if parts[-1].endswith(" ") else f" {part} "
            self._starts.append(size)
            parts.append(part)
            size += len(part)
        self.text = "".join(parts)

    def place(self, at: int) -> int:
        """Of which token the character is."""
        return max(0, bisect_right(self._starts, at) - 1)

    def finds(self, pattern: "re.Pattern[str]") -> Iterator[tuple[int, int]]:
        """First and last token (exclusive) of each match."""
        for match in pattern.finditer(self.text):
            inner = match.group().strip()
            begin = match.start() + match.group().index(inner)
            yield self.place(begin), self.place(begin + len(inner) - 1) + 1


def latin(phrases: str) -> str:
    """Alternatives of a pattern: phrases apart by `/`, as they are and as they are compared."""
    ways = (" ".join(way(word) for word in one.split()) for one in phrases.split("/") for way in (str, stem))
    return "|".join(f" {one}(?= )" for one in dict.fromkeys(ways))


def keys(tokens: Sequence[Token]) -> frozenset[str]:
    """Words, and Chinese characters in pairs."""
    found: set[str] = set()
    before = ""  # the Chinese character, if the last token was one
    for token in tokens:
        if token.kind == "stop":
            continue
        if token.content and token.kind != "han":
            found.add(token.key)
        character = token.key if len(token.key) == 1 and token.kind in ("han", "part", "not") else ""
        if before and character:
            found.add(before + character)
        before = character
    return frozenset(found)


def clauses(tokens: Sequence[Token], split: frozenset[str] = SPLIT) -> list[tuple[int, int]]:
    """Start and end of each that says something; `split`: words that begin another."""
    found: list[tuple[int, int]] = []
    begin = 0
    for place, token in enumerate(tokens):
        if (token.kind == "stop" and (token.key in ",;:()【】[]" or token.key in SENTENCE_ENDS)) or token.key in split:
            found.append((begin, place))
            begin = place + 1
    found.append((begin, len(tokens)))
    return [(a, b) for a, b in found if any(token.content for token in tokens[a:b])]


def whole_sentences(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Start and end of each sentence, and of what stands apart by a semicolon."""
    found: list[tuple[int, int]] = []
    begin = 0
    for place, token in enumerate(tokens):
        if token.kind == "stop" and (token.key in SENTENCE_ENDS or token.key == ";"):
            found.append((begin, place))
            begin = place + 1
    found.append((begin, len(tokens)))
    return [(a, b) for a, b in found if any(token.content for token in tokens[a:b])]
