"""The app with a clock in it: `python -m tests.kit.first_paint NANOSECONDS`.

Runs `app.__main__.main` as a double click does and says on standard output, a JSON object a line, when its window was
painted first, in seconds since NANOSECONDS on the monotonic clock (the moment before the process was started). After
that it answers words on standard input: "count" begins to count timer events, "tell" says how many there were and
which timers are running, "close" closes the window.
"""

import json
import sys
import time

import app.__main__ as boot

IMPORTED = time.monotonic_ns()

from PySide6.QtCore import QEvent, QObject, QSocketNotifier, QTimer, Slot  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402


class Watched(boot.Application):
    """Looks for the first paint; when what was painted is on the screen, it stops looking and costs nothing more."""

    def __init__(self, argv: list[str]) -> None:
        super().__init__(argv)
        self._made = time.monotonic_ns()
        self._eye = _Eye(self)
        self.installEventFilter(self._eye)

    def painted(self) -> None:
        self.removeEventFilter(self._eye)
        began, shown = int(sys.argv[1]), time.monotonic_ns()
        moments = {"imported": IMPORTED, "application": self._made, "painted": shown}
        print(json.dumps({name: (moment - began) / 1e9 for name, moment in moments.items()}), flush=True)
        self._notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_word)

    @Slot()
    def _on_word(self) -> None:
        match sys.stdin.readline().strip():
            case "count":
                self._eye.timer_events.clear()
                self.installEventFilter(self._eye)
            case "tell":
                self.removeEventFilter(self._eye)
                running = [type(timer.parent()).__name__ for timer in self._all(QTimer) if timer.isActive()]
                print(json.dumps({"running": running, "events": self._eye.timer_events}), flush=True)
            case _:
                self._notifier.setEnabled(False)
                QApplication.closeAllWindows()

    def _all(self, kind: type[QTimer]) -> list[QTimer]:
        roots = [self, *QApplication.topLevelWidgets()]
        return [timer for root in roots for timer in root.findChildren(kind)]


class _Eye(QObject):
    def __init__(self, app: Watched) -> None:
        super().__init__(app)
        self._app = app
        self._painted = False
        self.timer_events: list[str] = []  # whose

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint and not self._painted:
            self._painted = True
            QTimer.singleShot(0, self._app.painted)  # comes when the whole window has been painted and flushed
        elif event.type() is QEvent.Type.Timer:
            self.timer_events.append(type(watched).__name__)
        return False


if __name__ == "__main__":
    boot.Application = Watched
    sys.exit(boot.main(["deskseek"]))
