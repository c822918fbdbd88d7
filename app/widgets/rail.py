"""The outer edge of the window: where one can go."""

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from app import icons, parts, theme
from app.language import Retranslated
from app.theme import SPACE, px


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    icon: str
    bottom: bool = False


PLACES = (
    Place("chat", "message-circle"),
    Place("documents", "library"),
    Place("search", "search"),
    Place("models", "package"),
    Place("api", "plug"),
    Place("monitor", "gauge"),
    Place("settings", "settings", bottom=True),
    Place("about", "info", bottom=True),
)

_BESIDE = 14  # padding and frame of a button
_LOW = 560  # below this height the mark goes, and the places move together
_LOWER = 530  # below this one they are pictures
_BELONGS = {"first_run": "models", "doctor": "monitor", "connections": "monitor"}


class Rail(Retranslated, QFrame):
    page_requested = Signal(str)
    offline_pressed = Signal()

    def __init__(self, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "rail")
        self._buttons: dict[str, QToolButton] = {}
        self._shown = "chat"
        self._offline = self._button("cloud-off", "warning")
        self._offline.clicked.connect(self.offline_pressed)
        self._offline.hide()
        self._mark = QLabel()
        self._mark.setPixmap(QGuiApplication.windowIcon().pixmap(QSize(32, 32), self.devicePixelRatioF()))
        self._mark.setContentsMargins(0, 0, 0, SPACE.s)
        self._mark.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column = self._column = parts.column(self._mark, space=SPACE.xs, margin=(SPACE.s, SPACE.m, SPACE.s, SPACE.s))
        for place in (*(p for p in PLACES if not p.bottom), None, *(p for p in PLACES if p.bottom)):
            if place is None:
                column.addStretch(1)
                column.addWidget(self._offline)
                continue
            button = self._button(place.icon)
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, name=place.name: self._on_clicked(name))
            self._buttons[place.name] = button
            column.addWidget(button)
        self._more = self._button("menu")
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._more.setMenu(menu)
        column.addWidget(self._more)
        self.setLayout(column)
        self.retranslate()

    @staticmethod
    def _button(icon: str, tone: str = "muted") -> QToolButton:
        button = QToolButton()
        button.setProperty("kind", "rail")
        button.setIcon(icons.icon(icon, tone, chosen_tone="accent"))
        button.setIconSize(QSize(px(20), px(20)))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        low = self.height() < px(_LOW)
        self._mark.setVisible(not low)
        self._column.setSpacing(0 if low else SPACE.xs)
        style = Qt.ToolButtonStyle.ToolButtonTextUnderIcon
        if self.height() < px(_LOWER):
            style = Qt.ToolButtonStyle.ToolButtonIconOnly
        for button in (*self._buttons.values(), self._offline, self._more):
            button.setToolButtonStyle(style)

    def show_offline(self, offline: bool) -> None:
        """The mark of it; pressed, it asks where that can be changed."""
        self._offline.setVisible(offline)

    def show_page(self, name: str) -> None:
        """Mark where we are; a page without a place here belongs to another, or to the one it was opened from."""
        self._shown = name if name in self._buttons else _BELONGS.get(name, self._shown)
        for place, button in self._buttons.items():  # no QButtonGroup: Tab is to reach every one
            button.setChecked(place == self._shown)

    def _on_clicked(self, name: str) -> None:
        self.show_page(self._shown)  # until we are there
        self.page_requested.emit(name)

    def retranslate(self) -> None:
        names = {
            "chat": self.tr("Chat"),
            "documents": self.tr("Documents"),
            "search": self.tr("Search"),
            "models": self.tr("Models"),
            "api": self.tr("API"),
            "monitor": self.tr("Monitor"),
            "settings": self.tr("Settings"),
            "about": self.tr("About"),
        }
        offline = self.tr("Offline")
        self._offline.setText(offline)
        parts.name_button(self._offline, self.tr("Offline: nothing leaves this computer"))
        for place, button in self._buttons.items():
            button.setText(names[place])
            parts.name_button(button, names[place])
        bold = QFontMetrics(_bold())
        widest = max(bold.horizontalAdvance(name) for name in (*names.values(), offline))
        self.setFixedWidth(max(88, px(72) + SPACE.l, widest + 2 * SPACE.s + _BESIDE))
        self._more.setText(self.tr("Menu"))
        parts.name_button(self._more, self.tr("Menu"))


def _bold() -> QFont:
    """Of the place where one is."""
    font = theme.current().type.font("caption")
    font.setWeight(QFont.Weight.DemiBold)
    return font
