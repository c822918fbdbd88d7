"""‹ 2/3 ›: which of the messages that stand at one place of the tree is shown."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app import parts
from app.language import Retranslated
from app.lists.messages import MessageRow


class Variants(Retranslated, QWidget):
    """Not there while there is only one."""

    requested = Signal(int)  # -1 the one before, 1 the next

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row = MessageRow(0, "assistant")
        self._before = parts.icon_button("chevron-left", size=16)
        self._next = parts.icon_button("chevron-right", size=16)
        self._place = parts.label(role="caption", tone="muted")
        self._before.clicked.connect(lambda: self.requested.emit(-1))
        self._next.clicked.connect(lambda: self.requested.emit(1))
        self.setLayout(parts.row(self._before, self._place, self._next, space=2))
        self.retranslate()

    def show_row(self, row: MessageRow) -> None:
        self._row = row
        self.setVisible(row.siblings > 1)
        self._before.setEnabled(row.position > 1)
        self._next.setEnabled(row.position < row.siblings)
        self.retranslate()

    def retranslate(self) -> None:
        answer = self._row.role == "assistant"
        parts.name_button(self._before, self.tr("Earlier answer") if answer else self.tr("Earlier version"))
        parts.name_button(self._next, self.tr("Later answer") if answer else self.tr("Later version"))
        self._place.setText(f"{self._row.position}/{self._row.siblings}")
