"""Text and Markdown (CommonMark 0.31 as far as headings, fences and tables of GFM go), of any size.

Text comes in sections of some thousand characters that end with a paragraph. Markdown comes in sections under one
heading each, code in fences and tables in sections of their own.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from backends.documents.extract.asked import Asked
from backends.documents.extract.encodings import blocks
from backends.documents.extract.sections import pieces
from backends.documents.extract.tables import row
from backends.documents.types import Opened, ReadEvent, Reading, Section, SectionKind

_SECTION = 16_384  # characters of text after which a section ends
_LONGEST_LINE = 65_536  # characters; a longer line is taken as several
_FRONT = 200  # lines among which front matter and the title are looked for
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TABLE_LINE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_FIELD = re.compile(r"(title|date|标题|日期)\s*[:：=]\s*(.*)$", re.IGNORECASE)
_CELL = re.compile(r"(?<!\\)\|")


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    total = path.stat().st_size
    with path.open("rb") as file:
        if asked.format == "markdown":
            lines = _lines(blocks(file))
            matter, first = _front_matter(list(itertools.islice(lines, _FRONT)))
            headings = (section.headings[0] for section in _markdown(iter(first)) if section.headings)
            yield Opened("markdown", matter.get("title") or next(headings, ""), dated=_date(matter.get("date", "")))
            sections = _markdown(itertools.chain(first, lines))
        else:
            yield Opened(asked.format or "text")
            sections = _texts(blocks(file))
        for section in sections:
            yield section
            yield Reading(min(file.tell(), total), total)


# ---- text


def _texts(parts: Iterable[str]) -> Iterator[Section]:
    held = ""
    for part in parts:
        *whole, held = pieces(held + part, _SECTION) if held or part else [""]
        for text in whole:
            yield Section(text)
    if held:
        yield Section(held)


def _lines(parts: Iterable[str]) -> Iterator[str]:
    """Lines without their ends."""
    held = ""
    for part in parts:
        held += part
        if len(held) > _LONGEST_LINE or "\n" in part:
            *whole, held = held.split("\n")
            yield from whole
            if len(held) > _LONGEST_LINE:
                yield held
                held = ""
    if held:
        yield held


# ---- Markdown


def _front_matter(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    """The title and the date that a block of YAML or TOML at the beginning names, and the lines after it."""
    if not lines or lines[0].strip() not in ("---", "+++"):
        return {}, lines
    fence = lines[0].strip()
    end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == fence), 0)
    if not end:
        return {}, lines
    names = {"标题": "title", "日期": "date"}
    found = (_FIELD.match(line) for line in lines[1:end])
    return {names.get(one[1], one[1].lower()): one[2].strip(" \"'") for one in found if one}, lines[end + 1 :]


def _date(text: str) -> float | None:
    try:
        when = datetime.fromisoformat(text.strip().replace("/", "-"))
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


class _Sections:
    """What has been read of the section that is open, and the headings it lies under."""

    def __init__(self) -> None:
        self.levels: list[tuple[int, str]] = []
        self.held: list[str] = []
        self.length = 0

    def add(self, line: str) -> None:
        self.held.append(line)
        self.length += len(line) + 1

    def close(self, kind: SectionKind = "text") -> Iterator[Section]:
        text = "\n".join(self.held)
        self.held, self.length = [], 0
        if text.strip():
            yield Section(text + "\n", headings=tuple(title for _, title in self.levels), kind=kind)

    def under(self, level: int, title: str) -> None:
        self.levels = [*(one for one in self.levels if one[0] < level), *([(level, title)] if title else [])]


def _markdown(lines: Iterator[str]) -> Iterator[Section]:
    now = _Sections()
    for line in lines:
        if fence := _FENCE.match(line):
            yield from now.close()
            yield from _code(lines, now, fence[1])
        elif heading := _HEADING.match(line):
            yield from now.close()
            now.under(len(heading[1]), heading[2] or "")
            now.add(heading[2] or "")
        elif (under := _UNDERLINE.match(line)) and now.held and now.held[-1].strip() and not _is_item(now.held[-1]):
            title = now.held.pop().strip()
            yield from now.close()
            now.under(1 if under[1][0] == "=" else 2, title)
            now.add(title)
        elif "|" in line and _TABLE_LINE.match(line) and now.held and "|" in now.held[-1]:
            header = _cells(now.held.pop())
            yield from now.close()
            yield from _table(lines, now, header)
        else:
            now.add(line)
            if now.length > _SECTION and not line.strip():
                yield from now.close()
    yield from now.close()


def _code(lines: Iterator[str], now: _Sections, fence: str) -> Iterator[Section]:
    for line in lines:
        if line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            break
        now.add(line)
        if now.length > _SECTION:
            yield from now.close("code")
    yield from now.close("code")


def _table(lines: Iterator[str], now: _Sections, header: list[str]) -> Iterator[Section]:
    for line in lines:
        if "|" not in line or not line.strip():
            yield from now.close("table")
            now.add(line)
            return
        now.add(row(header, _cells(line)))
        if now.length > _SECTION:
            yield from now.close("table")
    yield from now.close("table")


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip().replace("\\|", "|") for cell in _CELL.split(inner)]


def _is_item(line: str) -> bool:
    """Lists and quotes before a line of dashes make no heading of it."""
    return line.lstrip().startswith(("- ", "* ", "+ ", ">", "|"))
