"""HTML (the living standard, by Lexbor): what a person reads of a page, without what moves one about in a site.

Dropped: scripts, styles, forms' controls, navigation, footers, what is hidden. A page that has nothing else is read
with them. Tables of data come as rows that say their columns; tables that only lay out are read as text.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backends.documents.extract import refusals
from backends.documents.extract.asked import MIB, Asked
from backends.documents.extract.encodings import decoded
from backends.documents.extract.tables import row
from backends.documents.types import Opened, ReadEvent, Section, SectionKind

_LARGEST = 64 * MIB  # bytes; the tree of a page is a dozen times that
_CELLS = 500_000  # of a table; a larger one is read as text
_SECTION = 16_384  # characters after which a section ends with its paragraph
_DEEPEST = 512  # elements within one another, as browsers have it: a tree takes the square of its depth to make
_TABLES = 8  # tables within one another; what lies deeper is read as text
_NESTING = re.compile(
    "<(/?)(?:div|section|article|aside|main|header|footer|nav|blockquote|center|ul|ol|dl|table|form|fieldset|details|"
    r"figure|address|pre)\b[^<>]*>",
    re.IGNORECASE,
)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SILENT = _set(
    """script style noscript template svg math iframe object embed canvas audio video head button select option datalist
    input textarea map rt rp dialog"""
)
_AROUND = _set("nav footer menu")
_ROLES = _set("navigation contentinfo search banner menu menubar dialog alertdialog")
_NAMES = _set(  # classes and ids
    """nav navbar navigation navbox menu footer site-footer sidebar breadcrumb breadcrumbs cookie-banner pagination
    skip-link mw-editsection noprint"""
)
_PARAGRAPHS = _set(
    """p div section article main header aside blockquote figure table ul ol dl pre form fieldset details hr address
    body"""
)
_LINES = _set("br li tr dt dd figcaption caption summary legend td th label")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})|<\?xml[^>]{0,100}encoding=["']([\w.-]+)""",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_WHITE = re.compile(r"[ \t\n\r\f\xa0]+")
_DATES = (
    ", ".join(
        f"meta[{name} i]"
        for name in (
            *('property="article:published_time"', 'itemprop="datePublished"', 'name="date"', 'name="pubdate"'),
            *('name="dc.date"', 'name="dcterms.date"', 'name="publishdate"'),
        )
    ),
    "time[datetime]",
)
_DATE = re.compile(
    r"(\d{4})[-/年.](\d{1,2})[-/月.](\d{1,2})(?:日?[T ]+(\d{1,2}):(\d\d)(?::(\d\d))?)?(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?"
)
_TIMES = re.compile(r"(?:19|20)\d\d(?:[-/年]\d{1,2}月?)?|\b[QH][1-4]\b")  # years and parts of them head columns, too


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    if path.stat().st_size > _LARGEST:
        raise refusals.too_large()
    yield from page(path.read_bytes(), asked.format or "html")


def page(data: bytes | str, format: str = "html") -> Iterator[ReadEvent]:
    """What `read` finds, of a page that lies in memory (of a mail, of a book)."""
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    text = data if isinstance(data, str) else decoded(data, _declared(data))
    try:
        tree = LexborHTMLParser(_shallow(text))
    except SelectolaxError as error:  # anything is HTML: it got no memory
        raise refusals.too_large() from error
    yield Opened(format, _title(tree), dated=_dated(tree))
    if tree.body is None:
        return
    found = False
    for section in _Walk(drop=True).sections(tree.body):
        found = True
        yield section
    if not found:
        yield from _Walk(drop=False).sections(tree.body)


def _shallow(text: str) -> str:
    """`text` without the boxes that lie too deep; what is in them stays."""
    if text.count("<") <= _DEEPEST:
        return text
    depth, start, parts = 0, 0, list[str]()
    for tag in _NESTING.finditer(text):
        if not tag[1]:
            depth += 1
        too_deep = depth > _DEEPEST
        if tag[1]:
            depth = max(0, depth - 1)
        if too_deep:
            parts += (text[start : tag.start()], "<br>")
            start = tag.end()
    return "".join((*parts, text[start:]))


def _declared(data: bytes) -> str:
    found = _DECLARED.search(data[:4096])
    return (found[1] or found[2]).decode("ascii") if found else ""


def _title(tree: Any) -> str:
    for selector, attribute in (('meta[property="og:title"]', "content"), ("title", ""), ("h1", "")):
        one = tree.css_first(selector)
        title = (one.attributes.get(attribute) if attribute else one.text()) if one else ""
        if title and title.strip():
            return title
    return ""


def _dated(tree: Any) -> float | None:
    for selector in _DATES:
        one = tree.css_first(selector)
        text = (one.attributes.get("content") or one.attributes.get("datetime") or "") if one else ""
        if found := _DATE.search(text):
            year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
            zone = (found[7] or "Z").replace("Z", "+00:00")
            try:
                offset = datetime.strptime(zone.replace(":", ""), "%z").tzinfo
                return datetime(year, month, day, hour, minute, second, tzinfo=offset or UTC).timestamp()
            except (ValueError, OverflowError):
                continue
    return None


class _Walk:
    """One way through the tree, without recursion: it may be as deep as it likes."""

    def __init__(self, drop: bool) -> None:
        self._drop = drop
        self._levels: list[tuple[int, str]] = []
        self._parts: list[str] = []
        self._length = 0
        self._pending = ""  # line ends before the next text
        self._space = False

    def sections(self, top: Any) -> Iterator[Section]:
        node, preformatted, tables = top, 0, 0
        while node is not None:
            tag = node.tag
            inside = node.child
            if tag == "-text":
                self._say(node.text_content or "", preformatted > 0)
            elif tag in _HEADINGS:
                yield from self._close()
                self._head(_HEADINGS[tag], node.text(separator=" "))
                inside = None
            elif tag in _SILENT or (tag and tag[0] in "-!_") or (self._drop and node is not top and _around(node, tag)):
                inside = None
            elif tag == "table" and tables < _TABLES and (rows := _rows(node)):
                yield from self._close()
                yield from self._table(rows)
                inside = None
            else:
                self._break(tag)
                preformatted += tag == "pre"
                tables += tag == "table"
                if (tag == "pre" and preformatted == 1) or (self._length > _SECTION and tag in _PARAGRAPHS):
                    yield from self._close()
            if inside is not None:
                node = inside
                continue
            while node is not None and node is not top and not _same(node, top):
                if inside is None and node.next is not None:
                    break
                node, inside = node.parent, None
                if node is None or _same(node, top):
                    break
                tables -= node.tag == "table"
                if node.tag == "pre":
                    preformatted -= 1
                    if not preformatted:
                        yield from self._close("code")
                self._break(node.tag)
            if node is None or _same(node, top):
                break
            node = node.next
        yield from self._close()

    def _say(self, text: str, as_it_is: bool) -> None:
        if not as_it_is:
            whole = _WHITE.sub(" ", text)
            text = whole.strip(" ")
            if not text:
                self._space = self._space or bool(whole)
                return
            before = self._space or whole.startswith(" ")
            self._space = whole.endswith(" ")
        else:
            before, self._space = False, False
        if self._parts:
            text = (self._pending or (" " if before else "")) + text
        self._pending = ""
        self._parts.append(text)
        self._length += len(text)

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self._pending, self._space = "\n\n", False
        elif tag in _LINES:
            self._pending, self._space = self._pending or "\n", False

    def _head(self, level: int, title: str) -> None:
        title = _WHITE.sub(" ", title).strip()
        if title:
            self._levels = [*(one for one in self._levels if one[0] < level), (level, title)]
            self._say(title, as_it_is=True)
            self._pending = "\n\n"

    def _table(self, rows: list[str]) -> Iterator[Section]:
        held, length = list[str](), 0
        for line in rows:
            held.append(line)
            length += len(line)
            if length > _SECTION:
                yield self._section("\n".join(held) + "\n", "table")
                held, length = [], 0
        if held:
            yield self._section("\n".join(held) + "\n", "table")

    def _close(self, kind: SectionKind = "text") -> Iterator[Section]:
        text = "".join(self._parts)
        self._parts, self._length, self._pending, self._space = [], 0, "", False
        if text.strip():
            yield self._section(text + "\n", kind)

    def _section(self, text: str, kind: SectionKind) -> Section:
        return Section(text, headings=tuple(title for _, title in self._levels), kind=kind)


def _same(one: Any, other: Any) -> bool:
    return one.mem_id == other.mem_id


def _around(node: Any, tag: str) -> bool:
    """Whether it is no part of what the page says."""
    if tag in _AROUND:
        return True
    given = node.attributes
    if not given:
        return False
    if given.get("role") in _ROLES or "hidden" in given or given.get("aria-hidden") == "true":
        return True
    if _HIDDEN.search(given.get("style") or ""):
        return True
    if tag in ("body", "main", "article", "html"):
        return False
    names = f"{given.get('class') or ''} {given.get('id') or ''}".lower().split()
    return not _NAMES.isdisjoint(names)


def _rows(table: Any) -> list[str]:
    """The rows of a table of data; none if it only lays out, or is too large to say."""
    if table.css_first("table table, h1, h2, h3, form") is not None and table.css_first("th") is None:
        return []
    grid: list[list[str]] = []
    heads = size = 0
    spans: dict[int, tuple[int, str]] = {}  # column -> rows that are left, text
    for line in table.css("tr"):
        cells: list[str] = []
        all_heads, given = True, [cell for cell in line.iter() if cell.tag in ("td", "th")]
        for cell in given:
            _fill(cells, spans)
            text = _WHITE.sub(" ", cell.text(separator=" ")).strip()
            down, across = _span(cell, "rowspan", 1000), _span(cell, "colspan", 50)
            for n in range(across):
                if down > 1:
                    spans[len(cells)] = (down - 1, text if n == 0 else "")
                cells.append(text if n == 0 or cell.tag == "th" else "")
            all_heads = all_heads and cell.tag == "th"
        _fill(cells, spans)
        if all_heads and given and heads == len(grid):
            heads += 1
        grid.append(cells)
        size += len(cells)
        if size > _CELLS:
            return []
    if len(grid) < 2 or max(map(len, grid)) < 2:
        return []
    if not heads and _names(grid[0]) and any(not _names(cells) for cells in grid[1:]):
        heads = 1
    heads = heads if heads < len(grid) else 0
    header = [" ".join(dict.fromkeys(filter(None, names))) for names in _columns(grid[:heads])]
    return [text for cells in grid[heads:] if (text := row(header, cells))]


def _fill(cells: list[str], spans: dict[int, tuple[int, str]]) -> None:
    """Cells that reach down into this row."""
    while (here := len(cells)) in spans:
        left, text = spans.pop(here)
        if left > 1:
            spans[here] = (left - 1, text)
        cells.append(text)


def _columns(rows: list[list[str]]) -> list[list[str]]:
    return [[cells[n] if n < len(cells) else "" for cells in rows] for n in range(max(map(len, rows), default=0))]


def _span(cell: Any, name: str, most: int) -> int:
    text = cell.attributes.get(name) or "1"
    return max(1, min(most, int(text))) if text.isdecimal() else 1


def _names(cells: list[str]) -> bool:
    """Whether these look like the names of columns: words all along."""
    return all(cell and not any(letter.isdigit() for letter in _TIMES.sub("", cell)) for cell in cells)
