"""Which paragraphs of a Word document are headings, and what it says of itself."""

import re

from backends.documents.extract import xmltree
from backends.documents.extract.composing import moment
from backends.documents.extract.package import Package
from backends.documents.extract.xmltree import Element, attribute, child, name

_HEADING = re.compile(
    r"(?:heading|标题|標題|titre|überschrift|título|titolo|заголовок|見出し|제목|kop|nagłówek)\s*([1-9])", re.I
)
_DEEPEST = 30  # styles that build on each other


class Styles:
    """Levels of headings by style: as the style says (outlineLvl), or as Word and WPS name it in many languages."""

    def __init__(self, root: Element | None) -> None:
        self._level: dict[str, int | None] = {}
        self._list: dict[str, tuple[str, int]] = {}
        self._hidden: set[str] = set()
        based: dict[str, str] = {}
        for style in xmltree.every(root, "style") if root is not None else ():
            key = attribute(style, "styleId") or ""
            label, parent = child(style, "name"), child(style, "basedOn")
            based[key] = (attribute(parent, "val") or "") if parent is not None else ""
            properties, runs = child(style, "pPr"), child(style, "rPr")
            self._level[key] = _outline(properties, (attribute(label, "val") or "") if label is not None else key)
            if (number := child(properties, "numPr") if properties is not None else None) is not None:
                one, level = child(number, "numId"), child(number, "ilvl")
                if one is not None:
                    depth = (attribute(level, "val") or "0") if level is not None else "0"
                    self._list[key] = (attribute(one, "val") or "", int(depth) if depth.isdigit() else 0)
            if runs is not None and child(runs, "vanish") is not None and not switched_off(child(runs, "vanish")):
                self._hidden.add(key)
        for key in based:
            self._inherit(key, based)

    def of(self, properties: Element | None) -> tuple[str, int | None]:
        """The style of a paragraph and its level as a heading; None: it is none."""
        style = child(properties, "pStyle") if properties is not None else None
        key = (attribute(style, "val") or "") if style is not None else ""
        own = _outline(properties, "")
        if own is not None:
            return key, own if own < 9 else None
        level = self._level.get(key, _outline(None, key))
        return key, level if level is not None and level < 9 else None

    def numbered(self, style: str) -> tuple[str, int] | None:
        """The list that paragraphs of a style belong to, and their level in it."""
        return self._list.get(style)

    def hides(self, style: str) -> bool:
        return style in self._hidden

    def _inherit(self, key: str, based: dict[str, str]) -> None:
        above, level, number = key, self._level.get(key), self._list.get(key)
        for _ in range(_DEEPEST):
            if level is not None and number is not None:
                break
            above = based.get(above, "")
            if not above:
                break
            level = self._level.get(above) if level is None else level
            number = self._list.get(above) if number is None else number
        self._level[key] = level
        if number is not None:
            self._list[key] = number


def _outline(properties: Element | None, called: str) -> int | None:
    """0 the title of the document, 1 to 9 from outlineLvl 0 on; 9 or more is text that says it is none."""
    one = child(properties, "outlineLvl") if properties is not None else None
    if one is not None and (attribute(one, "val") or "").isdigit():
        return int(attribute(one, "val") or 0) + 1 if int(attribute(one, "val") or 0) < 8 else 9
    if called.lower() == "title":
        return 0
    found = _HEADING.fullmatch(called.strip())
    return int(found[1]) if found and int(found[1]) < 9 else None


def switched_off(element: Element | None) -> bool:
    return element is not None and attribute(element, "val") in ("0", "false", "off", "none")


def core(package: Package) -> tuple[str, float | None]:
    """Title and date that an OOXML package gives itself (ECMA-376 part 2, 11)."""
    part = next((one.target for one in package.relations("") if one.kind == "core-properties"), "docProps/core.xml")
    data = package.read(part)
    if not data:
        return "", None
    found = {name(one): (one.text or "").strip() for one in xmltree.parse(data)}
    return found.get("title", ""), moment(found.get("modified", "")) or moment(found.get("created", ""))
