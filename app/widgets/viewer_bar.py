"""The bar of the viewer: where one is in the document, how large, and what can be done with the passage."""

from PySide6.QtCore import QLocale, Signal, Slot
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QLineEdit, QWidget

from app import parts
from app.language import Retranslated
from app.theme import SPACE, px


class ViewerBar(Retranslated, QWidget):
    page_requested = Signal(int)
    zoom_requested = Signal(int)  # 1 larger, -1 smaller, 0 as wide as the room
    mark_requested = Signal(int)  # 1 the next passage, -1 the one before
    text_toggled = Signal(bool)  # the stored text instead of the pages

    def __init__(self) -> None:
        super().__init__()
        self._page, self._pages, self._at, self._marks = 0, 0, 0, 0
        self._field = QLineEdit()
        self._field.setValidator(QIntValidator(1, 9_999_999, self))
        self._field.setFixedWidth(px(56))
        self._of = parts.label(role="caption", tone="muted")
        self._back = parts.icon_button("chevron-up", size=16)
        self._on = parts.icon_button("chevron-down", size=16)
        self._smaller = parts.icon_button("zoom-out", size=16)
        self._larger = parts.icon_button("zoom-in", size=16)
        self._wide = parts.icon_button("move-horizontal", size=16)
        self._before = parts.icon_button("chevron-left", size=16)
        self._next = parts.icon_button("chevron-right", size=16)
        self._match = parts.label(role="caption", tone="muted")
        self._text = parts.button(kind="quiet", icon="file-text")
        self._text.setCheckable(True)
        self._field.editingFinished.connect(self._on_edited)
        self._back.clicked.connect(lambda: self.page_requested.emit(self._page - 1))
        self._on.clicked.connect(lambda: self.page_requested.emit(self._page + 1))
        self._smaller.clicked.connect(lambda: self.zoom_requested.emit(-1))
        self._larger.clicked.connect(lambda: self.zoom_requested.emit(1))
        self._wide.clicked.connect(lambda: self.zoom_requested.emit(0))
        self._before.clicked.connect(lambda: self.mark_requested.emit(-1))
        self._next.clicked.connect(lambda: self.mark_requested.emit(1))
        self._text.toggled.connect(self._on_toggled)
        self._pages_part = QWidget()
        self._pages_part.setLayout(parts.row(self._back, self._field, self._of, self._on, space=SPACE.xs))
        self._marks_part = QWidget()
        self._marks_part.setLayout(parts.row(self._before, self._match, self._next, space=SPACE.xs))
        self.setLayout(
            parts.row(
                self._pages_part,
                self._marks_part,
                None,
                self._text,
                self._smaller,
                self._larger,
                self._wide,
                space=SPACE.xs,
            )
        )
        self.retranslate()

    def retranslate(self) -> None:
        self._field.setAccessibleName(self.tr("Page"))
        for button, name in (
            (self._back, self.tr("Page before")),
            (self._on, self.tr("Next page")),
            (self._smaller, self.tr("Smaller")),
            (self._larger, self.tr("Larger")),
            (self._wide, self.tr("As wide as the window")),
            (self._before, self.tr("Passage before")),
            (self._next, self.tr("Next passage")),
        ):
            parts.name_button(button, name)
        self._text.setText(self.tr("Text"))
        self._text.setAccessibleName(self.tr("The text that was read, instead of the pages"))
        self._draw()

    def show_place(self, page: int, pages: int) -> None:
        self._page, self._pages = page, pages
        self._draw()

    def show_marks(self, at: int, marks: int) -> None:
        self._at, self._marks = at, marks
        self._draw()

    def show_kind(self, *, pages_and_text: bool, text: bool) -> None:
        """`pages_and_text`: both can be seen. `text`: it is the text that is seen."""
        self._text.setVisible(pages_and_text)
        if self._text.isChecked() != text:
            self._text.blockSignals(True)
            self._text.setChecked(text)
            self._text.blockSignals(False)
        parts.set_look(self._text, tone="accent" if text else "muted")
        self._wide.setVisible(not text)

    def _draw(self) -> None:
        whole = QLocale().toString(self._pages)
        self._pages_part.setVisible(self._pages > 0)
        self._of.setText(self.tr("of %1").replace("%1", whole))
        if not self._field.hasFocus():
            self._field.setText(str(self._page) if self._page else "")
        self._back.setEnabled(self._page > 1)
        self._on.setEnabled(self._page < self._pages)
        self._marks_part.setVisible(self._marks > 1)
        words = self.tr("Passage %1 of %2").replace("%1", str(self._at + 1))
        self._match.setText(words.replace("%2", str(self._marks)))
        self._before.setEnabled(self._at > 0)
        self._next.setEnabled(self._at < self._marks - 1)

    @Slot()
    def _on_edited(self) -> None:
        if self._field.text() and int(self._field.text()) != self._page:
            self.page_requested.emit(min(int(self._field.text()), self._pages))

    @Slot(bool)
    def _on_toggled(self, text: bool) -> None:
        parts.set_look(self._text, tone="accent" if text else "muted")
        self.text_toggled.emit(text)
