"""Ways in which a server of `tests.kit.hub` goes wrong."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Place = Literal["api", "head", "get", "cdn"]


@dataclass(frozen=True)
class Fault:
    """One way to go wrong. What is not said stays as it is right."""

    status: int = 0  # answer this instead, with `headers` and `body`
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_after: int | None = None  # so many bytes of the body, then the connection breaks; 0: no answer at all
    pause_after: int | None = None  # so many bytes, then nothing until `hub.release()`
    hang: bool = False  # no answer at all until `hub.release()`, then the connection breaks
    instead: bytes | None = None  # other bytes than the file's, in a right answer
    claimed_size: int | None = None  # what the size headers say
    ignore_range: bool = False  # 200 and the whole file


def refused(status: int, code: str = "", message: str = "", **headers: str) -> Fault:
    """An HTTP error as the hub words it: `code` is its X-Error-Code."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if code:
        named["X-Error-Code"] = code
    if message:
        named["X-Error-Message"] = message
    return Fault(status=status, headers=named, body=json.dumps({"error": message or code}).encode())


def cut(after: int) -> Fault:
    return Fault(cut_after=after)


def paused(after: int) -> Fault:
    return Fault(pause_after=after)


def web_page(status: int = 200) -> Fault:
    page = b"<!DOCTYPE html><html><body>Please sign in to this network.</body></html>"
    return Fault(status=status, headers={"Content-Type": "text/html; charset=utf-8"}, body=page)


HANG = Fault(hang=True)
IGNORES_RANGE = Fault(ignore_range=True)
