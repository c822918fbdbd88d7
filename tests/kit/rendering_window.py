"""The real window with a long chat in it: `python -m tests.kit.rendering_window PART COUNT`.

Prints one JSON object: figures in seconds and bytes. `stream`: COUNT tokens come in at 200 a second, through the Pump
and the list of messages; then the same text through QTextBrowser.setMarkdown at some of the same updates. `open`:
a conversation of COUNT messages, from the store to the painted window. `wheel`, `page`, `drag`: through such a
conversation, turned by the wheel, by pages, or by the bar.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QPoint, QPointF, Qt, QTimer, Slot
from PySide6.QtGui import QTextCursor, QWheelEvent
from PySide6.QtWidgets import QScrollBar, QTextBrowser, QWidget

from app.__main__ import Session
from app.application import Application
from app.controllers.answering import Answering
from app.lists.messages import MessageRow
from backends.chat.store import ChatStore
from backends.core.cancel import CancelToken
from backends.core.owner import Owner
from backends.core.paths import Paths
from backends.core.stream import Runner
from backends.engine.protocol import TextDelta
from tests.kit.long_chats import fill, pieces

RATE = 200  # tokens a second
WATCH_MS = 4
PEER_EVERY = 40  # updates
STEPS = 300  # of each way to scroll
FRAME_MS = 16
Step = Callable[[], None]


class Painted(QObject):
    """Calls back when what is asked for has been painted and flushed, or when there was nothing to paint."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._then: Step | None = None
        window.installEventFilter(self)

    def after(self, act: Step, then: Step) -> None:
        self._then = then
        act()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self._then is not None and event.type() is QEvent.Type.UpdateRequest:
            then, self._then = self._then, None
            QTimer.singleShot(0, then)
        return False


class Gaps(QObject):
    """How long the event loop does not come round: a fast timer looks at two clocks."""

    def __init__(self) -> None:
        super().__init__()
        self.wall: list[float] = []
        self.busy: list[float] = []  # of the time of the processor
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(WATCH_MS)
        self._timer.timeout.connect(self._on_timeout)
        self._last = (0.0, 0.0)

    def start(self) -> None:
        self._last = (time.perf_counter(), time.thread_time())
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    @Slot()
    def _on_timeout(self) -> None:
        now = (time.perf_counter(), time.thread_time())
        self.wall.append(now[0] - self._last[0])
        self.busy.append(now[1] - self._last[1])
        self._last = now


class Measured(QObject):
    def __init__(self, app: Application, session: Session, count: int) -> None:
        super().__init__(app)
        self.app, self.session, self.count = app, session, count
        self.painted = Painted(session.window)
        self.figures: dict[str, object] = {}

    def tell(self) -> None:
        print(json.dumps(self.figures), flush=True)
        self.app.quit()

    def when_ready(self, then: Step) -> None:
        """The desk is there and nothing moves any more."""

        def look() -> None:
            if self.session.desk is not None and not self.session.pump.active:
                self.session.window.show_page("chat")
                QTimer.singleShot(300, then)
            else:
                QTimer.singleShot(100, look)

        QTimer.singleShot(100, look)

    # ---- an answer that streams

    def stream(self) -> None:
        messages, pump = self.session.messages, self.session.pump
        self._pieces = list(pieces(self.count))
        messages.reset([MessageRow(1, "user", "Tell me all about it.")])
        answering = Answering(1, 1)
        messages.append(answering.row)
        gaps, self._updates = Gaps(), list[int]()

        def write(*, cancel: CancelToken) -> Iterator[TextDelta]:
            began = time.monotonic()
            for n, piece in enumerate(self._pieces):
                cancel.wait(max(0.0, began + n / RATE - time.monotonic()))
                yield TextDelta(piece)

        def arrived(events: list[TextDelta]) -> None:
            answering.take(events)
            messages.put(1, answering.row)
            self._updates.append(len(answering.row.text))

        def ended() -> None:
            gaps.stop()
            spent, took = time.thread_time() - self._spent, time.perf_counter() - self._began
            self.figures = {
                "gaps": gaps.wall,
                "busy": gaps.busy,
                "spent": spent,
                "took": took,
                "updates": len(self._updates),
                "characters": len(answering.row.text),
                "rss": rss() - self._rss,
            }
            runner.close()
            QTimer.singleShot(0, self._peer)

        runner = Runner("model")
        self._began, self._spent, self._rss = time.perf_counter(), time.thread_time(), rss()
        gaps.start()
        pump.follow(runner.start(write), arrived, ended)

    def _peer(self) -> None:
        """The same text as a plain Qt program shows it, at some of the same updates."""
        self.session.window.hide()
        self._browser = QTextBrowser()
        self._browser.resize(1000, 700)
        self._browser.show()
        painted = Painted(self._browser)
        text = "".join(self._pieces)
        lengths = self._updates[::PEER_EVERY] + self._updates[-1:]
        spent: list[float] = []

        def next_one() -> None:
            if not lengths:
                self.figures["peer"] = spent
                self.tell()
                return
            began, length = time.thread_time(), lengths.pop(0)

            def set_() -> None:
                self._browser.setMarkdown(text[:length])
                self._browser.moveCursor(QTextCursor.MoveOperation.End)

            def done() -> None:
                spent.append(time.thread_time() - began)
                next_one()

            painted.after(set_, done)

        QTimer.singleShot(200, next_one)

    # ---- a long conversation

    def open(self) -> None:
        desk, chats = self.session.desk, self._chats()
        assert desk is not None
        began = time.thread_time()
        read = chats.messages(self._long)
        self.figures["read"] = time.thread_time() - began
        began = time.thread_time()
        rows = [MessageRow.of(message) for message in read]
        self.figures["rows"] = time.thread_time() - began
        self.figures["characters"] = sum(len(row.text) for row in rows)
        wall: list[float] = []
        spent: list[float] = []
        left = [self._long, self._short] * 7

        def next_one() -> None:
            if not left:
                self.figures |= {"wall": wall[::2], "spent": spent[::2], "short": wall[1::2]}
                self.tell()
                return
            wanted = left.pop(0)
            began, busy = time.perf_counter(), time.thread_time()

            def shown() -> None:
                self.session.messages.modelReset.disconnect(shown)
                self.painted.after(self.session.chat_page.transcript.viewport().update, done)

            def done() -> None:
                wall.append(time.perf_counter() - began)
                spent.append(time.thread_time() - busy)
                QTimer.singleShot(150, next_one)

            self.session.messages.modelReset.connect(shown)
            desk.chat.open(wanted)

        next_one()

    def wheel(self) -> None:
        self._scroll(self._turn, FRAME_MS)

    def page(self) -> None:
        bar = self.session.chat_page.transcript.verticalScrollBar()
        self._scroll(lambda n: bar.triggerAction(QScrollBar.SliderAction.SliderPageStepSub), 2 * FRAME_MS)

    def drag(self) -> None:
        self._scroll(self._drag, FRAME_MS)

    def _scroll(self, act: Callable[[int], None], pace: int) -> None:
        assert self.session.desk is not None
        self._chats()
        self.session.desk.chat.open(self._long)
        self.when_ready(lambda: self._steps(act, pace))

    def _steps(self, act: Callable[[int], None], pace: int) -> None:
        self.session.window.show_page("chat")  # where the first look at the models has led away from it
        transcript = self.session.chat_page.transcript
        transcript.to_end()
        wall: list[float] = []
        spent: list[float] = []
        empty: list[float] = []
        late: list[float] = []
        before, most = rss(), 0
        clock = QElapsedTimer()
        due = time.perf_counter() + 0.3

        def next_step() -> None:
            nonlocal most
            most = max(most, len(transcript.in_sight))
            if len(wall) == STEPS:
                grown = rss() - before
                self.figures = {"wall": wall, "spent": spent, "widgets": most, "rss": grown, "empty": empty}
                self.figures["late"] = late
                self.tell()
                return
            began, busy = time.perf_counter(), time.thread_time()
            clock.start()

            def step() -> None:
                act(len(wall))
                transcript.viewport().update()

            def done() -> None:
                nonlocal due
                wall.append(time.perf_counter() - began)
                spent.append(time.thread_time() - busy)
                empty.append(transcript.empty_share)
                late.append(time.perf_counter() - due)
                left = max(0, pace - clock.elapsed())
                due = time.perf_counter() + left / 1000
                QTimer.singleShot(left, next_step)

            self.painted.after(step, done)

        QTimer.singleShot(300, next_step)

    def _turn(self, n: int) -> None:
        viewport = self.session.chat_page.transcript.viewport()
        middle = QPointF(viewport.rect().center())
        turned = QPoint(0, 120)
        event = QWheelEvent(
            middle,
            QPointF(viewport.mapToGlobal(middle.toPoint())),
            QPoint(),
            turned,
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        self.app.sendEvent(viewport, event)

    def _drag(self, n: int) -> None:
        """Up to the beginning and down again."""
        bar = self.session.chat_page.transcript.verticalScrollBar()
        bar.setSliderDown(True)
        half = STEPS / 2
        bar.setSliderPosition(int(bar.maximum() * abs(n - half) / half))

    def _chats(self) -> ChatStore:
        assert self.session.services is not None
        chats = self.session.services.chats
        self._long = fill(chats, self.count, "Long").id
        self._short = fill(chats, 6, "Short").id
        return chats


def rss() -> int:
    return psutil.Process().memory_info().rss


def main(words: Sequence[str]) -> int:
    with TemporaryDirectory() as folder:
        paths = Paths.under(Path(folder))
        paths.make()
        app = Application(["deskseek"])
        app.follow("light", "en")
        owner = Owner.acquire(paths)
        assert owner is not None
        with contextlib.closing(owner), Session(app, paths, owner, ()) as session:
            session.window.resize(1280, 800)
            session.window.show()
            session.open()
            measured = Measured(app, session, int(words[1]))
            measured.when_ready(getattr(measured, words[0]))
            return app.exec()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
