"""What may be opened outside, and what it really is (SEC-42).

Only web pages and mail. The host is shown as the network knows it (an address in look-alike letters as its
punycode), together with the whole address, and nothing opens before the person has said so.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QUrl

_SCHEMES = ("http", "https", "mailto")
LONGEST = 300  # characters of an address that are shown


# Files that a program of the system shows and does not run. Source code, scripts, shortcuts and Office files with
# macros are not among them; what is not listed is shown in its folder.
_OFFICE = frozenset((".pdf", ".docx", ".pptx", ".xlsx", ".odt", ".odp", ".ods", ".rtf", ".csv", ".tsv", ".epub"))
_PLAIN = frozenset((".txt", ".text", ".log", ".md", ".markdown", ".rst", ".json", ".xml", ".yaml", ".yml", ".srt"))
_SHOWN = _OFFICE | _PLAIN | {".eml", ".msg", ".htm", ".html"}
_PACKAGES = (".app", ".lnk", ".workflow", ".bundle", ".prefpane")  # folders that open as programs


@dataclass(frozen=True, slots=True)
class Link:
    """`where`: the host or the mail address. `shown`: the address, encoded, perhaps shortened."""

    url: QUrl
    where: str
    shown: str


def inspect(address: str) -> Link | None:
    """The link if it may be opened, None if not (a file, a script, a program's own scheme, no host)."""
    if any(ord(character) < 33 or ord(character) == 127 for character in address):
        return None
    url = QUrl(address, QUrl.ParsingMode.StrictMode)
    if not url.isValid() or url.scheme().lower() not in _SCHEMES or url.userInfo():
        return None
    encoded = QUrl.ComponentFormattingOption.FullyEncoded
    where = url.path(encoded) if url.scheme().lower() == "mailto" else url.host(encoded)
    if not where or (url.scheme().lower() == "mailto" and "@" not in where):
        return None
    shown = bytes(url.toEncoded().data()).decode("ascii", "replace")
    return Link(url, where, shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…")


def may_open(path: Path) -> bool:
    """A document on this disk that the system's program may show. What it is decides the name that is behind links,
    without the dots and spaces at its end and streams behind a colon that Windows takes for nothing."""
    try:
        real = path.resolve(strict=True)
        return real.is_file() and _is_shown(real) and _is_shown(path)
    except OSError:
        return False


def may_show(folder: Path) -> bool:
    """A folder that opens as one."""
    try:
        real = folder.resolve(strict=True)
        return real.is_dir() and real.suffix.lower() not in _PACKAGES and folder.suffix.lower() not in _PACKAGES
    except OSError:
        return False


def _is_shown(path: Path) -> bool:
    name = path.name
    plain = name == name.rstrip(". ") and (os.name != "nt" or ":" not in name)
    return plain and path.suffix.lower() in _SHOWN and not str(path).startswith(("\\\\", "//"))
