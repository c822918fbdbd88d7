"""Source code and data written as text: sections that begin with a definition at the left margin, if a line tells."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from backends.documents.extract.asked import Asked
from backends.documents.extract.encodings import blocks
from backends.documents.types import Closed, Opened, ReadEvent, Reading, Section

_LINES, _CHARACTERS = 150, 8000  # after which a section ends wherever it is
_LONGEST_LINE = 30_000  # characters; a longer line is taken as several
_TOLD = 200  # characters of a line in which a definition shows
_NAME = r"([A-Za-z_$][\w$]*)"
_MODIFIERS = (
    r"(?:(?:export|default|public|private|protected|internal|static|abstract|final|sealed|async|open|override|data"
)
_MODIFIERS += r"|unsafe|extern|inline|virtual|partial|pub(?:\([^)]*\))?|const|declare|local|suspend)\s+)*"
_KEYWORDS = _MODIFIERS + (
    r"(?:def|class|struct|enum|union|trait|interface|module|namespace|package|func|function\*?|fn|fun|impl|type|record|object"
    r"|protocol|extension|macro_rules!|sub|procedure|defmodule|defmacro|defp?|mod)(?:\s*<[^>]*>|\s*\([^)]*\))?\s+"
    + _NAME
)
_BINDING = r"(?:export\s+)?(?:const|let|var)\s+" + _NAME + r"\s*=\s*(?:async\b|function\b|\(|[\w$]+\s*=>)"
_C = r"[\w:<>,*&\[\]~ ]*?\b([A-Za-z_~][\w:~]*)\s*\([^;={]*\{?\s*$"
_RULES: dict[str, str] = {
    **dict.fromkeys((".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".m", ".mm", ".cu"), f"{_KEYWORDS}|{_C}"),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".vue", ".svelte"), f"{_KEYWORDS}|{_BINDING}"),
    **dict.fromkeys((".sh", ".bash", ".zsh"), r"(?:function\s+)?([\w-]+)\s*\(\)|function\s+([\w-]+)"),
    **dict.fromkeys((".sql",), r"(?i:create\s+(?:or\s+replace\s+)?\w+\s+(?:if\s+not\s+exists\s+)?)([\w.\"`\[\]]+)"),
    **dict.fromkeys((".tex",), r"\\(?:chapter|section|subsection)\*?\{([^}]*)\}"),
    **dict.fromkeys((".toml", ".ini", ".cfg", ".conf"), r"\[+([^\]]+)\]+\s*$"),
    **dict.fromkeys((".r", ".jl"), rf"{_KEYWORDS}|([\w.]+)\s*(?:<-|=)\s*function\b"),
    **dict.fromkeys((".css", ".scss", ".less"), r"(@media[^{]*|@layer[^{]*)\{"),
    **dict.fromkeys((".json", ".jsonl", ".xml", ".xsd", ".xsl", ".yaml", ".yml", ".properties", ".diff", ".patch"), ""),
}
_LEADING = re.compile(
    r"\s*(?:@|#(?!include|define|if|endif|else)|//|/\*|\*|--|\[\w|;;|%)"
)  # what belongs to what follows


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    total = path.stat().st_size
    yield Opened("code")
    with path.open("rb") as file:
        for count, section in enumerate(sections(blocks(file), path.suffix.lower()), 1):
            yield section
            if count % 50 == 0:
                yield Reading(min(file.tell(), total), total)
    yield Closed()


def sections(texts: Iterable[str], suffix: str, headings: tuple[str, ...] = ()) -> Iterator[Section]:
    """The sections of source code, each with the lines it is: `lines 10-80`. `headings`: where all of it stands."""
    rule = _RULES.get(suffix, _KEYWORDS)
    begins = re.compile(rule) if rule else None
    held: list[str] = []
    first, size, called = 1, 0, ""

    def section(lines: list[str]) -> Section:
        last = first + max(sum(line.endswith("\n") for line in lines) - 1, 0)
        last += bool(lines and not lines[-1].endswith("\n") and len(lines) > 1)
        label = f"lines {first}-{last}" if last > first else f"line {first}"
        return Section("".join(lines), 0, label, (*headings, called) if called else headings, "code")

    for line in _lines(texts):
        found = begins.match(line[:_TOLD]) if begins is not None and not line[:1].isspace() else None
        if (found or len(held) >= _LINES or size >= _CHARACTERS) and held:
            stay = len(held)
            while found and stay and held[stay - 1].strip() and _LEADING.match(held[stay - 1]):
                stay -= 1
            if stay:
                yield section(held[:stay])
                first += sum(one.endswith("\n") for one in held[:stay])
                held = held[stay:]
                size = sum(map(len, held))
        if found:
            called = next((group for group in found.groups() if group), "")
        held.append(line)
        size += len(line)
    if held:
        yield section(held)


def _lines(texts: Iterable[str]) -> Iterator[str]:
    rest = ""
    for text in texts:
        rest = (rest + text).replace("\r\n", "\n")
        *whole, rest = rest.split("\n")
        for line in whole:
            yield from _cut(line + "\n")
        while len(rest) > _LONGEST_LINE:
            yield rest[:_LONGEST_LINE]
            rest = rest[_LONGEST_LINE:]
    if rest:
        yield from _cut(rest)


def _cut(line: str) -> Iterator[str]:
    for start in range(0, len(line), _LONGEST_LINE):
        yield line[start : start + _LONGEST_LINE]
