"""The text of one paragraph of Word: its runs, with what is nested in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from backends.documents.extract.word_styles import Styles, switched_off
from backends.documents.extract.xmltree import Element, attribute, child, every, name

_GONE = frozenset(("del", "moveFrom", "delText", "instrText", "delInstrText", "rt", "pPr", "rPr", "commentReference"))
_GONE |= {"annotationRef", "sdtPr", "tblPr", "proofErr", "bookmarkStart", "bookmarkEnd", "fldData", "ptab"}


@dataclass(slots=True)
class Paragraph:
    """`pieces` of text, between each two of them a break of the page (`breaks`: True if Word drew it, False if somebody
    set it). `boxes`: the content of text boxes. `notes`: kind and id of the notes it refers to."""

    pieces: list[str]
    breaks: list[bool] = field(default_factory=list)
    boxes: list[Element] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def breaks_before(self) -> list[bool]:
        """Those before its first character, and all others: a heading stands on one page."""
        return self.breaks


class Runs:
    def __init__(self, styles: Styles) -> None:
        self._styles = styles

    def paragraph(self, element: Element) -> Paragraph:
        said = Paragraph([])
        parts: list[str] = []
        self._gather(element, said, parts)
        said.pieces.append("".join(parts))
        return said

    def _gather(self, element: Element, said: Paragraph, parts: list[str]) -> None:
        for one in element:
            local = name(one)
            if local == "t":
                parts.append(one.text or "")
            elif local == "r":
                if not self._vanished(one):
                    self._gather(one, said, parts)
            elif local in _GONE or not local:
                continue
            elif local in ("tab", "cr"):
                parts.append("\t" if local == "tab" else "\n")
            elif local == "noBreakHyphen":
                parts.append("-")
            elif local in ("br", "lastRenderedPageBreak"):
                if local == "br" and attribute(one, "type") != "page":
                    parts.append("\n")
                    continue
                said.pieces.append("".join(parts))
                said.breaks.append(local != "br")
                parts.clear()
            elif local in ("footnoteReference", "endnoteReference"):
                said.notes.append((local.removesuffix("Reference") + "s", attribute(one, "id") or ""))
            elif local == "AlternateContent":
                for part in choice(one):
                    self._gather(part, said, parts)
            elif local == "txbxContent":
                said.boxes.append(one)
            else:
                self._gather(one, said, parts)

    def _vanished(self, run: Element) -> bool:
        properties = child(run, "rPr")
        if properties is None:
            return False
        mark, style = child(properties, "vanish"), child(properties, "rStyle")
        if mark is not None:
            return not switched_off(mark)
        return style is not None and self._styles.hides(attribute(style, "val") or "")


def choice(element: Element) -> Iterator[Element]:
    """Of the same thing written twice for old and new programs, the one that holds text (ECMA-376 part 3, 10)."""
    for one in element:
        if name(one) in ("Choice", "Fallback") and any((text.text or "").strip() for text in every(one, "t")):
            yield one
            return
