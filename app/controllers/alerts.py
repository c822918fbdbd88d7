"""Thresholds that were passed: a notice in the window, a word to somebody who looks elsewhere, and both gone when it is
well again."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.bridge import Doorbell
from app.language import say
from app.notices import Notice, NoticeBoard, NoticeButton
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.monitor.types import Alert


class AlertController(QObject):
    """For the desktop: `noticed(which, title, words)`, and when that is over `ended(which, title, words)`, whose words
    are empty where there is nothing to say to anybody. `in_front`: whether the person has the window before them."""

    noticed = Signal(str, str, str)
    ended = Signal(str, str, str)
    page_wanted = Signal()

    def __init__(
        self,
        alerts: Stream[Alert],
        standing: tuple[Alert, ...],
        board: NoticeBoard,
        in_front: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._alerts, self._board, self._in_front = alerts, board, in_front
        self._noticed: set[str] = set()
        self._bell = Doorbell(self._on_rung, self)
        for alert in standing:
            self._show(alert)
        alerts.on_wake(self._bell.ring)

    def close(self) -> None:
        self._alerts.on_wake(None)
        self._alerts.cancel()
        self._bell.close()

    def _on_rung(self) -> None:
        for alert in self._alerts.drain():
            self._show(alert)

    def _show(self, alert: Alert) -> None:
        key = f"alert:{alert.kind}:{alert.subject}"
        if not alert.over:
            self._board.withdraw(key)
            if key in self._noticed:
                self._noticed.remove(key)
                unseen = not self._in_front()
                self.ended.emit(key, say(alert.message) if unseen else "", say(alert.hint) if unseen else "")
            return
        button = NoticeButton(Phrase("Open the monitor", "打开监控"), self.page_wanted.emit)
        self._board.post(Notice(alert.message, alert.hint, alert.severity, (button,), key))
        if not self._in_front():
            self._noticed.add(key)
            self.noticed.emit(key, say(alert.message), say(alert.hint))
