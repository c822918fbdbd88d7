"""The icon in the system tray, where the desktop has one: a quick question, the window, and whether the API is on.

Without a tray nothing is said and nothing is lost: all of it is in the window, too. A click on the icon brings the
window (on macOS it opens the menu, as everywhere there).
"""

import sys

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from app import icons, parts
from app.widgets.main_window import MainWindow


class Tray(QObject):
    window_requested = Signal()
    question_requested = Signal()
    chat_requested = Signal()
    quit_requested = Signal()
    message_clicked = Signal()

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._icon: QSystemTrayIcon | None = None
        self._api = 0  # its port; 0: it is off
        menu = self.menu = QMenu(window) if sys.platform == "darwin" else parts.menu(window)
        self._open = menu.addAction("", self.window_requested.emit)
        self._question = menu.addAction("", self.question_requested.emit)
        self._new = menu.addAction("", self.chat_requested.emit)
        menu.addSeparator()
        self._state = menu.addAction("")
        self._state.setEnabled(False)  # to be read
        menu.addSeparator()
        self._quit = menu.addAction("", self.quit_requested.emit)
        self.retranslate()

    @property
    def shown(self) -> bool:
        return self._icon is not None

    @property
    def speaks(self) -> bool:
        """A message of it would be seen."""
        return self._icon is not None and QSystemTrayIcon.supportsMessages()

    def show(self, wanted: bool) -> None:
        """Be there, or not; looked at again whenever it is asked for, as a desktop may get its tray late."""
        if self._icon is None and wanted and QSystemTrayIcon.isSystemTrayAvailable():
            self._icon = QSystemTrayIcon(icons.app_icon(), self)
            self._icon.setToolTip("DeskSeek")
            self._icon.setContextMenu(self.menu)
            self._icon.activated.connect(self._on_activated)
            self._icon.messageClicked.connect(self.message_clicked)
            self._icon.show()
        elif self._icon is not None and not wanted:
            self._icon.hide()
            self._icon.deleteLater()
            self._icon = None

    def say(self, title: str, text: str) -> None:
        if self._icon is not None:
            self._icon.showMessage(title, text, icons.app_icon())

    def show_api(self, port: int) -> None:
        """0: it is off."""
        self._api = port
        self.retranslate()

    def retranslate(self) -> None:
        self._open.setText(self.tr("Open DeskSeek"))
        self._question.setText(self.tr("Quick question"))
        self._new.setText(self.tr("New chat"))
        self._quit.setText(self.tr("Quit"))
        self._state.setText(self.tr("API: on, port {0}").format(self._api) if self._api else self.tr("API: off"))

    @Slot(QSystemTrayIcon.ActivationReason)
    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger and sys.platform != "darwin":
            self.window_requested.emit()
