"""Files dropped onto a page, or onto the window: it lights up while they are held over it."""

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from app import parts
from app.language import Retranslated
from app.theme import SPACE


class ModelDrop(Retranslated, QFrame):
    """Lies over `page`, seen only while a .gguf or a folder is held over it. Everything else is left to the window.

    What is dragged over a scroll area comes to its viewport.
    """

    dropped = Signal(str)  # path

    def __init__(self, page: QAbstractScrollArea) -> None:
        super().__init__(page)
        self.setProperty("surface", "drop")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._page = page
        self._words = parts.label(role="heading")
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setLayout(parts.column(self._words))
        self.hide()
        page.setAcceptDrops(True)
        self._viewport = page.viewport()  # kept: it is asked for no more while the page is being taken down
        self._viewport.installEventFilter(self)
        self.retranslate()

    def retranslate(self) -> None:
        self._words.setText(self.tr("Drop models here"))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._viewport:
            match event.type():
                case QEvent.Type.DragEnter if isinstance(event, QDragEnterEvent):
                    return self._enter(event)
                case QEvent.Type.DragMove if isinstance(event, QDragMoveEvent):
                    return self._enter(event)
                case QEvent.Type.DragLeave:
                    self.hide()
                case QEvent.Type.Drop if isinstance(event, QDropEvent):
                    return self._drop(event)
                case QEvent.Type.Resize:
                    self._cover()
        return super().eventFilter(watched, event)

    def _enter(self, event: QDragMoveEvent) -> bool:
        if not models_in(event.mimeData()):
            return False
        event.acceptProposedAction()
        if self.isHidden():
            self._cover()
            self.show()
            self.raise_()
        return True

    def _drop(self, event: QDropEvent) -> bool:
        self.hide()
        if not (paths := models_in(event.mimeData())):
            return False
        event.acceptProposedAction()
        for path in paths:
            self.dropped.emit(path)
        return True

    def _cover(self) -> None:
        self.setGeometry(self._page.rect().adjusted(SPACE.s, SPACE.s, -SPACE.s, -SPACE.s))


class DropVeil(Retranslated, QFrame):
    """Lies over all pages while files are held over the window, and says where they will go."""

    def __init__(self, page: QWidget) -> None:
        super().__init__(page)
        self.setProperty("surface", "drop")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._over = page
        self._chat = False
        self._words = parts.label(role="heading", wrap=True)
        self._more = parts.label(wrap=True)
        for label in (self._words, self._more):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setLayout(parts.column(None, self._words, self._more, None, space=SPACE.s, margin=SPACE.xl))
        self.hide()
        self.retranslate()

    def retranslate(self) -> None:
        here, all_ = self.tr("Drop files for this conversation only"), self.tr("Drop documents here")
        self._words.setText(here if self._chat else all_)
        library = self.tr("For all conversations, drop them on the page Documents.")
        self._more.setText(library if self._chat else self.tr("They are read on this computer and can be searched."))

    def lower_over(self, page: str) -> None:
        self._chat = page == "chat"
        self.retranslate()
        self.setGeometry(self._over.rect().adjusted(SPACE.s, SPACE.s, -SPACE.s, -SPACE.s))
        self.show()
        self.raise_()


def models_in(mime: QMimeData) -> list[str]:
    """The GGUF files and the folders among what is dragged."""
    files = (url.toLocalFile() for url in mime.urls() if url.isLocalFile())
    return [file for file in files if file.lower().endswith(".gguf") or Path(file).is_dir()]
