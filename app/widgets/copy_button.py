"""A button that copies a text, and says that it did."""

from PySide6.QtCore import QTimer, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app import icons, parts
from app.language import Retranslated
from app.theme import SPACE

COPIED_MS = 1600


class CopyButton(Retranslated, QWidget):
    """`kind` "quiet": only a picture; else with words. `name`: what a screen reader says."""

    def __init__(self, kind: str = "quiet") -> None:
        super().__init__()
        self._text = self._name = ""
        self._words = kind != "quiet"
        self.button = parts.button(kind=kind, icon="copy") if self._words else parts.icon_button("copy", size=16)
        self.button.clicked.connect(self.copy)
        self.setFocusProxy(self.button)
        self._copied = QTimer(self)
        self._copied.setSingleShot(True)
        self._copied.setInterval(COPIED_MS)
        self._copied.timeout.connect(self.retranslate)
        self.setLayout(parts.row(self.button, space=SPACE.xs))
        self.retranslate()

    def name(self, name: str) -> None:
        self._name = name
        self.retranslate()

    def show_text(self, text: str) -> None:
        """What is copied."""
        self._text = text

    @Slot()
    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)
        self._copied.start()
        self.retranslate()

    def retranslate(self) -> None:
        done = self._copied.isActive()
        words = self.tr("Copied") if done else self.tr("Copy")
        tone = "on_accent" if self.button.property("kind") == "primary" else "success" if done else "muted"
        self.button.setIcon(icons.icon("check" if done else "copy", tone))
        if self._words:
            self.button.setText(words)
        self.button.setToolTip(parts.tip(words if done else self._name))
        self.button.setAccessibleName(words if done else self._name)
