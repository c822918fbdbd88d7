"""What a conversation is called until the person names it: its first question, shortened where a reader would; then
what the model calls it."""

import re
import unicodedata

_MARKUP = "#>*-_`~ \t"
_CLOSING = set("，。、；：？！…）》」』】〉”’,.;:?!)]}")
_ELLIPSIS = "…"
_LONGEST = 60  # cells of a title
_CALLED = re.compile(r"\s*(?:the\s+)?(?:title|标题|標題|题目)\s*(?:is|是|为)?\s*[:：]\s*", re.IGNORECASE)
_AROUND = "\"'`*_#“”‘’「」『』《》〈〉【】[]() \t"
_ENDING = "。.,，;；:：…"
_SENTENCES = re.compile(r"[.!?]\s|[。！？].")
_TALK = re.compile(r"(?:okay|ok|sure|alright|certainly|here is|here's|let me|i |好的|当然|嗯|首先|我)", re.IGNORECASE)


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


def spoken_title(said: str, *, chinese: bool, whole: bool = True) -> str:
    """The title in what the model said; "" if there is none. `chinese`: the question is. Not `whole`: the last word may
    be cut off."""
    line = next((line for line in said.splitlines() if any(one.isalnum() for one in line)), "")
    line = " ".join(line.split()).strip(_AROUND)
    line = _CALLED.sub("", line, count=1).strip(_AROUND).rstrip(_ENDING).strip(_AROUND)
    if not whole:
        line = line.rpartition(" ")[0].rstrip(_ENDING) if line.isascii() else ""
    written = any("\u3400" <= one <= "\u9fff" for one in line)
    other_language = written != chinese and (written or width(line) > 24)
    if not any(one.isalnum() for one in line) or width(line) > _LONGEST or other_language:
        return ""
    return "" if _TALK.match(line) or _SENTENCES.search(line) or "<" in line else line


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
