"""PDF files written by hand (ISO 32000-1), well formed or as damaged as a test needs them.

    book = Pdf()
    book.page(["A line", "the next one"])           # 12 points apart, from the upper left corner
    book.save(path, title="…")

Latin text is set in Helvetica, everything else in a font that is not in the file, as many Chinese PDFs have it.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

SIZE = (595, 842)  # points of A4
_TOP, _LEFT = 780, 60


def literal(text: str) -> bytes:
    """A string object: UTF-16 with its mark, as hexadecimal."""
    return b"<" + ("\ufeff" + text).encode("utf-16-be").hex().encode() + b">"


@dataclass
class Line:
    """A line of text at a place; `size` in points."""

    text: str
    x: float = _LEFT
    y: float = 0
    size: float = 11


@dataclass
class Pdf:
    """Objects of a file; 1 is the catalogue, 2 the tree of pages."""

    objects: list[bytes] = field(default_factory=lambda: [b"", b""])
    pages: list[int] = field(default_factory=list)
    outline: list[tuple[int, str, int]] = field(default_factory=list)  # depth from 0, title, page from 1
    fields: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.latin = self.add(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
        inner = self.add(
            b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000"
            b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>/FontDescriptor "
            + b"%d 0 R>>" % self.add(
                b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0"
                b"/Ascent 880/Descent -120/CapHeight 880/StemV 93>>"
            )
        )  # fmt: skip
        self.chinese = self.add(
            b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[%d 0 R]>>" % inner
        )

    def add(self, body: bytes) -> int:
        self.objects.append(body)
        return len(self.objects)

    def stream(self, data: bytes, entries: bytes = b"", *, packed: bool = False) -> int:
        if packed:
            data, entries = zlib.compress(data, 9), entries + b"/Filter/FlateDecode"
        return self.add(b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(data), data))

    def page(self, lines: Sequence[str | Line] = (), more: bytes = b"", resources: bytes = b"") -> int:
        """Its number, from 1. `more`: entries of its dictionary. Lines without a place follow one another."""
        y, content = _TOP, [b"BT"]
        for one in lines:
            line = one if isinstance(one, Line) else Line(one)
            at = line.y or y
            y = at - 1.3 * line.size
            content.append(b"1 0 0 1 %f %f Tm %s" % (line.x, at, self._shown(line)))
        content.append(b"ET")
        return self.drawn(b"\n".join(content), more, resources)

    def drawn(self, content: bytes, more: bytes = b"", resources: bytes = b"", *, packed: bool = False) -> int:
        """A page with this content stream."""
        stream = self.stream(content, packed=packed)
        fonts = b"/Font<</L %d 0 R/C %d 0 R>>" % (self.latin, self.chinese)
        body = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Resources<<%s%s>>/Contents %d 0 R%s>>"
        self.pages.append(self.add(body % (*SIZE, fonts, resources, stream, more)))
        return len(self.pages)

    def picture(self, *, packed: bool = True) -> int:
        """A page that is one grey picture."""
        image = self.stream(
            b"\x80" * 10_000,
            b"/Type/XObject/Subtype/Image/Width 100/Height 100/ColorSpace/DeviceGray/BitsPerComponent 8",
            packed=packed,
        )
        return self.drawn(b"q 500 0 0 700 40 60 cm /I Do Q", resources=b"/XObject<</I %d 0 R>>" % image)

    def text_field(self, name: str, value: str) -> bytes:
        """An entry for a page (`more`): a form field with a value."""
        entries = b"/Type/Annot/Subtype/Widget/FT/Tx/Rect[60 700 300 720]/T%s/V%s" % (literal(name), literal(value))
        self.fields.append(self.add(b"<<%s>>" % entries))
        return b"/Annots[%d 0 R]" % self.fields[-1]

    def note(self, text: str) -> bytes:
        """An entry for a page: what somebody wrote on it."""
        number = self.add(b"<</Type/Annot/Subtype/Text/Rect[60 700 80 720]/Contents%s>>" % literal(text))
        return b"/Annots[%d 0 R]" % number

    def _shown(self, line: Line) -> bytes:
        try:
            text = line.text.encode("cp1252")
        except UnicodeEncodeError:
            return b"/C %f Tf <%s> Tj" % (line.size, line.text.encode("utf-16-be").hex().encode())
        return b"/L %f Tf <%s> Tj" % (line.size, text.hex().encode())

    def data(self, *, title: str = "", created: str = "", count: int | None = None) -> bytes:
        """The file. `count`: what the tree of pages says, if it lies."""
        catalogue = b"<</Type/Catalog/Pages 2 0 R"
        if self.outline:
            catalogue += b"/Outlines %d 0 R" % self._outlines()
        if self.fields:
            catalogue += b"/AcroForm<</Fields[%s]>>" % b" ".join(b"%d 0 R" % number for number in self.fields)
        self.objects[0] = self.objects[0] or catalogue + b">>"
        kids = b" ".join(b"%d 0 R" % number for number in self.pages)
        number = len(self.pages) if count is None else count
        self.objects[1] = self.objects[1] or b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, number)
        info = b""
        if title or created:
            info = b"/Info %d 0 R" % self.add(b"<</Title%s/CreationDate(%s)>>" % (literal(title), created.encode()))
        return self._written(info)

    def save(self, path: Path, *, title: str = "", created: str = "", count: int | None = None) -> Path:
        path.write_bytes(self.data(title=title, created=created, count=count))
        return path

    def _outlines(self) -> int:
        """Entries of the outline, linked as 12.3.3 wants it; the number of the root."""
        root = self.add(b"")
        numbers = [self.add(b"") for _ in self.outline]
        parents = [root] * len(numbers)
        for n, (depth, _, _) in enumerate(self.outline):
            above = [m for m in range(n) if self.outline[m][0] == depth - 1]
            parents[n] = numbers[above[-1]] if depth else root
        for n, (_, title, page) in enumerate(self.outline):
            body = b"<</Title%s/Parent %d 0 R/Dest[%d 0 R/Fit]" % (literal(title), parents[n], self.pages[page - 1])
            later = [m for m in range(n + 1, len(numbers)) if parents[m] == parents[n]]
            if later:
                body += b"/Next %d 0 R" % numbers[later[0]]
            self.objects[numbers[n] - 1] = body + self._children(numbers, parents, numbers[n]) + b">>"
        self.objects[root - 1] = b"<</Type/Outlines" + self._children(numbers, parents, root) + b">>"
        return root

    @staticmethod
    def _children(numbers: list[int], parents: list[int], parent: int) -> bytes:
        mine = [number for number, one in zip(numbers, parents, strict=True) if one == parent]
        return b"/First %d 0 R/Last %d 0 R/Count %d" % (mine[0], mine[-1], len(mine)) if mine else b""

    def _written(self, info: bytes) -> bytes:
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        places: list[int] = []
        for number, body in enumerate(self.objects, 1):
            places.append(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        start = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
        out += b"".join(b"%010d 00000 n \n" % place for place in places)
        out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, info, start)
        return bytes(out)
