"""What a conversation is called until somebody names it: its first question, shortened where a reader would."""

import unicodedata

_MARKUP = "#>*-_`~ \t"
_CLOSING = set("，。、；：？！…）》」』】〉”’,.;:?!)]}")
_ELLIPSIS = "…"


def width(text: str) -> int:
    """Cells that `text` takes in a terminal or a list: 2 for wide (CJK) characters, 0 for combining ones."""
    return sum(_cells(character) for character in text)


def one_line(text: str, limit: int) -> str:
    """`text` on one line, at most `limit` characters of it: previews."""
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + _ELLIPSIS


def title_of(question: str, limit: int = 48) -> str:
    """The first line that says something, at most `limit` cells wide, cut between words or CJK characters."""
    for line in question.splitlines():
        text = " ".join(line.strip(_MARKUP).split())
        if any(character.isalnum() for character in text):
            return shorten(text, limit)
    return shorten(" ".join(question.split()), limit)


def shorten(text: str, limit: int) -> str:
    """`text` if it is at most `limit` cells wide, else its beginning, cut at a border, and an ellipsis."""
    if width(text) <= limit:
        return text
    cells = border = index = 0
    for index, character in enumerate(text):
        if index and _is_border(text, index):
            border = index
        cells += _cells(character)
        if cells > limit - 1:
            break
    if width(text[:border]) < limit // 2:
        border = _before_marks(text, index)
    return text[:border].rstrip().rstrip("".join(_CLOSING)) + _ELLIPSIS


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _is_border(text: str, index: int) -> bool:
    before, after = text[index - 1], text[index]
    if _cells(after) == 0 or before == "\u200d":
        return False
    return after == " " or before == " " or _cells(before) == 2 or _cells(after) == 2


def _before_marks(text: str, index: int) -> int:
    """The last place at or before `index` that does not tear a character from its combining marks."""
    while index > 1 and (_cells(text[index]) == 0 or text[index - 1] == "\u200d"):
        index -= 1
    return index
