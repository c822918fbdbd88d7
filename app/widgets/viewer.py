"""A document, standing on the page with the passage lit: pages of a PDF, the stored text of everything else.

`beside`: the viewer is a pane of another page (the results of a search); it has a button to become large instead of
one to go back.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QStackedLayout, QWidget

from app import document_words, parts
from app.language import Retranslated
from app.theme import SPACE
from app.viewing import Piece, Shown
from app.widgets.document_foot import PasswordField
from app.widgets.elided import ElidedLabel
from app.widgets.text_pane import TextPane
from app.widgets.viewer_bar import ViewerBar
from backends.documents.types import Document

if TYPE_CHECKING:
    from app.widgets.pdf_pane import PdfPane


class Viewer(Retranslated, QFrame):
    back_requested = Signal()
    large_requested = Signal(object)  # Shown
    outside_requested = Signal(object)  # Document
    reveal_requested = Signal(object)
    copy_requested = Signal(str)
    retry_requested = Signal(int)
    piece_wanted = Signal(object, object)  # Document, an offset of its text

    def __init__(self, *, beside: bool = False) -> None:
        super().__init__()
        self.setProperty("surface", "beside" if beside else "page")
        self._beside = beside
        self._shown: Shown | None = None
        self._as_text = False
        self._wants_mark = False  # the next piece is asked for because of the mark in it
        self._said = ""  # what is wrong: gone, changed, unlit, broken
        self._pdf: PdfPane | None = None
        self._back = parts.icon_button("arrow-left")
        self._title = ElidedLabel("strong")
        self._facts = ElidedLabel("caption", "muted")
        self._copy = parts.icon_button("quote")
        self._reveal = parts.icon_button("folder-open")
        self._outside = parts.icon_button("square-arrow-out-up-right")
        self._large = parts.icon_button("maximize")
        self.bar = ViewerBar()
        self._strip = parts.surface("warning")
        self._words = parts.label(wrap=True)
        self._again = parts.button(kind="secondary", icon="rotate-cw")
        self._see_text = parts.button(kind="secondary", icon="file-text")
        self.text = TextPane()
        self.password = PasswordField()
        self._unlock = parts.button(kind="primary")
        self._locked_words = parts.label(tone="muted", wrap=True)
        self._waiting = parts.label(tone="muted")
        self._build()
        self._connect()
        self.retranslate()

    def _build(self) -> None:
        titles = parts.column(self._title, self._facts, space=2)
        head = parts.row(self._back, titles, self._copy, self._reveal, self._outside, self._large, space=SPACE.xs)
        head.setStretch(1, 1)
        strip = parts.row(self._words, self._again, self._see_text, margin=(SPACE.l, SPACE.s, SPACE.s, SPACE.s))
        strip.setStretch(0, 1)
        self._strip.setLayout(strip)
        upper = QWidget()
        upper.setLayout(
            parts.column(head, self.bar, self._strip, space=SPACE.xs, margin=(SPACE.m, SPACE.m, SPACE.m, SPACE.s))
        )
        locked = QWidget()
        self.password.setMaximumWidth(280)
        field = parts.row(None, self.password, self._unlock, None)
        field.setStretch(1, 4)
        self._locked_words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        locked.setLayout(parts.column(None, self._locked_words, field, None, space=SPACE.m, margin=SPACE.xl))
        self._locked = locked
        waiting = QWidget()
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        waiting.setLayout(parts.column(self._waiting))
        middle = QWidget()
        self._middle = QStackedLayout(middle)
        for widget in (waiting, self.text, locked):
            self._middle.addWidget(widget)
        column = parts.column(upper, parts.line(), middle, space=0)
        column.setStretch(2, 1)
        self.setLayout(column)
        self._upper = upper
        self.setMinimumWidth(280)
        self._back.setVisible(not self._beside)
        self._large.setVisible(self._beside)

    def _connect(self) -> None:
        self._back.clicked.connect(self.back_requested)
        self._large.clicked.connect(lambda: self._give(self.large_requested, self._shown))
        self._outside.clicked.connect(lambda: self._give(self.outside_requested, self.document))
        self._reveal.clicked.connect(lambda: self._give(self.reveal_requested, self.document))
        self._copy.clicked.connect(self.copy_reference)
        self._again.clicked.connect(lambda: self._give(self.retry_requested, self.document and self.document.id))
        self._see_text.clicked.connect(lambda: self._show_as(text=True))
        self._unlock.clicked.connect(self.password.give)
        self.password.given.connect(self._on_password)
        self.bar.page_requested.connect(self._on_page_requested)
        self.bar.zoom_requested.connect(self._on_zoom)
        self.bar.mark_requested.connect(self._on_mark)
        self.bar.text_toggled.connect(lambda text: self._show_as(text=text))
        self.text.page_changed.connect(self._on_page_changed)
        self.text.more_wanted.connect(self._on_more_wanted)

    def retranslate(self) -> None:
        parts.name_button(self._back, self.tr("Back"))
        parts.name_button(self._copy, self.tr("Copy the passage with its source"))
        parts.name_button(self._reveal, self.tr("Show in its folder"))
        parts.name_button(self._outside, self.tr("Open in its own program"))
        parts.name_button(self._large, self.tr("Show large"))
        self._again.setText(self.tr("Read again"))
        self._see_text.setText(self.tr("Show the text"))
        self._unlock.setText(self.tr("Unlock"))
        self._locked_words.setText(self.tr("The pages are locked with a password. It is not kept."))
        self._waiting.setText(self.tr("Opening…"))
        self._draw()

    # ---- what is shown

    @property
    def shown(self) -> Shown | None:
        return self._shown

    @property
    def document(self) -> Document | None:
        return self._shown.document if self._shown else None

    @property
    def pdf(self) -> "PdfPane | None":
        """The pages, if they are what is seen."""
        return self._pdf if self._pdf is not None and self._middle.currentWidget() is self._pdf else None

    def show_document(self, shown: Shown) -> None:
        self._shown = shown
        self._as_text = False
        self._said = shown.file if shown.file in ("gone", "changed") else ""
        self._show_content()

    def show_piece(self, piece: Piece) -> None:
        """Another part of the same text, around what is read now; or the first one."""
        shown = self._shown
        if shown is None:
            return
        stand = shown.piece is None or self._wants_mark
        self._shown, self._wants_mark = replace(shown, piece=piece), False
        self._middle.setCurrentWidget(self.text)
        self.text.show_piece(shown.document.format, piece, shown.mark, keep=not stand)
        self._draw_place()

    def clear(self) -> None:
        self._shown = None
        if self._pdf is not None:
            self._pdf.close_file()
        self._middle.setCurrentIndex(0)
        self._draw()

    @property
    def _has_pages(self) -> bool:
        shown = self._shown
        return shown is not None and shown.document.format == "pdf" and shown.file in ("there", "changed")

    def _show_content(self, password: str = "") -> None:
        assert self._shown is not None
        if self._has_pages and not self._as_text:
            self._show_pages(password)
        else:
            self._show_text()
        self._draw()

    def _show_pages(self, password: str) -> None:
        shown = self._shown
        assert shown is not None
        if self._pdf is None:
            from app.widgets.pdf_pane import PdfPane  # QtPdf: not before somebody looks at a PDF

            self._pdf = PdfPane.in_widget(self)
            self._pdf.setAccessibleName(self.tr("Pages of the document"))
            self._pdf.page_changed.connect(self._on_page_changed)
            self._middle.addWidget(self._pdf)
        opened = self._pdf.open(shown.document.path, password)
        if opened == "broken":
            self._said = self._said or "broken"
            self._as_text = True
            self._show_text()
            return
        if opened == "locked":
            self._middle.setCurrentWidget(self._locked)
            return
        self._middle.setCurrentWidget(self._pdf)
        mark = shown.mark
        lit = self._pdf.light(mark.page if mark else 1, mark.text if mark else "")
        if mark is not None and mark.text and not lit and not self._said:
            self._said = "unlit"
        elif lit and self._said == "unlit":
            self._said = ""

    def _show_text(self) -> None:
        shown = self._shown
        assert shown is not None
        if shown.piece is None:
            self._middle.setCurrentIndex(0)
            self.piece_wanted.emit(shown.document, shown.mark.start if shown.mark else 0)
            return
        self._middle.setCurrentWidget(self.text)
        self.text.show_piece(shown.document.format, shown.piece, shown.mark)

    def _draw(self) -> None:
        shown = self._shown
        self._upper.setVisible(shown is not None)
        if shown is None:
            return
        document = shown.document
        self._title.setText(document_words.title_of(document))
        self._facts.setText(document_words.facts_of(document))
        self._facts.setVisible(bool(self._facts.text()))
        self._reveal.setVisible(shown.file in ("there", "changed"))
        self._outside.setVisible(shown.file in ("there", "changed"))
        self._copy.setVisible(shown.mark is not None)
        self._draw_strip()
        self._draw_place()
        self.bar.show_marks(shown.at, len(shown.marks))

    def _draw_strip(self) -> None:
        words = {
            "gone": self.tr("The file is no longer there. This is the text that was read from it."),
            "changed": self.tr("The file has changed since it was read: the passage may stand elsewhere now."),
            "unlit": self.tr("The passage cannot be marked on this page. It is marked in the text that was read."),
            "broken": self.tr("The pages cannot be shown. This is the text that was read from them."),
        }
        self._words.setText(words.get(self._said, ""))
        self._again.setVisible(self._said == "changed")
        self._see_text.setVisible(self._said == "unlit" and not self._as_text)
        self._strip.setVisible(bool(self._said) and not (self._said == "unlit" and self._as_text))

    def _draw_place(self) -> None:
        shown = self._shown
        if shown is None:
            return
        text = self._middle.currentWidget() is not self._pdf or self._pdf is None
        page = self.text.page if text or self._pdf is None else self._pdf.page
        pages = shown.document.pages if text or self._pdf is None else self._pdf.pages
        locked = self._middle.currentWidget() is self._locked
        self.bar.show_place(page, 0 if locked else pages)
        self.bar.show_kind(pages_and_text=self._has_pages and self._said != "broken", text=text and not locked)

    def _show_as(self, *, text: bool) -> None:
        if self._shown is not None and self._as_text != text:
            self._as_text = text
            self._show_content()

    # ---- what a person does

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not self._beside:
            self.back_requested.emit()
        elif event.matches(QKeySequence.StandardKey.FindNext):
            self._on_mark(1)
        elif event.matches(QKeySequence.StandardKey.FindPrevious):
            self._on_mark(-1)
        elif event.matches(QKeySequence.StandardKey.ZoomIn):
            self._on_zoom(1)
        elif event.matches(QKeySequence.StandardKey.ZoomOut):
            self._on_zoom(-1)
        else:
            super().keyPressEvent(event)

    @Slot()
    def copy_reference(self) -> None:
        """The selected text, else the passage, as a quote with its source."""
        if self._shown is None or (mark := self._shown.mark) is None:
            return
        chosen = self.text.textCursor().selectedText().replace("\u2029", "\n") if self.pdf is None else ""
        quote = chosen.strip() or mark.text
        self.copy_requested.emit(document_words.reference(self._shown.document, mark.page, mark.label, quote))

    @Slot(int)
    def _on_page_requested(self, page: int) -> None:
        if self.pdf is not None:
            self.pdf.show_page(page)
        else:
            self.text.go_to_page(page)
        self._draw_place()

    @Slot(int)
    def _on_page_changed(self, page: int) -> None:
        self._draw_place()

    @Slot(int)
    def _on_zoom(self, way: int) -> None:
        if self.pdf is None:
            self.text.zoom_by(way)
        elif way:
            self.pdf.zoom_by(1.2**way)
        else:
            self.pdf.fit_width()

    @Slot(int)
    def _on_mark(self, step: int) -> None:
        """The next or the former passage that was found in this document."""
        shown = self._shown
        if shown is None or not 0 <= shown.at + step < len(shown.marks):
            return
        self._shown = shown = replace(shown, at=shown.at + step)
        mark = shown.mark
        assert mark is not None
        if self.pdf is not None:
            self._said = "" if self._said == "unlit" else self._said
            if not self.pdf.light(mark.page, mark.text) and not self._said:
                self._said = "unlit"
        elif not self.text.show_mark(mark):
            self._wants_mark = True
            self.piece_wanted.emit(shown.document, mark.start)
        self._draw()

    @Slot(object)
    def _on_more_wanted(self, offset: int) -> None:
        if self._shown is not None:
            self.piece_wanted.emit(self._shown.document, offset)

    @Slot(str)
    def _on_password(self, password: str) -> None:
        if self._shown is not None:
            self._show_content(password)
            if self._middle.currentWidget() is self._locked:
                self._locked_words.setText(self.tr("That is not the password of these pages."))

    @staticmethod
    def _give(signal: object, what: object) -> None:
        if what is not None:
            signal.emit(what)  # type: ignore[attr-defined]
