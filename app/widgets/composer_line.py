"""One quiet line above the composer that says what is to be known before the question is sent, and what can be done."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QWidget

from app import icons, parts
from app.notices import Tone
from app.theme import SPACE, px

_ICONS = {"info": "info", "success": "circle-check", "warning": "triangle-alert", "danger": "circle-alert"}
Button = tuple[str, Callable[[], object]]


class ComposerLine(QFrame):
    """Takes no room while there is nothing to say. `dismissed`: where it can be closed."""

    def __init__(self, dismissed: Callable[[], object] | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "info")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._said: tuple[str, str] = ("", "")
        self._words = parts.label(role="caption", wrap=True)
        self._button: QPushButton | None = None
        self._pressed: Callable[[], object] = lambda: None
        self._close = parts.icon_button("x", size=14)
        self._picture = parts.label()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        layout = parts.row(self._picture, self._words, self._close, margin=(SPACE.m, SPACE.xs, SPACE.s, SPACE.xs))
        layout.setStretch(1, 1)
        self._row = layout
        self.setLayout(layout)
        self._close.setVisible(dismissed is not None)  # in its place: else it is a window of its own
        if dismissed is not None:
            self._close.clicked.connect(dismissed)
        self.hide()

    @property
    def text(self) -> str:
        return self._said[0]

    def name_close(self, name: str) -> None:
        parts.name_button(self._close, name)

    def say(self, words: str, tone: Tone = "info", button: Button | None = None) -> None:
        self.setVisible(bool(words))
        if button is not None:
            if self._button is None:
                self._button = parts.button(kind="link")
                self._button.clicked.connect(lambda: self._pressed())
                self._row.insertWidget(2, self._button)
            self._button.setText(button[0])
            self._pressed = button[1]
        if self._button is not None:
            self._button.setVisible(button is not None)
        if (words, tone) == self._said:
            return
        self._said = (words, tone)
        self._words.setText(words)
        self.setAccessibleName(words)
        parts.set_look(self, surface=tone)
        side = px(15)
        self._picture.setPixmap(icons.icon(_ICONS[tone], "accent" if tone == "info" else tone).pixmap(side, side))
