"""PowerPoint slides (ECMA-376, PresentationML and DrawingML) in the order in which they are shown; `page` is the slide.

Title, text, tables, groups, charts, diagrams (SmartArt), speaker's notes; hidden slides, too. What every slide repeats
(number, date, footer) is left out.
"""

from collections.abc import Iterator
from pathlib import Path

from backends.documents.extract import refusals, xmltree
from backends.documents.extract.asked import Asked
from backends.documents.extract.composing import Composer, Table
from backends.documents.extract.package import Package, Relation
from backends.documents.extract.word_styles import core
from backends.documents.extract.xmltree import Element, attribute, child, every, name
from backends.documents.types import Closed, Opened, ReadEvent, Reading

_TITLES = ("title", "ctrTitle")
_REPEATED = ("sldNum", "dt", "ftr", "hdr", "sldImg")
_POINTS = 2000  # of a chart, rows that are read
_DEEPEST = 32  # groups within groups


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    with Package(path) as package:
        main = next((one.target for one in package.relations("") if one.kind == "officeDocument"), "")
        root = xmltree.parse(package.read(main or "ppt/presentation.xml") or b"<none/>")
        if name(root) != "presentation":
            raise refusals.damaged()
        targets = {one.id: one.target for one in package.relations(main) if one.kind == "slide"}
        order = [targets.get(_relation(one, "id")) for one in every(root, "sldId")]
        title, dated = core(package)
        yield Opened("pptx", title, len(order), dated)
        for number, part in enumerate(order, 1):
            if part and part in package:
                yield from _Slide(package, part, number).read()
            yield Reading(number, len(order))
        yield Closed(len(order))


class _Slide:
    def __init__(self, package: Package, part: str, number: int) -> None:
        self._package = package
        self._relations = {one.id: one for one in package.relations(part)}
        self._root = xmltree.parse(package.read(part))
        self._composer = Composer()
        self._composer.place(number)

    def read(self) -> Iterator[ReadEvent]:
        composer = self._composer
        tree = next(every(self._root, "spTree"), None)
        shapes = list(_shapes(tree)) if tree is not None else []
        titles = [one for one in shapes if _placeholder(one) in _TITLES]
        for one in titles:
            composer.heading(1, " ".join(paragraphs(one)))
        for one in shapes:
            kind = _placeholder(one)
            if kind in _REPEATED or kind in _TITLES:
                continue
            if name(one) == "graphicFrame":
                self._frame(one)
            else:
                for text in paragraphs(one):
                    composer.add(text)
            yield from composer.take()
        composer.cut()
        self._notes()
        yield from composer.close()

    def _frame(self, frame: Element) -> None:
        for table in every(frame, "tbl"):
            _table(table, self._composer)
        for chart in every(frame, "chart"):
            if part := self._part(_relation(chart, "id")):
                _chart(xmltree.parse(part), self._composer)
        for diagram in every(frame, "relIds"):
            if part := self._part(_relation(diagram, "dm")):
                for point in every(xmltree.parse(part), "pt"):
                    for text in paragraphs(point):
                        self._composer.add(text)

    def _part(self, id: str) -> bytes:
        one = self._relations.get(id)
        return self._package.read(one.target) if one is not None and not one.outside else b""

    def _notes(self) -> None:
        for one in self._relations.values():
            if one.kind == "notesSlide" and (data := self._of(one)):
                for shape in _shapes(next(every(xmltree.parse(data), "spTree"), ())):
                    if _placeholder(shape) not in _REPEATED:
                        for text in paragraphs(shape):
                            self._composer.add(text, "notes")

    def _of(self, one: Relation) -> bytes:
        return b"" if one.outside else self._package.read(one.target)


def paragraphs(shape: Element) -> Iterator[str]:
    """Lines of text under an element of DrawingML."""
    for one in every(shape, "p"):
        parts: list[str] = []
        for run in one:
            local = name(run)
            if local in ("r", "fld"):
                parts.append(xmltree.text(child(run, "t")))
            elif local == "br":
                parts.append("\n")
            elif local in ("m", "AlternateContent"):  # a formula
                parts.extend(each.text or "" for each in every(_chosen(run), "t"))
        if text := "".join(parts).strip():
            yield text


def _shapes(holder: Element, deep: int = 0) -> Iterator[Element]:
    for one in holder:
        local = name(one)
        if local in ("sp", "graphicFrame", "cxnSp"):
            yield one
        elif local == "grpSp" and deep < _DEEPEST:
            yield from _shapes(one, deep + 1)
        elif local == "AlternateContent" and deep < _DEEPEST:
            yield from _shapes(_chosen(one), deep + 1)


def _chosen(alternate: Element) -> Element:
    """What new programs show, or what old ones do if that is all there is to read."""
    if name(alternate) != "AlternateContent":
        return alternate
    parts = [one for one in alternate if name(one) in ("Choice", "Fallback")]
    worded = (one for one in parts if any(name(each) in ("t", "tbl", "chart", "relIds") for each in one.iter()))
    return next(worded, ())


def _placeholder(shape: Element) -> str:
    for one in shape:
        if name(one).startswith("nv"):
            mark = next(every(one, "ph"), None)
            return (attribute(mark, "type") or "body") if mark is not None else ""
    return ""


def _relation(element: Element, local: str) -> str:
    """An attribute that names a relation: it has a namespace, unlike others of that name."""
    return next((value for key, value in element.attrib.items() if key.endswith("}" + local)), "")


def _table(table: Element, composer: Composer) -> None:
    properties = child(table, "tblPr")
    heads = properties is not None and attribute(properties, "firstRow") in ("1", "true")
    rows = Table(composer)
    several = sum(name(one) == "tr" for one in table) > 1
    for number, row in enumerate(one for one in table if name(one) == "tr"):
        cells = [" ".join(paragraphs(one)) for one in row if name(one) == "tc"]
        rows.row(cells, header=heads and several and not number and sum(map(bool, cells)) > 1)
    rows.close()


def _chart(chart: Element, composer: Composer) -> None:
    """Its title, and its numbers as a table: categories down, series across."""
    for one in every(chart, "title"):
        for text in paragraphs(one):
            composer.add(text)
    names, columns, categories = [], [], {}
    for number, series in enumerate(every(chart, "ser"), 1):
        label = child(series, "tx")
        names.append((" ".join(_points(label).values()) if label is not None else "") or str(number))
        across = child(series, "cat")
        categories.update(_points(across if across is not None else child(series, "xVal")))
        down = child(series, "val")
        columns.append(_points(down if down is not None else child(series, "yVal")))
    table = Table(composer)
    if names:
        table.row(["", *names], header=True)
    for index in sorted(categories.keys() | set().union(*columns))[:_POINTS]:
        table.row([categories.get(index, ""), *(column.get(index, "") for column in columns)])
    table.close()


def _points(holder: Element | None) -> dict[int, str]:
    """Values that a chart keeps of its sheet; of several levels of categories, joined."""
    found: dict[int, str] = {}
    for one in every(holder, "pt") if holder is not None else ():
        index, value = attribute(one, "idx") or "0", xmltree.text(child(one, "v")).strip()
        if index.isdigit() and value:
            value = _plain(value)
            found[int(index)] = f"{value} {found[int(index)]}" if int(index) in found else value
    if holder is not None and not found and (value := child(holder, "v")) is not None:
        found[0] = xmltree.text(value).strip()
    return found


def _plain(value: str) -> str:
    """0.30000000000000004 is 0.3."""
    try:
        return f"{float(value):.12g}" if "." in value and len(value) > 12 else value
    except ValueError:
        return value
