"""What was deleted and can be put back: a line each, and the button that frees the disk."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app import figures, parts
from app.language import Retranslated
from app.theme import SPACE
from app.widgets.elided import ElidedLabel
from backends.models.types import Deleted as DeletedModel


class DeletedStrip(Retranslated, QWidget):
    """Takes no room while nothing was deleted."""

    put_back_requested = Signal(str)
    erase_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._deleted: tuple[DeletedModel, ...] = ()
        self._title = parts.label(role="heading")
        self._lead = parts.label(role="caption", tone="muted", wrap=True)
        self._erase = parts.button(kind="secondary", icon="trash-2")
        self._erase.clicked.connect(self.erase_requested)
        self._column = parts.column(space=SPACE.xs)
        head = parts.row(self._title, None, self._erase)
        self.setLayout(parts.column(head, self._lead, self._column, space=SPACE.s))
        self.hide()
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(self.tr("Deleted"))
        self._lead.setText(self.tr("Models that you deleted stay here for a day."))
        self._draw()

    def show_deleted(self, deleted: Sequence[DeletedModel]) -> None:
        if tuple(deleted) != self._deleted:
            self._deleted = tuple(deleted)
            self._draw()

    def _draw(self) -> None:
        parts.clear(self._column)
        self.setVisible(bool(self._deleted))
        size = figures.file_size(sum(one.size for one in self._deleted))
        self._erase.setText(self.tr("Free %1 now").replace("%1", size))
        self._erase.setVisible(any(one.size for one in self._deleted))
        for one in self._deleted:
            name = ElidedLabel()
            name.setText(one.name)
            facts = parts.label(figures.file_size(one.size) if one.size else "", role="caption", tone="muted")
            back = parts.button(self.tr("Put back"), kind="quiet", icon="undo-2")
            back.setAccessibleName(f"{back.text()}: {one.name}")
            back.clicked.connect(lambda _=False, key=one.key: self.put_back_requested.emit(key))
            self._column.addLayout(parts.row(name, facts, None, back))
