"""Letters: .eml (RFC 5322, MIME) by the standard library, .msg by outlook.py. Attachments are read as files are.

The first section is the head: subject, from, to, date, attachments. What an attachment says stands under its name; one
that cannot be read is only named.
"""

import dataclasses
import email
import email.errors
import email.header
import email.policy
import email.utils
import importlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path

from backends.core.errors import BackendError
from backends.documents.extract import refusals, xmltree
from backends.documents.extract.asked import MIB, Asked
from backends.documents.extract.composing import Composer
from backends.documents.extract.encodings import decoded
from backends.documents.extract.markup import Walker
from backends.documents.types import Closed, Opened, ReadEvent, Section

_MOST = 128 * MIB
_ATTACHMENTS = 50
_DEEPEST = 3  # letters within letters
_COMPOUND = b"\xd0\xcf\x11\xe0"
_SAFE = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_WHITE = re.compile(r"\s+")


@dataclass(slots=True)
class Letter:
    """`text` or `html`, whichever says more, is the body. `attachments`: name and content."""

    subject: str = ""
    sender: str = ""
    to: str = ""
    cc: str = ""
    date: str = ""
    dated: float | None = None
    text: str = ""
    html: str = ""
    attachments: list[tuple[str, bytes]] = field(default_factory=list)
    letters: list["Letter"] = field(default_factory=list)


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    if path.stat().st_size > _MOST:
        raise refusals.too_large()
    with path.open("rb") as file:
        compound = file.read(4) == _COMPOUND
    if compound:
        from backends.documents.extract import outlook

        letter = outlook.letter(path)
    else:
        with path.open("rb") as file:
            letter = _letter(email.message_from_binary_file(file, policy=email.policy.compat32), 0)
    yield Opened("mail", letter.subject, 0, letter.dated)
    with tempfile.TemporaryDirectory(prefix="deskseek-") as folder:
        yield from _sections(letter, asked, Path(folder), ())
    yield Closed()


def _sections(letter: Letter, asked: Asked, folder: Path, above: tuple[str, ...]) -> Iterator[ReadEvent]:
    composer = Composer()
    composer.path(above)
    composer.heading(len(above), letter.subject)
    names = ", ".join(name for name, _ in letter.attachments)
    head = (
        ("From", letter.sender),
        ("To", letter.to),
        ("Cc", letter.cc),
        ("Date", letter.date),
        ("Attachments", names),
    )
    for label, value in head:
        if value:
            composer.add(f"{label}: {value}")
    yield from composer.close()
    yield from _body(letter, composer.headings)
    here = (*above, letter.subject) if letter.subject else above
    for name, data in letter.attachments[:_ATTACHMENTS]:
        if len(above) < _DEEPEST:
            yield from _attached(name, data, asked, folder, here)
    for inner in letter.letters:
        yield from _sections(inner, asked, folder, here)


def _body(letter: Letter, headings: tuple[str, ...]) -> list[Section]:
    """The text part, unless it is only a line that says that there is a web page."""
    composer = Composer()
    composer.path(headings)
    root = xmltree.parse_soup(letter.html) if letter.html.strip() else None
    if root is not None:
        walker = Walker(composer)
        walker.walk(root)
        walker.paragraph()
    page = composer.close()
    if sum(len(one.text) for one in page) > 4 * len(letter.text.strip()):
        return page
    composer.path(headings)
    for paragraph in re.split(r"\n\s*\n", letter.text.replace("\r\n", "\n")):
        composer.add(paragraph.strip("\n"))
    return composer.close()


def _attached(name: str, data: bytes, asked: Asked, folder: Path, above: tuple[str, ...]) -> Iterator[ReadEvent]:
    from backends.documents.extract.detect import detect
    from backends.documents.extract.formats import READERS

    suffix = _SAFE.search(name)
    path = folder / f"{len(list(folder.iterdir()))}{suffix[0] if suffix else ''}"
    path.write_bytes(data)
    try:
        format = detect(path)
        module = importlib.import_module(f"backends.documents.extract.{READERS[format]}")
        for event in module.read(path, dataclasses.replace(asked, format=format, recognise=False)):
            if isinstance(event, Section):
                label = f"{name}:{event.page}" if event.page and not event.label else event.label or name
                yield dataclasses.replace(event, page=0, label=label, headings=(*above, name, *event.headings))
    except BackendError:
        return  # it is named in the head
    finally:
        path.unlink(missing_ok=True)


def _letter(message: Message, deep: int) -> Letter:
    letter = Letter(
        subject=_header(message, "Subject"),
        sender=_header(message, "From"),
        to=_header(message, "To"),
        cc=_header(message, "Cc"),
        date=_header(message, "Date"),
    )
    try:
        letter.dated = email.utils.parsedate_to_datetime(letter.date).timestamp() if letter.date else None
    except (ValueError, TypeError, OverflowError, IndexError):
        letter.dated = None
    _parts(message, letter, deep)
    return letter


def _parts(part: Message, letter: Letter, deep: int) -> None:
    kind = part.get_content_type()
    if kind == "message/rfc822":
        for inner in part.get_payload() if isinstance(part.get_payload(), list) else []:
            if isinstance(inner, Message) and deep < _DEEPEST:
                letter.letters.append(_letter(inner, deep + 1))
        return
    if part.is_multipart():
        for inner in part.get_payload():
            if isinstance(inner, Message):
                _parts(inner, letter, deep)
        return
    name = _decoded(part.get_filename() or "")
    attached = part.get_content_disposition() == "attachment" or (name and not kind.startswith("image/"))
    if not attached and kind not in ("text/plain", "text/html"):
        if kind.startswith("text/"):
            letter.text += _text(part) + "\n"
        return
    if attached:
        payload = part.get_payload(decode=True)
        letter.attachments.append((name or kind, payload if isinstance(payload, bytes) else b""))
    elif kind == "text/html":
        letter.html += _text(part)
    else:
        letter.text += _text(part) + "\n"


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return decoded(payload, part.get_content_charset() or "") if isinstance(payload, bytes) else ""


def _header(message: Message, name: str) -> str:
    raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return _decoded(raw)


def _decoded(raw: str) -> str:
    """RFC 2047, and what some write instead: bytes of their own encoding."""
    if any("\udc80" <= character <= "\udcff" for character in raw):
        return _WHITE.sub(" ", decoded(raw.encode("utf-8", "surrogateescape"))).strip()
    try:
        words = email.header.decode_header(raw)
    except (email.errors.HeaderParseError, ValueError):
        words = [(raw, None)]
    said = "".join(decoded(text, charset or "") if isinstance(text, bytes) else text for text, charset in words)
    return _WHITE.sub(" ", said).strip()
