"""What may be opened outside, and what it really is (SEC-42).

Only web pages and mail. The host is shown as the network knows it (an address in look-alike letters as its
punycode), together with the whole address, and nothing opens before the person has said so.
"""

from dataclasses import dataclass

from PySide6.QtCore import QUrl

_SCHEMES = ("http", "https", "mailto")
LONGEST = 300  # characters of an address that are shown


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
