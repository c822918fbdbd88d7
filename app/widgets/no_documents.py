"""A list of documents without rows: why, and what to press next."""

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import parts
from app.language import Retranslated, say
from app.library import Library
from app.theme import SPACE, px
from app.widgets.working import WorkingRow

Why = Literal["opening", "failed", "none", "collection", "filter"]


class NoDocuments(Retranslated, QWidget):
    """Before there are any: where to drop them."""

    files_requested = Signal()
    folder_requested = Signal()
    all_requested = Signal()
    again_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._library = Library()
        self._title = parts.label(role="heading", wrap=True)
        self._text = parts.label(tone="muted", wrap=True)
        for label in (self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._picture = parts.picture("file-text", "accent", 32)
        self._files = parts.button(kind="primary", icon="plus")
        self._folder = parts.button(kind="secondary", icon="folder-plus")
        self._all = parts.button(kind="secondary")
        self._again = parts.button(kind="primary", icon="rotate-cw")
        self._files.clicked.connect(self.files_requested)
        self._folder.clicked.connect(self.folder_requested)
        self._all.clicked.connect(self.all_requested)
        self._again.clicked.connect(self.again_requested)
        self._working = WorkingRow()
        self._zone = parts.surface("zone")
        buttons = parts.row(None, self._files, self._folder, self._all, self._again, None)
        inside = parts.column(
            parts.row(None, self._picture, None),
            self._title,
            self._text,
            buttons,
            self._working,
            space=SPACE.m,
            margin=(SPACE.xl, SPACE.xl, SPACE.xl, SPACE.xl),
        )
        self._zone.setLayout(inside)
        self._zone.setMaximumWidth(px(560))
        self._zone.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        middle = parts.row(space=0)
        middle.addStretch(1)
        middle.addWidget(self._zone, 100)
        middle.addStretch(1)
        whole = parts.column(space=0)
        whole.addStretch(2)
        whole.addLayout(middle)
        whole.addStretch(3)
        self.setLayout(whole)
        self.retranslate()

    def retranslate(self) -> None:
        self._files.setText(self.tr("Add files"))
        self._folder.setText(self.tr("Add a folder"))
        self._all.setText(self.tr("Show all"))
        self._again.setText(self.tr("Try again"))
        self._draw()

    def show_library(self, library: Library) -> None:
        if library != self._library:
            self._library = library
            self._draw()

    @property
    def why(self) -> Why:
        library = self._library
        if library.state != "ready":
            return "opening" if library.state == "opening" else "failed"
        if library.query and library.whole:
            return "filter"
        return "collection" if library.chosen is not None and library.documents else "none"

    def _draw(self) -> None:
        why, library = self.why, self._library
        words = {
            "opening": ("", ""),
            "failed": (say(library.message), say(library.hint)),
            "none": (
                self.tr("Drop documents here"),
                self.tr(
                    "PDF, Word, PowerPoint, Excel, e-mail, web pages, books, notes and code. They are read on this "
                    "computer, and can be searched at once, without a model."
                ),
            ),
            "collection": (
                self.tr("Nothing is in this collection yet"),
                self.tr("Drop documents here, or choose files or a folder of them."),
            ),
            "filter": (self.tr("No document is called that"), self.tr("Looked for: %1").replace("%1", library.query)),
        }
        title, text = words[why]
        self._title.setText(title)
        self._text.setText(text)
        adds = why in ("none", "collection")
        self._title.setVisible(bool(title))
        self._text.setVisible(bool(text))
        self._picture.setVisible(adds)
        self._files.setVisible(adds)
        self._folder.setVisible(adds)
        self._all.setVisible(why == "filter")
        self._again.setVisible(why == "failed")
        parts.set_look(self._title, tone="danger" if why == "failed" else "")
        parts.set_look(self._zone, surface="zone" if adds else "none")
        self._working.setVisible(why == "opening")
        if why == "opening":
            self._working.show_work(self.tr("Opening the documents"))
