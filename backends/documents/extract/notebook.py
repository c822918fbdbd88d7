"""Notebooks (Jupyter nbformat 3 and 4): cells in their order, headings of the text cells, code, what it printed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends.documents.extract import refusals
from backends.documents.extract.asked import MIB, Asked
from backends.documents.extract.composing import Composer
from backends.documents.extract.encodings import decoded
from backends.documents.types import Closed, Opened, ReadEvent

_MOST = 64 * MIB
_PRINTED = 4000  # characters of the output of a cell
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    if path.stat().st_size > _MOST:
        raise refusals.too_large()
    try:
        book = json.loads(decoded(path.read_bytes()))
    except ValueError as error:
        raise refusals.damaged() from error
    if not isinstance(book, dict):
        raise refusals.damaged()
    cells = book.get("cells")
    if cells is None:
        cells = [
            cell
            for sheet in _list(book.get("worksheets"))
            if isinstance(sheet, dict)
            for cell in _list(sheet.get("cells"))
        ]
    metadata = book.get("metadata")
    title = metadata.get("title", "") if isinstance(metadata, dict) else ""
    yield Opened("notebook", title if isinstance(title, str) else "")
    composer = Composer()
    for number, cell in enumerate(_list(cells), 1):
        if isinstance(cell, dict):
            composer.place(0, f"cell {number}")
            _cell(cell, composer)
            yield from composer.take()
    yield from composer.close()
    yield Closed()


def _cell(cell: dict[str, Any], composer: Composer) -> None:
    kind, source = cell.get("cell_type"), _text(cell.get("source", cell.get("input", "")))
    if kind == "code":
        composer.add(source, "code")
        for output in _list(cell.get("outputs")):
            if isinstance(output, dict):
                composer.add(_printed(output)[:_PRINTED], "code")
    elif kind == "heading":
        level = cell.get("level")
        composer.heading(level if isinstance(level, int) else 1, source)
    elif kind == "markdown":
        fenced = False
        for line in source.splitlines():
            fenced ^= line.lstrip().startswith(("```", "~~~"))
            found = None if fenced else _HEADING.match(line)
            if found:
                composer.heading(len(found[1]), found[2])
            else:
                composer.add(line)
    else:
        composer.add(source)


def _printed(output: dict[str, Any]) -> str:
    data = output.get("data")
    if isinstance(data, dict) and "text/plain" in data:
        return _text(data["text/plain"])
    if output.get("output_type") in ("error", "pyerr"):
        return f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"
    return _text(output.get("text", ""))


def _text(value: Any) -> str:
    """Texts are strings or lists of lines."""
    if isinstance(value, list):
        return "".join(one for one in value if isinstance(one, str))
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
