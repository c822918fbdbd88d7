"""Runs of text in one look, as paragraphs and cells are made of."""

import re
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

Mark = Literal["", "unread", "verified", "unfounded", "unchecked"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one look. `link` is an address, "" for none. `mark`: a reference to a source (see `cited`).
    `formula`: LaTeX without its delimiters, which `text` has; `display`: it is to be set large."""

    text: str
    strong: bool = False
    emphasis: bool = False
    strike: bool = False
    code: bool = False
    link: str = ""
    mark: Mark = ""
    formula: str = ""
    display: bool = False


Spans = tuple[Span, ...]


_ADDRESS = re.compile(r"https?://[^\s<>\"'`，。；：！？、）】》」』]+")


def text_spans(text: str, look: Span) -> list[Span]:
    """Bare web addresses become links, without the punctuation that ends the sentence around them."""
    if look.link or "://" not in text:
        return [replace(look, text=text)] if text else []
    spans: list[Span] = []
    end = 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(".,;:!?*_~")
        while address.endswith(")") and address.count("(") < address.count(")"):
            address = address[:-1]
        if found.start() > end:
            spans.append(replace(look, text=text[end : found.start()]))
        spans.append(replace(look, text=address, link=address))
        end = found.start() + len(address)
    if end < len(text):
        spans.append(replace(look, text=text[end:]))
    return spans


_PLACE = re.compile(r"(?:https?://|www\.)?(?:[^\s/@:]+@)?((?:[\w-]+\.)+[^\W\d_]{2,})(?:[:/?#]\S*)?", re.IGNORECASE)
_REAL = re.compile(r"https?://(?:[^/?#]*@)?([^/?#:]+)|mailto:([^?]+)", re.IGNORECASE)
_LONGEST_PLACE = 300


def true_place(spans: list[Span], link: str) -> list[Span]:
    """For a link whose words are an address, but not its own: where it leads, to be read behind them (SEC-42)."""
    words = "".join(
        reversed([span.text for span in takewhile(lambda span: span.link == link, reversed(spans))])
    ).strip()
    claimed, real = _PLACE.fullmatch(words[:_LONGEST_PLACE]), _REAL.match(link)
    if claimed is None:
        return []
    host, mail = (real[1], real[2]) if real else (None, None)
    if (host and _bare(host) == _bare(claimed[1])) or (mail and mail.lower() == words.lower()):
        return []
    return [Span(f" ({host or mail or link[:_LONGEST_PLACE]})", link=link)]


def _bare(host: str) -> str:
    return host.lower().removeprefix("www.")


def merged(spans: list[Span]) -> Spans:
    """Neighbours of one look are one. Between Chinese characters a line break in the source is no space."""
    merged: list[Span] = []
    for index, span in enumerate(spans):
        if span.text == " " and 0 < index < len(spans) - 1:
            before, after = spans[index - 1].text[-1:], spans[index + 1].text[:1]
            if is_wide(before) and is_wide(after):
                continue
        if merged and not span.formula and replace(merged[-1], text="") == replace(span, text=""):
            merged[-1] = replace(span, text=merged[-1].text + span.text)
        else:
            merged.append(span)
    return tuple(merged)


def trimmed(spans: Spans) -> Spans:
    """Without the space at its ends, which a formula on a line of its own leaves there."""
    if spans and not spans[0].formula and not spans[0].code:
        spans = (replace(spans[0], text=spans[0].text.lstrip()), *spans[1:])
    if spans and not spans[-1].formula and not spans[-1].code:
        spans = (*spans[:-1], replace(spans[-1], text=spans[-1].text.rstrip()))
    return tuple(span for span in spans if span.text)


_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]")


def ems(text: str) -> float:
    """About how wide it is, in sizes of its font."""
    wide = 0 if text.isascii() else len(_WIDE.findall(text))
    return 0.48 * len(text) + 0.52 * wide


def is_wide(character: str) -> bool:
    """Chinese (and Japanese) characters and their punctuation."""
    return bool(character) and (
        "\u2e80" <= character <= "\u9fff"
        or "\uf900" <= character <= "\ufaff"
        or "\ufe30" <= character <= "\ufe4f"
        or "\uff00" <= character <= "\uffef"
        or "\U00020000" <= character <= "\U0003ffff"
    )
