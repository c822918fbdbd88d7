"""What is said of a document: its format, its place, how far it is, what is wrong with it."""

from dataclasses import dataclass
from pathlib import PurePath

from PySide6.QtCore import QCoreApplication, QLocale

from app import figures
from app.language import say
from backends.documents.extract.formats import BY_SUFFIX
from backends.documents.types import Document

_ICONS = {
    "pdf": "file-text",
    "docx": "file-text",
    "rtf": "file-text",
    "odt": "file-text",
    "text": "file-text",
    "markdown": "file-text",
    "pptx": "presentation",
    "odp": "presentation",
    "xlsx": "file-spreadsheet",
    "xls": "file-spreadsheet",
    "ods": "file-spreadsheet",
    "csv": "file-spreadsheet",
    "mail": "mail",
    "epub": "book-open",
    "html": "globe",
    "code": "file-code",
    "notebook": "file-code",
}
_SLIDES = {"pptx", "odp"}
_SHEETS = {"xlsx", "xls", "ods"}


@dataclass(frozen=True, slots=True)
class Said:
    """`tone` as in the theme; `icon` "" for what needs none. `fraction`: 0..1 while it is read."""

    words: str
    tone: str = "muted"
    icon: str = ""
    fraction: float | None = None


def icon_of(format: str) -> str:
    return _ICONS.get(format, "file")


def title_of(document: Document) -> str:
    return document.title or document.name


def state_of(document: Document, done: int = 0, total: int = 0) -> Said:
    """How it is. `done` of `total`: pages, if they are as many as it has, else bytes."""
    match document.status:
        case "waiting":
            return Said(QCoreApplication.translate("documents", "Waits its turn"), icon="clock")
        case "reading":
            return _reading(document, done, total)
        case "failed":
            words = say(document.problem.message) if document.problem else ""
            unread = QCoreApplication.translate("documents", "Could not be read")
            return Said(words or unread, "danger", "circle-alert")
        case "encrypted":
            return Said(QCoreApplication.translate("documents", "Locked with a password"), "warning", "lock")
        case "scanned":
            words = QCoreApplication.translate("documents", "Pictures of pages only: there is no text in it yet")
            return Said(words, "warning", "scan-text")
        case "empty":
            return Said(QCoreApplication.translate("documents", "There is nothing to read in it"), "warning", "info")
    return _ready(document)


def _reading(document: Document, done: int, total: int) -> Said:
    if not total:
        return Said(QCoreApplication.translate("documents", "Reading…"), "accent", fraction=0.0)
    if total == document.pages:
        words = QCoreApplication.translate("documents", "Reading page %1 of %2")
        return Said(_two(words, done, total), "accent", fraction=done / total)
    words = QCoreApplication.translate("documents", "Reading: %1")
    return Said(words.replace("%1", figures.percent(done / total)), "accent", fraction=done / total)


def _ready(document: Document) -> Said:
    if document.unread:
        words = QCoreApplication.translate("documents", "%1 of %2 pages are pictures and were not read")
        return Said(_two(words, document.unread, document.pages), "warning", "triangle-alert")
    if document.problem is not None:
        return Said(say(document.problem.message), "warning", "triangle-alert")
    if document.recognised:
        words = QCoreApplication.translate("documents", "Ready; %1 pages recognised from pictures")
        if document.recognised == 1:
            words = QCoreApplication.translate("documents", "Ready; 1 page recognised from a picture")
        return Said(words.replace("%1", QLocale().toString(document.recognised)), "muted", "scan-text")
    return Said(QCoreApplication.translate("documents", "Ready"), "success", "check")


def facts_of(document: Document) -> str:
    """Its file name (where the title is another), pages, size and date."""
    name = document.name if document.title and document.title != document.name else ""
    return figures.line(
        name, pages_of(document), figures.file_size(document.size) if document.size else "", date_of(document)
    )


def pages_of(document: Document) -> str:
    if not document.pages:
        return ""
    count = QLocale().toString(document.pages)
    if document.format in _SLIDES:
        one, many = (
            QCoreApplication.translate("documents", "1 slide"),
            QCoreApplication.translate("documents", "%1 slides"),
        )
    elif document.format in _SHEETS:
        one, many = (
            QCoreApplication.translate("documents", "1 sheet"),
            QCoreApplication.translate("documents", "%1 sheets"),
        )
    elif document.format == "epub":
        one, many = (
            QCoreApplication.translate("documents", "1 chapter"),
            QCoreApplication.translate("documents", "%1 chapters"),
        )
    else:
        one, many = (
            QCoreApplication.translate("documents", "1 page"),
            QCoreApplication.translate("documents", "%1 pages"),
        )
    return one if document.pages == 1 else many.replace("%1", count)


def date_of(document: Document) -> str:
    when = document.dated if document.dated is not None else document.modified
    if not when:
        return ""
    return figures.day(when, year=True)


def place_of(format: str, page: int, label: str = "") -> str:
    """Where in it: page 12, slide 3, Sheet1!A1:F40; "" if the format has no places."""
    if label:
        return label
    if not page:
        return ""
    if format in _SLIDES:
        words = QCoreApplication.translate("documents", "slide %1")
    elif format in _SHEETS:
        words = QCoreApplication.translate("documents", "sheet %1")
    elif format == "epub":
        words = QCoreApplication.translate("documents", "chapter %1")
    else:
        words = QCoreApplication.translate("documents", "page %1")
    return words.replace("%1", str(page))


def place_in(name: str, page: int, label: str = "") -> str:
    """The same as a line of its own, of a document whose file name is known: Page 12."""
    place = place_of(BY_SUFFIX.get(PurePath(name).suffix.lower(), ""), page, label)
    return place if label else place[:1].upper() + place[1:]


def reference(document: Document, page: int, label: str, quote: str) -> str:
    """A quote as it is put into a text of one's own: "quote" - Title, p. 12."""
    where = place_of(document.format, page, label)
    if document.format == "pdf" and page:
        where = QCoreApplication.translate("documents", "p. %1").replace("%1", str(page))
    source = _joined(title_of(document), where)
    words = QCoreApplication.translate("documents", "“%1” — %2")
    return words.replace("%2", source).replace("%1", " ".join(quote.split()))


def _joined(*words: str) -> str:
    between = QCoreApplication.translate("documents", ", ")
    return between.join(word for word in words if word)


def _two(words: str, one: int, other: int) -> str:
    return words.replace("%1", QLocale().toString(one)).replace("%2", QLocale().toString(other))
