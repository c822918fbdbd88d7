"""A tree of HTML -> paragraphs, headings and rows: what chapters of books and bodies of letters are made of."""

import re
from collections.abc import Iterator

from backends.documents.extract.composing import Composer, Table
from backends.documents.extract.xmltree import Element, attribute, every, name

_SKIPPED = frozenset(("head", "script", "style", "template", "rt", "rp", "svg", "math", "audio", "video", "iframe"))
_BLOCKS = frozenset(
    ("p", "div", "li", "ul", "ol", "dl", "dt", "dd", "blockquote", "section", "article", "aside", "header", "footer")
)
_BLOCKS |= {
    "main",
    "nav",
    "figure",
    "figcaption",
    "pre",
    "hr",
    "address",
    "body",
    "html",
    "details",
    "summary",
    "center",
}
HEADINGS = {f"h{level}": level for level in range(1, 7)}
_WHITE = re.compile(r"[ \t\r\n\f]+")


class Walker:
    """Text as it reads: a block is a paragraph, white space is one space, ruby is its base."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._parts: list[str] = []
        self._lead = ""

    def walk(self, element: Element, *, kept: bool = False) -> None:
        self._say(element.text, kept)
        for one in element:
            local = name(one).lower()
            if local in HEADINGS:
                self.paragraph()
                self._composer.heading(HEADINGS[local], _WHITE.sub(" ", "".join(_words(one))))
            elif local == "table":
                self.paragraph()
                self._table(one)
            elif local == "br":
                self._parts.append("\n")
            elif local in _BLOCKS:
                self.paragraph()
                self.walk(one, kept=kept or local == "pre")
                self.paragraph()
            elif local and local not in _SKIPPED:
                self.walk(one, kept=kept)
            self._say(one.tail, kept)

    def paragraph(self) -> None:
        lines = "".join(self._parts).split("\n")
        self._parts.clear()
        self._composer.add("\n".join(filter(None, (line.strip(" ") for line in lines))))

    def _say(self, text: str | None, kept: bool) -> None:
        if text:
            self._parts.append(text if kept else _WHITE.sub(" ", text))

    def _table(self, table: Element) -> None:
        if any(name(one) == "table" for one in table.iter() if one is not table):
            self.walk(table)  # laid out by tables
            self.paragraph()
            return
        rows = Table(self._composer)
        for row in every(table, "tr"):
            cells = [one for one in row if name(one).lower() in ("td", "th")]
            parent = row.getparent()
            heads = len(cells) > 1 and all(name(one).lower() == "th" for one in cells)
            heads = heads or (parent is not None and name(parent).lower() == "thead")
            said: list[str] = []
            for cell in cells:
                span = attribute(cell, "colspan") or "1"
                width = min(max(int(span), 1), 64) if span.isdigit() else 1
                text = _WHITE.sub(" ", "".join(_words(cell))).strip()
                said.extend([text] * width if heads else [text, *[""] * (width - 1)])
            rows.row(said, header=heads)
        rows.close()


def _words(element: Element) -> Iterator[str]:
    yield element.text or ""
    for one in element:
        local = name(one).lower()
        if local == "br" or local in _BLOCKS:
            yield " "
        if local and local not in _SKIPPED:
            yield from _words(one)
        yield one.tail or ""
