"""Places in a text that are lit: which part of a passage to show, and where it stands in the text of a page."""

from collections.abc import Sequence

Span = tuple[int, int]  # start and end (exclusive), in characters
_BEFORE = 0.25  # of what is shown lies before the first word that is lit
_WIDE = 1.9  # a Chinese character takes the room of so many Latin ones


def excerpt(text: str, lit: Sequence[Span], room: int) -> tuple[str, tuple[Span, ...]]:
    """The part of `text` with the most lit words, about `room` Latin characters wide, in one paragraph; and where
    they stand in it."""
    flat = "".join(" " if character.isspace() else character for character in text)
    width = sum(_width(character) for character in flat)
    if width <= room:
        return flat, tuple(lit)
    length = max(20, int(len(flat) * room / width))
    start = _start(flat, lit, length)
    end = min(len(flat), start + length)
    while end < len(flat) and end > start + length // 2 and _inside_word(flat, end):
        end -= 1
    head, tail = "… " if start else "", " …" if end < len(flat) else ""
    shift = len(head) - start
    kept = tuple((max(a, start) + shift, min(b, end) + shift) for a, b in lit if a < end and b > start)
    return f"{head}{flat[start:end]}{tail}", kept


def _start(text: str, lit: Sequence[Span], length: int) -> int:
    if not lit:
        return 0
    densest = max((a for a, _ in lit), key=lambda at: (sum(at <= a < at + length for a, _ in lit), -at))
    start = max(0, min(densest - int(length * _BEFORE), len(text) - length))
    while 0 < start < densest and _inside_word(text, start):
        start += 1
    return start


def _inside_word(text: str, at: int) -> bool:
    """Between two Latin letters or digits; Chinese may be cut anywhere."""
    return all(character.isalnum() and ord(character) < 0x2E80 for character in text[at - 1 : at + 1])


def _width(character: str) -> float:
    return _WIDE if ord(character) >= 0x2E80 else 1.0


def utf16(text: str, at: int) -> int:
    """Where Qt counts the place `at` of `text`: characters beyond the basic plane are two to it."""
    return at + sum(ord(character) > 0xFFFF for character in text[:at])


def place_in(quote: str, text: str) -> Span | None:
    """Where `quote` stands in the text of a page, although that was read by another program."""
    from backends.chat.alignment import align

    return align(quote, text)


def lines(boxes: Sequence[tuple[float, float, float, float]]) -> list[tuple[float, float, float, float]]:
    """Boxes (x, y, width, height) of characters or words, joined into one a line; columns stay apart."""
    joined: list[tuple[float, float, float, float]] = []
    for x, y, width, height in boxes:
        if joined:
            left, top, wide, high = joined[-1]
            overlap = min(top + high, y + height) - max(top, y)
            gap = x - (left + wide)
            if overlap > 0.3 * min(high, height) and -wide < gap < 2.5 * max(high, height):
                right, bottom = max(left + wide, x + width), max(top + high, y + height)
                left, top = min(left, x), min(top, y)
                joined[-1] = (left, top, right - left, bottom - top)
                continue
        joined.append((x, y, width, height))
    return joined
