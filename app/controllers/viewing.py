"""What happens when a document is looked at: is its file still there, which text lies around the passage, what may be
opened outside."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication

from app import links
from app.bridge import Pump
from app.notices import Notice, NoticeBoard, NoticeButton
from app.viewing import File, Mark, Piece, Shown
from backends.core.phrase import Phrase
from backends.core.stream import Runner
from backends.documents.types import Document, Hit
from backends.services.documents import DocumentServices

AROUND = 40_000  # characters on either side of a passage
_SOON = 2.0  # seconds that file systems round times to
_HASHED = 64_000_000  # bytes; a larger file of another time counts as changed
_BLOCK = 1 << 20

Show = Callable[[Shown], None]


class ViewingController(QObject):
    """`opened(shown)`: for the page of the viewer. A preview gets what it asked for itself."""

    opened = Signal(object)

    def __init__(
        self, documents: DocumentServices, pump: Pump, board: NoticeBoard, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._documents = documents
        self._pump = pump
        self._board = board
        self._runner = Runner("viewing")
        self._asked = {"page": 0, "preview": 0}  # what either was asked for: a preview does not stop the page

    def close(self) -> None:
        self._runner.close()

    # ---- opening

    def open_hit(self, hit: Hit, hits: Sequence[Hit] = (), show: Show | None = None) -> None:
        """On the passage that was found; the others of the same document can be gone to. `show`: instead of the page of
        the viewer."""
        own = sorted((one for one in hits if one.document.id == hit.document.id), key=lambda one: one.passage.start)
        own = own or [hit]
        marks = tuple(_mark_of(one) for one in own)
        at = next((n for n, one in enumerate(own) if one.passage.id == hit.passage.id), 0)
        self._open(hit.document.id, marks, at, show)

    @Slot(object)
    def open_document(self, document: Document) -> None:
        """At its beginning."""
        self._open(document.id, (), 0)

    def open_passage(self, document_id: int, start: int, end: int, page: int = 0, quote: str = "") -> None:
        """What a citation names: a part of the stored text, or words of it."""
        self._open(document_id, (Mark(start, end, page, "", quote),), 0)

    def _open(self, document_id: int, marks: tuple[Mark, ...], at: int, show: Show | None = None) -> None:
        where = "page" if show is None else "preview"
        self._asked[where] += 1
        asked = self._asked[where]

        def read() -> Shown:
            store = self._documents.store
            document = store.document(document_id)
            file = state_of(document)
            full = tuple(
                mark
                if mark.text
                else Mark(mark.start, mark.end, mark.page, mark.label, store.text(document_id, mark.start, mark.end))
                for mark in marks
            )
            shown = Shown(document, file, full, at)
            if document.format == "pdf" and file in ("there", "changed"):
                return shown
            mark = shown.mark
            return Shown(document, file, full, at, self._read_piece(document, mark.start if mark else 0))

        def arrived(shown: Shown) -> None:
            if asked == self._asked[where]:
                (show or self.opened.emit)(shown)

        self._pump.call(self._runner, read, then=arrived, on_error=self._board.post_error)

    def bring_piece(
        self, document: Document, offset: int, show: Callable[[Piece], None], *, preview: bool = False
    ) -> None:
        """The text around `offset`."""
        where = "preview" if preview else "page"
        asked = self._asked[where]

        def arrived(piece: Piece) -> None:
            if asked == self._asked[where]:
                show(piece)

        self._pump.call(self._runner, self._read_piece, document, offset, then=arrived, on_error=self._board.post_error)

    def _read_piece(self, document: Document, offset: int) -> Piece:
        sections = tuple(self._documents.store.sections(document.id, max(0, offset - AROUND), offset + AROUND))
        if not sections:
            return Piece(0, 0, 0)
        return Piece(sections[0].start, sections[-1].end, max(document.characters, sections[-1].end), sections)

    # ---- what can be done with it

    @Slot(str)
    def copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        said = Phrase("The passage was copied with its source.", "已复制段落及出处。")
        self._board.post(Notice(said, tone="success", key="copied"))

    @Slot(object)
    def open_outside(self, document: Document) -> None:
        """In the system's program, when the person has said so; never what could run (SEC-42)."""
        path = Path(document.path)
        reveal = NoticeButton(Phrase("Show in its folder", "在文件夹中显示"), lambda: self.reveal(document))
        if not links.may_open(path):
            refused = Phrase(
                f"{path.name} is not opened from here: a file of its kind could run something.",
                f"未从这里打开 {path.name}：此类文件可能会运行程序。",
            )
            self._board.post(Notice(refused, str(path), "warning", (reveal,), key="outside"))
            return
        question = Phrase(f"Open {path.name} in its own program?", f"用默认程序打开 {path.name}？")
        go = NoticeButton(Phrase("Open", "打开"), lambda: self._open_file(path))
        self._board.post(Notice(question, str(path), "info", (go, reveal), key="outside"))

    @Slot(object)
    def reveal(self, document: Document) -> None:
        folder = Path(document.path).parent
        if not links.may_show(folder):
            gone = Phrase("The folder is no longer there.", "文件夹已不存在。")
            self._board.post(Notice(gone, str(folder), "warning", key="outside"))
            return
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _open_file(self, path: Path) -> None:
        if links.may_open(path):  # still
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.resolve())))


def _mark_of(hit: Hit) -> Mark:
    passage = hit.passage
    return Mark(passage.start, passage.end, passage.page, passage.label, passage.text)


def state_of(document: Document) -> File:
    """Is the file that was read still there, and the same? Reads it if only its time is another."""
    if not document.path:
        return "none"
    path = Path(document.path)
    try:
        found = path.stat()
        if found.st_size != document.size:
            return "changed"
        if abs(found.st_mtime - document.modified) <= _SOON or not document.digest:
            return "there"
        if found.st_size > _HASHED:
            return "changed"
        return "there" if _digest(path) == document.digest else "changed"
    except OSError:
        return "gone"


def _digest(path: Path) -> str:
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            whole.update(block)
    return whole.hexdigest()
