"""Letters of Outlook: .msg ([MS-OXMSG], [MS-OXRTFCP]), by olefile."""

import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backends.core.errors import BackendError
from backends.documents.extract import refusals, rtf
from backends.documents.extract.asked import MIB
from backends.documents.extract.encodings import decoded
from backends.documents.extract.mail import Letter

_PROPERTIES = "__properties_version1.0"
_TEXT, _TEXT_8, _BINARY = "001F", "001E", "0102"
_SENT, _RECEIVED, _CODE_PAGE, _INTERNET_PAGE = 0x00390040, 0x0E060040, 0x3FFD0003, 0x3FDE0003
_FILETIME = 11_644_473_600  # seconds from 1601 to 1970
_UNCOMPRESSED, _COMPRESSED = 0x414C454D, 0x75465A4C
_UNPACKED = 48 * MIB
_DEEPEST = 3
_PRIMER = (  # [MS-OXRTFCP] 2.1.3.1.4
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0"
    b"\\fs20\\b\\i\\u\\tab\\tx"
)


def letter(path: Path) -> Letter:
    """Raises damaged_file."""
    import olefile

    try:
        with olefile.OleFileIO(str(path)) as file:
            return _Storage(file, [], 32).letter(0)
    except (OSError, ValueError, IndexError, TypeError, struct.error) as error:
        raise refusals.damaged() from error


class _Storage:
    """A letter within the file. `head`: bytes before the list of its fixed properties."""

    def __init__(self, file: Any, at: list[str], head: int) -> None:
        self._file, self._at = file, at
        self._fixed: dict[int, bytes] = {}
        data = self._stream(_PROPERTIES)
        for place in range(head, len(data) - 15, 16):
            self._fixed[struct.unpack_from("<I", data, place)[0]] = data[place + 8 : place + 16]
        page = self._number(_INTERNET_PAGE) or self._number(_CODE_PAGE)
        self._encoding = {65001: "utf-8", 936: "gb18030", 950: "cp950", 932: "cp932", 949: "cp949"}.get(
            page, f"cp{page}"
        )

    def letter(self, deep: int) -> Letter:
        made = Letter(subject=self._text("0037"), to=self._text("0E04"), cc=self._text("0E03"))
        name, address = self._text("0C1A"), self._text("5D01") or self._text("0C1F")
        made.sender = f"{name} <{address}>" if "@" in address and address != name else name or address
        for tag in (_SENT, _RECEIVED):
            ticks = struct.unpack("<Q", self._fixed.get(tag, bytes(8)))[0]
            if ticks and made.dated is None and ticks // 10**7 < 2 * _FILETIME:
                made.dated = ticks / 10**7 - _FILETIME
                made.date = datetime.fromtimestamp(made.dated, UTC).isoformat(" ", "seconds")
        made.text = self._text("1000")
        html = self._stream(f"__substg1.0_1013{_BINARY}")
        made.html = decoded(html, self._encoding) if html else self._text("1013")
        if not made.text.strip() and not made.html.strip() and (packed := self._stream(f"__substg1.0_1009{_BINARY}")):
            made.text = _rtf(packed)
        for name in self._children("__attach_version1.0_#"):
            attachment = _Storage(self._file, [*self._at, name], 8)
            inner = [*self._at, name, "__substg1.0_3701000D"]
            if self._file.exists("/".join([*inner, _PROPERTIES])):
                if deep < _DEEPEST:
                    made.letters.append(_Storage(self._file, inner, 24).letter(deep + 1))
            elif data := attachment._stream(f"__substg1.0_3701{_BINARY}"):
                made.attachments.append((attachment._text("3707") or attachment._text("3704") or "?", data))
        return made

    def _children(self, beginning: str) -> list[str]:
        size = len(self._at)
        found = (
            entry[size]
            for entry in self._file.listdir(streams=True, storages=True)
            if entry[:size] == self._at and len(entry) > size
        )
        return sorted({name for name in found if name.startswith(beginning)})

    def _stream(self, name: str) -> bytes:
        whole = "/".join([*self._at, name])
        if not self._file.exists(whole) or self._file.get_type(whole) != 2:
            return b""
        return self._file.openstream(whole).read()

    def _text(self, tag: str) -> str:
        if data := self._stream(f"__substg1.0_{tag}{_TEXT}"):
            return data.decode("utf-16-le", "replace").rstrip("\0")
        data = self._stream(f"__substg1.0_{tag}{_TEXT_8}")
        return decoded(data.rstrip(b"\0"), self._encoding) if data else ""

    def _number(self, tag: int) -> int:
        return struct.unpack("<i", self._fixed.get(tag, bytes(8))[:4])[0]


def _rtf(packed: bytes) -> str:
    try:
        return rtf.text_of(unpacked(packed))
    except BackendError:
        return ""


def unpacked(packed: bytes) -> bytes:
    """Compressed RTF, by [MS-OXRTFCP] 3.1.3. Raises damaged_file, too_large."""
    if len(packed) < 16:
        raise refusals.damaged()
    _, size, kind, _ = struct.unpack_from("<IIII", packed)
    if kind == _UNCOMPRESSED:
        return packed[16 : 16 + size]
    if kind != _COMPRESSED:
        raise refusals.damaged()
    if size > _UNPACKED:
        raise refusals.too_large()
    window = bytearray(_PRIMER.ljust(4096, b" "))
    write, at, made = len(_PRIMER), 16, bytearray()
    while at < len(packed):
        control = packed[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                if at + 1 >= len(packed):
                    return bytes(made)
                token = packed[at] << 8 | packed[at + 1]
                at += 2
                offset, length = token >> 4, (token & 15) + 2
                if offset == write:
                    return bytes(made)
                taken = []
                for step in range(length):
                    taken.append(window[(offset + step) % 4096])
                    window[write] = taken[-1]
                    write = (write + 1) % 4096
                made += bytes(taken)
            else:
                if at >= len(packed):
                    return bytes(made)
                window[write] = packed[at]
                made.append(packed[at])
                write, at = (write + 1) % 4096, at + 1
        if len(made) > _UNPACKED:
            raise refusals.too_large()
    return bytes(made)
