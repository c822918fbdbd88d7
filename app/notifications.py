"""A word to somebody who looks elsewhere: by the tray, else by the desktop's own notifications, else by the task bar.

The desktop's are reached over the session bus (the portal `org.freedesktop.portal.Notification`, version 1: its calls
need no unsigned numbers, which PySide cannot send). Nobody waits for its answer; without one nothing is lost.
"""

import sys
from typing import Any

from PySide6.QtCore import SLOT, QObject, Signal, Slot
from PySide6.QtDBus import QDBusConnection, QDBusMessage
from PySide6.QtWidgets import QApplication, QWidget

from app.tray import Tray

_DESKTOP, _PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
_PORTAL = "org.freedesktop.portal.Notification"
_OPEN = "app.open"
_CLICKED: Any = SLOT("on_action_invoked(QDBusMessage)")  # text, whatever the types of QtDBus say


class Notifications(QObject):
    """`clicked` brings the id of the chat of which something was said, `page_wanted` the name of the page. The bus is
    not looked for before there is something to say."""

    clicked = Signal(int)
    page_wanted = Signal(str)

    def __init__(self, window: QWidget, tray: Tray, bus: QDBusConnection | None = None) -> None:
        super().__init__(window)
        self._window, self._tray, self._bus = window, tray, bus
        self._listens = False
        self._last: int | str = 0  # what the tray said
        self._standing: set[str] = set()  # what can be taken back from the desktop
        tray.message_clicked.connect(lambda: self._tell_clicked(self._last))

    def close(self) -> None:
        """Nobody would say any more that it is over."""
        for name in [*self._standing]:
            self._take_from_desktop(name)

    def say(self, key: int | str, title: str, text: str, about: str = "") -> None:
        """`key`: the id of a chat, or the name of a page. `about`: by what it is taken back."""
        QApplication.alert(self._window)
        if self._tray.speaks:
            self._last = key
            self._tray.say(title, text)
        elif sys.platform not in ("win32", "darwin"):
            self._tell_desktop(_name(key, about), title, text)
            if about:
                self._standing.add(_name(key, about))

    def take_back(self, key: int | str, about: str, title: str, text: str) -> None:
        """What was said `about` this is over. A tray cannot take back what it said: there `title` and `text` tell that
        it is over, unless they are empty."""
        if (name := _name(key, about)) in self._standing:
            self._take_from_desktop(name)
        elif self._tray.speaks and title:
            self._last = key
            self._tray.say(title, text)

    def _take_from_desktop(self, name: str) -> None:
        self._standing.remove(name)
        if self._bus is not None:
            message = QDBusMessage.createMethodCall(_DESKTOP, _PATH, _PORTAL, "RemoveNotification")
            message.setArguments([name])
            self._bus.asyncCall(message)

    def _tell_desktop(self, name: str, title: str, text: str) -> None:
        bus = self._bus = self._bus or QDBusConnection.sessionBus()
        if not bus.isConnected():
            return
        if not self._listens:
            self._listens = bus.connect(_DESKTOP, _PATH, _PORTAL, "ActionInvoked", self, _CLICKED)
        message = QDBusMessage.createMethodCall(_DESKTOP, _PATH, _PORTAL, "AddNotification")
        message.setArguments([name, {"title": title, "body": text, "default-action": _OPEN}])
        bus.asyncCall(message)

    @Slot(QDBusMessage)
    def on_action_invoked(self, message: QDBusMessage) -> None:
        """Somebody clicked on one; the signal is for every program."""
        arguments = message.arguments()
        if len(arguments) < 2 or arguments[1] != _OPEN:
            return
        name, _, key = str(arguments[0]).partition("/")[0].partition("-")
        if name == "chat" and key.isdigit():
            self._tell_clicked(int(key))
        elif name == "page":
            self._tell_clicked(key)

    def _tell_clicked(self, key: int | str) -> None:
        if isinstance(key, int):
            self.clicked.emit(key)
        else:
            self.page_wanted.emit(key)


def _name(key: int | str, about: str) -> str:
    """By which the desktop knows it: "chat-7", "page-monitor/disk"."""
    name = f"chat-{key}" if isinstance(key, int) else f"page-{key}"
    return f"{name}/{about}" if about else name
