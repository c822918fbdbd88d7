"""One of a few, side by side."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton

from app import parts


class Segments(QFrame):
    """`chosen` only when a person chose another one. Tab reaches the one in force, the arrows the others."""

    chosen = Signal(str)

    def __init__(self, names: Sequence[str], *, tabs: bool = False) -> None:
        """`tabs`: they choose what is seen below them."""
        super().__init__()
        self.setProperty("surface", "none" if tabs else "segments")
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        for name in names:
            button = QToolButton()
            button.setProperty("kind", "tab" if tabs else "segment")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, name=name: self.chosen.emit(name))
            self._group.addButton(button)
            self.buttons[name] = button
        self.setLayout(parts.row(*self.buttons.values(), space=2, margin=0 if tabs else 2))
        self.choose(names[0])

    def name(self, words: Mapping[str, str], of: str = "") -> None:
        """`of`: what is chosen here, for who cannot see it."""
        for name, button in self.buttons.items():
            button.setText(words[name])
            button.setAccessibleName(f"{of}: {words[name]}" if of else words[name])

    @property
    def current(self) -> str:
        return next(name for name, button in self.buttons.items() if button.isChecked())

    def choose(self, name: str) -> None:
        self.buttons[name].setChecked(True)
