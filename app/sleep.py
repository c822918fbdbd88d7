"""When the machine goes to sleep, and when it is back.

    sleep.going_to_sleep.connect(…)      # stop what computes, then call `sleep.stopped()`
    sleep.woken.connect(…)
    sleep.watch()

Who tells: on Linux systemd-logind, over the system bus (`PrepareForSleep`; a delay lock gives us the time to stop, five
seconds by default); on Windows `WM_POWERBROADCAST`; on macOS IOKit (`IORegisterForSystemPower`), whose messages the
main loop brings. Where nobody tells (no such bus, another system) nothing is said, and a graphics driver has to put up
with work that is interrupted.
"""

import ctypes
import ctypes.util
import logging
import sys
from collections.abc import Callable
from typing import Any, Protocol

from PySide6.QtCore import SLOT, QAbstractNativeEventFilter, QByteArray, QCoreApplication, QObject, Signal, Slot
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher

log = logging.getLogger(__name__)

_LOGIND = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
_TOLD: Any = SLOT("on_prepare_for_sleep(bool)")  # text, whatever the types of QtDBus say
_WM_POWERBROADCAST = 0x218
_SUSPEND, _RESUMED = {0x4}, {0x7, 0x12}  # PBT_APMSUSPEND; PBT_APMRESUMESUSPEND, PBT_APMRESUMEAUTOMATIC
_CAN_SLEEP, _WILL_SLEEP, _HAS_WOKEN = 0xE0000270, 0xE0000280, 0xE0000300  # IOMessage.h: kIOMessage…


class Teller(Protocol):
    """Who knows about sleep on this system."""

    def stopped(self) -> None:
        """What had to stop has stopped."""
        ...

    def close(self) -> None: ...


class Sleep(QObject):
    """Each signal comes once, however often the system says so."""

    going_to_sleep = Signal()
    woken = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asleep = False
        self._teller: Teller | None = None

    def watch(self, bus: QDBusConnection | None = None) -> None:
        """`bus`: where logind is looked for, the system's by default."""
        if sys.platform == "win32":
            self._teller = PowerEvents(self.tell)
        elif sys.platform == "darwin":
            self._teller = SystemPower.registered(self.tell)
        elif (bus := bus or QDBusConnection.systemBus()).isConnected():
            self._teller = Logind(bus, self.tell, self)

    @Slot(bool)
    def tell(self, asleep: bool) -> None:
        """The machine goes to sleep (True), or is awake."""
        if asleep != self._asleep:
            self._asleep = asleep
            (self.going_to_sleep if asleep else self.woken).emit()

    def stopped(self) -> None:
        """The machine need not wait for us."""
        if self._teller is not None:
            self._teller.stopped()

    def close(self) -> None:
        if self._teller is not None:
            self._teller.close()
            self._teller = None


class Logind(QObject):
    """Linux. The lock is a file that logind has open with us; to close it is to give it back."""

    def __init__(self, bus: QDBusConnection, tell: Callable[[bool], None], parent: QObject) -> None:
        super().__init__(parent)
        self._bus, self._tell = bus, tell
        self._lock: QDBusMessage | None = None
        self._asked: QDBusPendingCallWatcher | None = None
        if not self._bus.connect(*_LOGIND, "PrepareForSleep", self, _TOLD):
            log.info("nobody tells when this machine goes to sleep")
        self._ask_for_lock()

    @Slot(bool)
    def on_prepare_for_sleep(self, asleep: bool) -> None:
        self._tell(asleep)
        if not asleep:
            self._ask_for_lock()

    def stopped(self) -> None:
        self._lock = None

    def close(self) -> None:
        self._bus.disconnect(*_LOGIND, "PrepareForSleep", self, _TOLD)
        self._lock = self._asked = None

    def _ask_for_lock(self) -> None:
        call = QDBusMessage.createMethodCall(*_LOGIND, "Inhibit")
        call.setArguments(["sleep", "DeskSeek", "An answer is stopped between two words", "delay"])
        self._asked = QDBusPendingCallWatcher(self._bus.asyncCall(call), self)
        self._asked.finished.connect(self._on_lock)

    @Slot()
    def _on_lock(self) -> None:
        if self._asked is None:
            return
        reply = self._asked.reply()
        self._asked.deleteLater()
        self._asked = None
        if reply.type() == QDBusMessage.MessageType.ReplyMessage:
            self._lock = reply
        else:
            log.info("the machine may go to sleep at once: %s", reply.errorMessage())


class PowerEvents(QAbstractNativeEventFilter):
    """Windows sends it to every window, and waits for the answer before it sleeps."""

    def __init__(self, tell: Callable[[bool], None]) -> None:
        super().__init__()
        self._tell = tell
        if app := QCoreApplication.instance():
            app.installNativeEventFilter(self)

    def nativeEventFilter(self, event_type: QByteArray | bytes | bytearray | memoryview, message: int) -> object:
        if sys.platform == "win32" and bytes(event_type) == b"windows_generic_MSG":
            from ctypes import wintypes

            told = wintypes.MSG.from_address(int(message))
            self.take(told.message, told.wParam)
        return False, 0

    def take(self, message: int, what: int) -> None:
        """One message of Windows, with its wParam."""
        if message == _WM_POWERBROADCAST and what in _SUSPEND | _RESUMED:
            self._tell(what in _SUSPEND)

    def stopped(self) -> None:
        """Windows goes on when `nativeEventFilter` returns."""

    def close(self) -> None:
        if app := QCoreApplication.instance():
            app.removeNativeEventFilter(self)


class SystemPower:
    """macOS: IOKit asks before it sleeps and waits, up to 30 seconds, until everybody agrees. `allow`:
    IOAllowPowerChange for the notification that waits. Not run: written after Apple's QA1340."""

    def __init__(self, tell: Callable[[bool], None], allow: Callable[[int], None], forget: Callable[[], None]) -> None:
        self._tell, self._allow, self._forget = tell, allow, forget
        self._waiting: int | None = None

    def take(self, message: int, notification: int) -> None:
        """One message of IOKit, on the main thread."""
        if message == _CAN_SLEEP:
            self._allow(notification)
        elif message == _WILL_SLEEP:
            self._waiting = notification
            self._tell(True)
        elif message == _HAS_WOKEN:
            self._tell(False)

    def stopped(self) -> None:
        if self._waiting is not None:
            self._allow(self._waiting)
            self._waiting = None

    def close(self) -> None:
        self.stopped()
        self._forget()

    @classmethod
    def registered(cls, tell: Callable[[bool], None]) -> "SystemPower | None":
        """Told by the main loop from now on; None if IOKit refuses."""
        io, core = (_framework(name) for name in ("IOKit", "CoreFoundation"))
        pointer, number = ctypes.c_void_p, ctypes.c_uint32
        io.IORegisterForSystemPower.restype = number
        io.IORegisterForSystemPower.argtypes = [pointer, pointer, pointer, pointer]
        io.IONotificationPortGetRunLoopSource.restype = pointer
        io.IONotificationPortGetRunLoopSource.argtypes = [pointer]
        io.IOAllowPowerChange.argtypes = [number, ctypes.c_long]
        io.IODeregisterForSystemPower.argtypes = [pointer]
        core.CFRunLoopGetMain.restype = pointer
        core.CFRunLoopAddSource.argtypes = [pointer, pointer, pointer]
        port, notifier = pointer(), number()
        made: list[SystemPower] = []

        def received(_: Any, __: int, message: int, notification: int | None) -> None:
            made[0].take(message, notification or 0)

        callback = ctypes.CFUNCTYPE(None, pointer, number, number, pointer)(received)
        root = io.IORegisterForSystemPower(None, ctypes.byref(port), callback, ctypes.byref(notifier))
        if not root:
            log.info("nobody tells when this machine goes to sleep")
            return None

        def forget() -> None:
            io.IODeregisterForSystemPower(ctypes.byref(notifier))
            kept.clear()

        kept: list[object] = [callback]  # as long as C may call it
        made.append(cls(tell, lambda notification: io.IOAllowPowerChange(root, notification), forget))
        modes = pointer.in_dll(core, "kCFRunLoopCommonModes")
        core.CFRunLoopAddSource(core.CFRunLoopGetMain(), io.IONotificationPortGetRunLoopSource(port), modes)
        return made[0]


def _framework(name: str) -> ctypes.CDLL:
    return ctypes.CDLL(ctypes.util.find_library(name) or f"/System/Library/Frameworks/{name}.framework/{name}")
