"""Where sentences begin and end, in both languages, in running text, lists and tables."""

import re
from collections.abc import Iterator

_CLOSING = r"[”’』」）)\"'》】\]*_]*"
_MARK = (
    r"(?:[ \t]?(?:[\[［【](?:\d{1,3}(?:\s*[,，、;；–-]\s*)?)+[\]］】])+)*"  # [1][2] after the full stop belong to it
)
_END = re.compile(rf"[。！？…]+{_CLOSING}{_MARK}|(?<![.?!])[.!?]+{_CLOSING}{_MARK}(?=\s|$)|\n+")
_QUOTED = "”’』」"
_SPEAKER = re.compile(
    r"[^\s，,。！？…；;：“‘「『\[［【]{1,12}(?:说|道|表示|指出|写道|问|答|說|問|寫道)(?=[，,。 \[［【]|$)"
)  # “好。”他说。
_SHORT = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|No|Nos|Fig|Figs|Vol|pp|p|cf|ca|approx|Inc|Ltd|Co|Corp|Gen|Col|Capt|Lt|Sgt|"
    r"Sen|Rep|Gov|Rev|Hon|Mt|Ft|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|al|etc|e\.g|i\.e|U\.S|U\.K|a\.m|p\.m)"
    r"|\b[A-Z]|(?:^|\n)\s*\d{1,3})\.$"
)


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Start and end (exclusive) of each, without the white space around it. A line ends one, too."""
    begin = 0
    for match in _END.finditer(text):
        end = match.end()
        if text[match.start()] == "." and _goes_on(text, match.start() + 1, end):
            continue
        if text[end - 1] in _QUOTED and _SPEAKER.match(text, end):
            continue
        yield from _trimmed(text, begin, end)
        begin = end
    yield from _trimmed(text, begin, len(text))


def _goes_on(text: str, stop: int, end: int) -> bool:
    """An abbreviation, an initial or a list's number; or what follows has a small letter."""
    following = text[end : end + 40].lstrip(" ")
    if following[:1].islower():
        return True
    return stop == end and bool(following.strip()) and _SHORT.search(text, max(0, stop - 12), stop) is not None


def _trimmed(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    while begin < end and text[begin].isspace():
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    if begin < end:
        yield begin, end
