"""Files as programs send them: a form (RFC 7578) or the bytes alone, written to the disk as they come.

    async with receive(request, uploads) as received:
        ...                                   # received.files are whole, received.collection is what the form said

Whatever was not kept until the end is removed again. No file, and no more than a piece of one, is ever in memory.
"""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import IO, Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from backends.api.errors import bad
from backends.api.limits import KIB, MIB
from backends.core.files import storage_error
from backends.documents.uploads import Uploads

MOST_FILES = 64  # in one request
MOST_PARTS = 128
LONGEST_FIELD = 4 * KIB  # bytes of a field that is no file
_PIECE = MIB  # bytes that gather before they are written
_PLAIN = (b"", b"7bit", b"8bit", b"binary")  # transfer encodings that change nothing


@contextlib.asynccontextmanager
async def receive(request: Request, uploads: Uploads) -> "AsyncIterator[Received]":
    """ApiError 400 (also `bad_name`), 408, 413; StorageError (`disk_full`); ClientDisconnect."""
    received = Received(uploads)
    try:
        kind, options = parse_options_header(request.headers.get("content-type"))
        if kind == b"multipart/form-data":
            await _read_form(request, options.get(b"boundary", b""), received)
        else:
            await _read_bytes(request, received)
        yield received
    finally:
        await asyncio.to_thread(received.close)


@dataclass(slots=True)
class Received:
    """`files`: in the order in which they came. `fields`: of a form, those that are no files."""

    uploads: Uploads
    files: list[Path] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    _open: IO[bytes] | None = None
    _gathered: list[bytes] = field(default_factory=list)
    _size: int = 0

    async def begin(self, name: str) -> None:
        if len(self.files) == MOST_FILES:
            raise bad(f"At most {MOST_FILES} files may come in one request.", "file")
        await asyncio.to_thread(self._begin, name)

    async def add(self, data: bytes) -> None:
        self._gathered.append(data)
        self._size += len(data)
        if self._size >= _PIECE:
            await asyncio.to_thread(self._write)

    async def end(self) -> None:
        await asyncio.to_thread(self._end)

    def close(self) -> None:
        """What nobody has kept goes."""
        if self._open is not None:
            with contextlib.suppress(OSError):  # the disk has said already what is wrong with it
                self._open.close()
        for path in self.files:
            self.uploads.drop(path)

    def _begin(self, name: str) -> None:
        path = self.uploads.begin(name)
        self.files.append(path)
        try:
            self._open = path.open("xb", buffering=0)
        except OSError as error:
            raise storage_error(error, path) from error

    def _write(self) -> None:
        assert self._open is not None
        left = memoryview(b"".join(self._gathered))
        self._gathered, self._size = [], 0
        try:
            while left:
                left = left[self._open.write(left) :]
        except OSError as error:
            raise storage_error(error, self.files[-1]) from error

    def _end(self) -> None:
        """A power cut does not take it any more."""
        assert self._open is not None
        self._write()
        try:
            os.fsync(self._open.fileno())
            self._open.close()
        except OSError as error:
            raise storage_error(error, self.files[-1]) from error
        self._open = None


# ---- the bytes alone


async def _read_bytes(request: Request, received: Received) -> None:
    await received.begin(file_name(request.query_params.get("filename") or _disposed(request)))
    async for piece in request.stream():
        await received.add(piece)
    await received.end()


def _disposed(request: Request) -> str:
    """The name in Content-Disposition: that of RFC 6266 (`filename*`), else the plain one."""
    given = _text(request.headers.get("content-disposition", "").encode("latin-1"))
    if len(given) > LONGEST_FIELD:
        raise bad("Content-Disposition is too long.", "filename")
    message = Message()
    message["content-disposition"] = given
    return message.get_filename("")


def file_name(given: str) -> str:
    """A name is only a name: folders before it are cut off. ApiError 400 if none is left; what it may hold is for
    `Uploads.begin` to say."""
    name = re.split(r"[/\\]", given)[-1]
    if not name:
        raise bad("A file needs a name: `filename` in the query or in Content-Disposition.", "filename")
    return name


# ---- a form


async def _read_form(request: Request, boundary: bytes, received: Received) -> None:
    form = _Form(received.fields)
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async for piece in request.stream():
            parser.write(piece)
            for take in form.taken():
                await take(received)
        parser.finalize()
    except FormParserError as error:
        raise bad(f"The form cannot be read: {error}", code="bad_form") from error
    if not form.over:
        raise bad("The form ends too early.", code="bad_form")
    if not received.files:
        raise bad("There is no file in the form: a part named file, with a filename.", "file")


Take = Callable[[Received], Awaitable[None]]


class _Form:
    """Hears the parser: fields are put into `fields`, what is to be done with files gathers."""

    def __init__(self, fields: dict[str, str]) -> None:
        self.over = False
        self._fields, self._taken = fields, list[Take]()
        self._parts = 0
        self._headers: dict[str, bytes] = {}
        self._header = self._value = b""
        self._field: bytearray | None = None  # of the part that is read; None: it is a file
        self._name = ""

    def taken(self) -> list[Take]:
        taken, self._taken = self._taken, []
        return taken

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._on_part,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def _on_part(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise bad(f"The form has more than {MOST_PARTS} parts.", code="bad_form")
        self._headers = {}

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.decode("latin-1").lower()] = self._value
        self._header = self._value = b""

    def _on_headers(self) -> None:
        if self._headers.get("content-transfer-encoding", b"").strip().lower() not in _PLAIN:
            raise bad("A part of a form may not be encoded.", code="bad_form")
        _, options = parse_options_header(self._headers.get("content-disposition"))
        self._name = _text(options.get(b"name", b""))
        if b"filename" not in options:
            self._field = bytearray()
            return
        self._field, name = None, file_name(_text(options[b"filename"]))
        self._taken.append(lambda received: received.begin(name))

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if self._field is None:
            self._taken.append(lambda received: received.add(piece))
            return
        self._field += piece
        if len(self._field) > LONGEST_FIELD:
            raise bad(f"{self._name} may have at most {LONGEST_FIELD} bytes", self._name)

    def _on_part_end(self) -> None:
        if self._field is None:
            self._taken.append(Received.end)
        else:
            self._fields[self._name] = _text(bytes(self._field))

    def _on_end(self) -> None:
        self.over = True


def _text(given: bytes) -> str:
    try:
        return given.decode("utf-8")
    except UnicodeDecodeError as error:
        raise bad("Names and fields have to be UTF-8.", code="bad_form") from error
