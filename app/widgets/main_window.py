"""The window: rail, notices, and one page at a time. It draws and emits; `wiring` says what happens."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QShowEvent,
)
from PySide6.QtWidgets import QFrame, QMainWindow, QStackedWidget, QWidget

from app import parts
from app.notice_turns import NoticeTurns
from app.notices import NoticeBoard
from app.tab_order import move_focus
from app.theme import SPACE
from app.widgets.actions import Actions
from app.widgets.drop import DropVeil
from app.widgets.rail import Rail

SMALLEST = (640, 400)  # a screen of 1280 x 800 at 200 %
USUAL = (1200, 800)


class MainWindow(QMainWindow):
    """Pages are known by name: chat, documents, search, viewer, models, api, monitor, first_run, settings, about.

    `notices` is for what concerns the whole window; a page may keep a board of its own. `foot` is a line below every
    page, no higher than what is put there.
    """

    page_changed = Signal(str)
    files_dropped = Signal(list)  # of Path
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.actions_ = Actions(self)
        self.rail = Rail(self.actions_.menu)
        self.notices = NoticeBoard(margin=(SPACE.xl, SPACE.m, SPACE.xl, 0))
        self._stack = QStackedWidget()
        self._pages: dict[str, QWidget] = {}
        self.stays: Callable[[], bool] = lambda: False  # whether closing only hides it
        self._wanted = ""  # a page that was asked for before it was there
        page = QFrame()
        page.setProperty("surface", "page")
        self.foot = parts.column(space=0)
        page.setLayout(parts.column(self.notices, self._stack, self.foot, space=0))
        self.notice_turns = NoticeTurns(self)
        self.notice_turns.add(self.notices)
        self.page_changed.connect(self.notice_turns.begin_anew)
        self._veil = DropVeil(page)
        whole = QWidget()
        layout = parts.row(self.rail, page, space=0)
        layout.setStretch(1, 1)
        whole.setLayout(layout)
        self.setCentralWidget(whole)
        self.setAcceptDrops(True)
        self.setMinimumSize(*SMALLEST)
        self._resize_to_screen()
        self.rail.page_requested.connect(self.show_page)

    def _resize_to_screen(self) -> None:
        screen = QGuiApplication.primaryScreen()
        room = screen.availableSize() if screen else None
        width, height = USUAL
        if room is not None:
            width, height = min(width, room.width()), min(height, room.height())
        self.resize(width, height)

    @property
    def page(self) -> str:
        current = self._stack.currentWidget()
        return next((name for name, widget in self._pages.items() if widget is current), "")

    def add_page(self, name: str, page: QWidget) -> None:
        self._pages[name] = page
        self._stack.addWidget(page)

    @Slot(str)
    def show_page(self, name: str) -> None:
        """Go there; to a page that is not there yet (the app is starting) with `show_wanted`."""
        if (page := self._pages.get(name)) is None:
            self._wanted = name
            self.rail.show_page(self.page)
            return
        self._wanted = ""
        before = self.page
        self._stack.setCurrentWidget(page)
        self.rail.show_page(name)
        if name != before:
            page.setFocus()  # the keys scroll it; without this the first button on it would take the focus
            self.page_changed.emit(name)

    def show_wanted(self) -> None:
        """All pages are there now."""
        if self._wanted:
            self.show_page(self._wanted)

    def to_front(self) -> None:
        """A second start of the app: this window is the one."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    def showEvent(self, event: QShowEvent) -> None:
        """When it comes up the keys are for what is on the page: without this the first place of the rail had them."""
        super().showEvent(event)
        if self.focusWidget() is None and (page := self._stack.currentWidget()) is not None:
            page.setFocus()

    def focusNextPrevChild(self, next: bool) -> bool:
        return move_focus(self, forwards=next)

    # ---- files dropped anywhere

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _files(event.mimeData()):
            event.acceptProposedAction()
            self._veil.lower_over(self.page)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._veil.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._veil.hide()
        if files := _files(event.mimeData()):
            event.acceptProposedAction()
            self.files_dropped.emit(files)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Files that are pasted where nothing else takes them are as good as dropped."""
        pasted = _files(QGuiApplication.clipboard().mimeData()) if event.matches(QKeySequence.StandardKey.Paste) else []
        if pasted:
            self.files_dropped.emit(pasted)
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closed.emit()
        if self.stays():
            event.ignore()
            self.hide()
        else:
            super().closeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.actions_.retranslate()
        super().changeEvent(event)


def _files(mime: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
