"""What the recommendation looks at first: a row of choices, of which one is in force."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QToolButton, QWidget

from app import parts
from app.language import Retranslated
from app.theme import SPACE
from backends.models.types import USES, Use


class Uses(Retranslated, QWidget):
    """`use_chosen` only when a person chose another one."""

    use_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._words = parts.label(role="caption", tone="muted")
        self._group = QButtonGroup(self)
        self.buttons: dict[Use, QToolButton] = {}
        for use in USES:
            button = QToolButton()
            button.setProperty("kind", "segment")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, use=use: self.use_chosen.emit(use))
            self._group.addButton(button)
            self.buttons[use] = button
        segments = parts.surface("segments")
        segments.setLayout(parts.row(*self.buttons.values(), space=2, margin=2))
        self.setLayout(parts.row(self._words, segments, None, space=SPACE.s))
        self.retranslate()

    def retranslate(self) -> None:
        self._words.setText(self.tr("Mostly for"))
        names: dict[Use, str] = {
            "chat": self.tr("Chat"),
            "documents": self.tr("Long documents"),
            "code": self.tr("Code"),
            "maths": self.tr("Maths"),
        }
        for use, button in self.buttons.items():
            button.setText(names[use])
            button.setAccessibleName(f"{self._words.text()}: {names[use]}")

    def show_use(self, use: Use) -> None:
        self.buttons[use].setChecked(True)
