"""Books (EPUB 2 and 3): the chapters in the order of the spine; `page` is the place of a chapter in it."""

import posixpath
import re
from collections.abc import Iterator
from html.entities import name2codepoint
from pathlib import Path

from backends.core.errors import BackendError
from backends.core.phrase import Phrase
from backends.documents.extract import refusals, xmltree
from backends.documents.extract.asked import Asked
from backends.documents.extract.composing import Composer, moment
from backends.documents.extract.encodings import decoded
from backends.documents.extract.markup import HEADINGS, Walker
from backends.documents.extract.package import Package, within
from backends.documents.extract.xmltree import Element, attribute, every, name
from backends.documents.types import Closed, Opened, ReadEvent, Reading

_CONTAINER = "META-INF/container.xml"
_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_LOCKED = Phrase("The book is locked by its shop (DRM).", "该电子书受书店的版权保护（DRM）。")
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*>", re.IGNORECASE)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding=["']([\w.-]+)["']""")


def read(path: Path, asked: Asked) -> Iterator[ReadEvent]:
    with Package(path) as package:
        _refuse_locked(package)
        container = xmltree.parse(package.read(_CONTAINER) or b"<none/>")
        main = next((attribute(one, "full-path") or "" for one in every(container, "rootfile")), "")
        book = xmltree.parse(package.read(main) or b"<none/>")
        if name(book) != "package":
            raise refusals.damaged()
        folder = posixpath.dirname(main)
        items = {attribute(one, "id"): one for one in every(book, "item")}
        spine = [items.get(attribute(one, "idref")) for one in every(book, "itemref")]
        title, date = (next((xmltree.text(one).strip() for one in every(book, what)), "") for what in ("title", "date"))
        yield Opened("epub", title, len(spine), moment(date))
        named = _contents(package, folder, list(items.values()))
        for number, item in enumerate(spine, 1):
            part = within(folder, attribute(item, "href") or "") if item is not None else ""
            if part in package and "html" in (attribute(item, "media-type") or "html"):
                yield from chapter(package.read(part), number, named.get(part, ""))
            yield Reading(number, len(spine))
        yield Closed(len(spine))


def chapter(data: bytes, number: int, called: str = "") -> Iterator[ReadEvent]:
    """The sections of one. `called`: as the contents call it, its heading if it has none of its own."""
    root = parsed(data)
    if root is None:
        return
    composer = Composer()
    composer.place(number)
    if called and not any(name(one) in HEADINGS for one in root.iter()):
        composer.path([called])
    walker = Walker(composer)
    walker.walk(root)
    walker.paragraph()
    yield from composer.close()


def parsed(data: bytes) -> Element | None:
    """XHTML as XML if it is well-formed, else as HTML. Entities that a chapter defines itself do not exist here."""
    declared = _DECLARED.search(data[:200])
    markup = decoded(data, declared[1].decode() if declared else "")
    markup = _DOCTYPE.sub("", markup, count=1)
    if "<!ENTITY" in markup or "<!DOCTYPE" in markup:
        raise refusals.damaged()
    strict = _ENTITY.sub(lambda one: _character(one[1], one[0]), markup)
    if strict.lstrip("\ufeff \r\n").startswith("<?xml"):
        strict = strict.partition("?>")[2]
    try:
        return xmltree.parse(strict.lstrip("\ufeff \r\n").encode("utf-8", "replace"))
    except BackendError:
        return xmltree.parse_soup(markup)


def _contents(package: Package, folder: str, items: list[Element]) -> dict[str, str]:
    """What the table of contents calls each chapter (nav of EPUB 3, NCX of EPUB 2)."""
    found: dict[str, str] = {}
    for item in items:
        properties, kind = attribute(item, "properties") or "", attribute(item, "media-type") or ""
        part = within(folder, attribute(item, "href") or "")
        if part not in package:
            continue
        below = posixpath.dirname(part)
        if "nav" in properties.split() and (root := parsed(package.read(part))) is not None:
            for link in every(root, "a"):
                found.setdefault(within(below, attribute(link, "href") or ""), " ".join(xmltree.text(link).split()))
        elif kind == "application/x-dtbncx+xml" and (root := parsed(package.read(part))) is not None:
            for point in every(root, "navPoint"):
                link, label = next(every(point, "content"), None), next(every(point, "text"), None)
                if link is not None:
                    target = within(below, attribute(link, "src") or "")
                    found.setdefault(target, " ".join(xmltree.text(label).split()))
    return found


def _refuse_locked(package: Package) -> None:
    """Mangled fonts are not a lock; chapters under a key are."""
    data = package.read("META-INF/encryption.xml")
    methods = [attribute(one, "Algorithm") for one in every(xmltree.parse(data), "EncryptionMethod")] if data else []
    if any(method not in _FONTS for method in methods):
        raise refusals.unsupported(_LOCKED)


def _character(entity: str, whole: str) -> str:
    if entity in ("amp", "lt", "gt", "quot", "apos"):
        return whole
    return chr(name2codepoint[entity]) if entity in name2codepoint else whole.replace("&", "&amp;")
