"""XML of documents, parsed so that it can neither grow nor reach outside: no DTD, no entities, no network (SEC-45).

The only importer of lxml. Office formats never carry a DTD, so one that does is refused as damaged.
"""

from collections.abc import Iterator
from typing import IO, Any

from backends.documents.extract import refusals

Element = Any  # lxml.etree._Element, which has no public name
_PROLOG = 4096


def parse(data: bytes) -> Element:
    """The root of a document. Raises damaged_file."""
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    _refuse_dtd(data[:_PROLOG])
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_pis=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise refusals.damaged() from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise refusals.damaged()
    return root


def parse_soup(markup: str) -> Element | None:
    """The root of an HTML document, however it is written; None if there is nothing in it."""
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, recover=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(markup.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, etree.ParserError, ValueError):
        return None


def walk(stream: IO[bytes]) -> Iterator[tuple[str, Element]]:
    """("start" or "end", element) as the document is read. Whoever takes them empties what is done with (`forget`)."""
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    _refuse_dtd(stream.peek(_PROLOG)[:_PROLOG])  # type: ignore[attr-defined]
    events = etree.iterparse(
        stream,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    first = True
    try:
        for event, element in events:
            if first and element.getroottree().docinfo.internalDTD is not None:
                raise refusals.damaged()
            first = False
            yield event, element
    except (etree.XMLSyntaxError, ValueError) as error:
        raise refusals.damaged() from error


def forget(element: Element) -> None:
    """It and what came before it are done with: a tree does not grow while a long document is walked."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    if parent is not None:
        while (before := element.getprevious()) is not None:
            parent.remove(before)


def name(element: Element) -> str:
    """The name without its namespace; "" of a comment."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, local: str) -> str | None:
    """An attribute by its name, whatever its namespace is."""
    for key, value in element.attrib.items():
        if key == local or key.endswith("}" + local):
            return value
    return None


def child(element: Element, local: str) -> Element | None:
    for one in element:
        if name(one) == local:
            return one
    return None


def every(element: Element, local: str) -> Iterator[Element]:
    """It and what is under it, if named so."""
    return element.iter("{*}" + local)


def text(element: Element | None) -> str:
    return "".join(element.itertext()) if element is not None else ""


def _refuse_dtd(prolog: bytes) -> None:
    plain = prolog.replace(b"\0", b"").upper()
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        raise refusals.damaged()
