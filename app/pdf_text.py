"""What a glyph of a PDF stands for, mended so that its text is found.

Qt writes for each glyph the first character that has it (`QFontSubset`). Fonts that draw 文 (U+6587) and the radical ⽂
(U+2F42) with one glyph would then give a text in which nobody finds 文, and a tab in place of each space. The tables
are written again in an update at the end of the file (ISO 32000-1, 7.5.6); nothing before it is touched or read but
what Qt wrote last.
"""

import io
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypdf import PdfReader

# CJK Radicals Supplement, by the characters that they are forms of (EquivalentUnifiedIdeograph of Unicode): what NFKC
# does not say, and simplified forms where it says the traditional one.
_RADICALS = (
    "⺁厂⺄乙⺆冂⺈刀⺊卜⺋㔾⺍小⺎兀⺏尣⺐尢⺓幺⺗心⺘扌⺙攵⺛旡⺜日⺝月⺞歺⺠民⺡氵⺢氺⺣灬⺤爫⺥爪⺦丬⺧牛⺨犭⺫罒⺬示⺭礻⺮竹⺯糹⺰纟⺱罓⺲罒⺳网⺶羊⺷羊⺸羊⺹耂⺺肀⺻聿⺼肉⺾艹⺿艹"
    "⻀艹⻁虎⻂衤⻃覀⻄西⻅见⻆角⻇角⻈讠⻉贝⻊足⻋车⻌辶⻍辶⻎辶⻏邑⻐钅⻑長⻒镸⻓长⻔门⻖阝⻗雨⻘青⻙韦⻚页⻛风⻜飞⻝食⻟飠⻠饣⻡首⻢马⻣骨⻤鬼⻥鱼⻦鸟⻧卤⻨麦⻩黄⻪黾⻫斉⻬齐⻭歯⻮齿"
    "⻯竜⻰龙⻱龜⻲亀⻳龟⼾户"
)
_MEANT = dict(zip(_RADICALS[::2], _RADICALS[1::2], strict=True)) | {"\t": " ", "\u00a0": " "}
_CODE = re.compile(rb"<([0-9A-Fa-f]{4})>")
_ARRAY = re.compile(rb"\[[^\]]*\]")
_SINGLE = re.compile(rb"(?m)^(<[0-9A-Fa-f]{4}> <[0-9A-Fa-f]{4}> )(<[0-9A-Fa-f]{4}>)")


def make_searchable(path: Path) -> None:
    """A PDF that Qt has just written. OSError."""
    from pypdf import PdfReader

    with path.open("r+b") as file:
        changed = _changed(PdfReader(file))
        if not changed:
            return
        file.seek(0, io.SEEK_END)
        end = file.tell()
        file.seek(max(0, end - 2048))
        tail = file.read()
        before = tail.rpartition(b"startxref")[2].split()[0]
        trailer = tail.rpartition(b"trailer")[2].partition(b"startxref")[0].strip().removesuffix(b">>")
        table = [b"xref\n"]
        for number, content in sorted(changed.items()):
            table.append(b"%d 1\n%010d 00000 n \n" % (number, file.tell()))
            file.write(b"%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (number, len(content), content))
        begin = file.tell()
        file.write(
            b"".join(table) + b"trailer\n" + trailer + b"/Prev " + before + b"\n>>\nstartxref\n%d\n%%%%EOF\n" % begin
        )


def _changed(read: "PdfReader") -> dict[int, bytes]:
    """The tables of all fonts, which come after the last page, by the numbers of their objects."""
    changed: dict[int, bytes] = {}
    for number in range(max(read.xref.get(0, {0: 0})), 0, -1):
        found = read.get_object(number) if number in read.xref.get(0, {}) else None
        if not isinstance(found, dict):
            continue
        if found.get("/Type") == "/Page":
            break
        if "/Length1" in found or "/Type" in found or not hasattr(found, "get_data"):
            continue
        content: bytes = found.get_data()  # type: ignore[attr-defined]
        if b"begincmap" in content:
            mended = _SINGLE.sub(lambda one: one[1] + _mended(one[2]), _ARRAY.sub(lambda one: _mended(one[0]), content))
            if mended != content:
                changed[number] = mended
    return changed


def _mended(codes: bytes) -> bytes:
    return _CODE.sub(lambda one: b"<%04X>" % ord(meant(chr(int(one[1], 16)))), codes)


def meant(character: str) -> str:
    """The ideograph that a radical is a form of; else the character itself."""
    if character in _MEANT:
        return _MEANT[character]
    if "\u2e80" <= character <= "\u2fdf":
        plain = unicodedata.normalize("NFKC", character)
        return plain if len(plain) == 1 else character
    return character
