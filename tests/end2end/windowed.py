"""The real window in a process of its own, and a pair of eyes and hands before it.

    python windowed.py PORT [--dies load|generate --how kill|abort] [--root FOLDER] [FILE …]

Runs `app.__main__.main` and does what a test says over a socket (`tests.end2end.person`): one JSON object a line comes
in, one goes out. It looks at what is visible and acts through the window system, with mouse and keys, as a person
does: what is covered, disabled or not on the page cannot be pressed. When the app has ended it says on standard output
which threads it left behind.
"""

import argparse
import ctypes
import json
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
    QMimeData,
    QObject,
    QSocketNotifier,
    Qt,
    QTimer,
    QUrl,
    Slot,
)
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QInputMethodEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QLineEdit,
    QTextBrowser,
    QTextEdit,
    QWidget,
)

import app.__main__ as boot
import backends.services as rooms
from backends.core.crashes import CrashJournal
from backends.core.stream import Stream
from backends.engine.asked import Asked
from backends.engine.native import library
from backends.hardware.sampler import Sampler
from backends.services.monitoring import MonitorServices
from tests.end2end.eyes import (
    click,
    front,
    front_widget,
    lies_open,
    links,
    menus,
    place_of,
    press_key,
    standing,
    texts,
    visible,
    words_of,
)
from tests.end2end.pacing import Hammer, Pace, Steps, count_steps
from tests.end2end.person import LOOK_EVERY_MS

if TYPE_CHECKING:
    from backends.services import Services


class Onlooker(QObject):
    """Takes one wish at a time; each is tried again until it can be fulfilled or patience is at an end. Patience is
    counted in looks: on a machine that is busy, or stands still for a while, it lasts as much longer."""

    def __init__(self, port: int, parent: QObject) -> None:
        super().__init__(parent)
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._inbox = b""
        self._notifier = QSocketNotifier(self._socket.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_readable)
        self._try: Callable[[], bool] = lambda: True
        self._looks = 0.0  # that are left
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self._look)
        self._hammer: Hammer | None = None
        self._steps = Steps()
        self._pace: Pace | None = None
        self.windows: list[str] = []  # what came onto the screen as a window of its own
        self._app = parent
        parent.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            kind = type(watched).__name__
            self.windows += [kind] if kind not in self.windows else []
        return False

    @Slot()
    def close(self) -> None:
        self._app.removeEventFilter(self)
        self._socket.close()
        if self._pace is not None:
            self._pace.let_go()

    @Slot()
    def _on_readable(self) -> None:
        got = self._socket.recv(1 << 16)
        self._inbox += got
        if not got:
            self._notifier.setEnabled(False)
        while b"\n" in self._inbox:
            line, self._inbox = self._inbox.split(b"\n", 1)
            wish = json.loads(line)
            self._try = getattr(self, f"do_{wish['do']}")(**wish["with"])
            self._looks = wish["patience"] * 1000 / LOOK_EVERY_MS
            self._look()

    @Slot()
    def _look(self) -> None:
        self._timer.stop()
        if self._pace is not None:
            self._pace.look()
        if self._try():
            self._tell(done=True)
        elif self._looks <= 0:
            self._tell(done=False)
        else:
            self._looks -= 1
            self._timer.start()

    def _tell(self, *, done: bool) -> None:
        self._socket.sendall(json.dumps({"done": done, "texts": texts(), "windows": self.windows}).encode() + b"\n")

    # ---- looking

    def do_see(self, shown: Sequence[str] = (), gone: Sequence[str] = ()) -> Callable[[], bool]:
        """Regular expressions that are to be found, or not to be found, in what is visible."""

        def looked() -> bool:
            page = "\n".join(texts())
            return all(re.search(one, page) for one in shown) and not any(re.search(one, page) for one in gone)

        return looked

    def do_look_on(self) -> Callable[[], bool]:
        """Once more, and that is all."""
        looks = iter((False, True))
        return lambda: next(looks)

    def do_be_in_front(self) -> Callable[[], bool]:
        return lambda: any(w.isVisible() and not w.isMinimized() for w in QApplication.topLevelWidgets())

    # ---- inside

    def do_be_asked(self, least: int, most: int) -> Callable[[], bool]:
        """The engine has so many answers to give, to the person and to others."""
        return lambda: (services := self._services) is not None and least <= services.engine.answers <= most

    def do_have_a_model(self) -> Callable[[], bool]:
        return lambda: (services := self._services) is not None and services.engine.model is not None

    def do_be_hammered(self, programs: int) -> Callable[[], bool]:
        """From now on so many programs ask the engine again and again; 0: each has its last answer. Steps of answers to
        the person are counted meanwhile."""

        def hammered() -> bool:
            if (services := self._services) is None:
                return False
            if self._hammer is not None:
                self._hammer.rest()
            elif programs:
                count_steps(self._steps)
                self._hammer = Hammer(services.engine, programs)
            return True

        return hammered

    def do_follow_closely(self, closely: bool) -> Callable[[], bool]:
        """From now on the engine's steps wait for our looks, or do no more."""

        def followed() -> bool:
            if self._pace is not None:
                self._pace.let_go()
            self._pace = Pace() if closely else None
            return True

        return followed

    def do_have_been_even(self, steps: int, answers: int) -> Callable[[], bool]:
        """The person's answer got a token in each step, while programs spoke in so many and read in so many, and each
        of them had so many answers."""

        def even() -> bool:
            return self._steps.even(steps) and self._hammer is not None and min(self._hammer.answered) >= answers

        return even

    def do_abort(self) -> Callable[[], bool]:
        """ggml gives up, on the engine's thread, between two tokens."""

        def aborted() -> bool:
            if (services := self._services) is not None:
                services.engine._ask(Asked(Stream("abort"), abort, urgent=True))
            return services is not None

        return aborted

    @property
    def _services(self) -> "Services | None":
        session = self._app.findChild(boot.Session)
        return session.services if session is not None else None

    # ---- acting

    def do_press(self, name: str) -> Callable[[], bool]:
        def pressed() -> bool:
            for button in visible(QAbstractButton):
                if re.fullmatch(name, words_of(button)) or re.fullmatch(name, button.accessibleName()):
                    return button.isEnabled() and click(button, place_of(button))
            return False

        return pressed

    def do_find_enabled(self, name: str) -> Callable[[], bool]:
        return lambda: any(re.fullmatch(name, words_of(b)) and b.isEnabled() for b in visible(QAbstractButton))

    def do_choose(self, row: str) -> Callable[[], bool]:
        """Click on a row of a list."""

        def chosen() -> bool:
            for view in visible(QAbstractItemView):
                model = view.model()
                for number in range(model.rowCount()):
                    index = model.index(number, 0)
                    if index.data() == row:
                        rect = view.visualRect(index)
                        return click(view.viewport(), rect.adjusted(8, rect.height() - 16, -40, 0))
            return False

        return chosen

    def do_focus(self, name: str) -> Callable[[], bool]:
        """Click into the field with this name."""

        def focused() -> bool:
            for field in (*visible(QLineEdit), *visible(QTextEdit)):
                if field.accessibleName() == name:
                    return click(field, field.rect())
            return False

        return focused

    def do_type(self, text: str) -> Callable[[], bool]:
        def typed() -> bool:
            if (field := QApplication.focusWidget()) is None:
                return False
            for character in text:
                if character.isascii():
                    press_key(ord(character))
                else:  # as an input method gives it
                    event = QInputMethodEvent()
                    event.setCommitString(character)
                    QApplication.sendEvent(field, event)
            return True

        return typed

    def do_compose(self, preedits: Sequence[str], typed: str) -> Callable[[], bool]:
        def composed() -> bool:
            if (field := QApplication.focusWidget()) is None:
                return False
            for preedit in preedits:
                event = QInputMethodEvent(preedit, [])
                if preedit == preedits[-1]:
                    event.setCommitString(typed)
                QApplication.sendEvent(field, event)
            return True

        return composed

    def do_strike(self, key: str) -> Callable[[], bool]:
        def struck() -> bool:
            press_key(Qt.Key[f"Key_{key}"])
            return True

        return struck

    def do_click(self, name: str) -> Callable[[], bool]:
        """Whatever has this name: the row of a source, say."""

        def clicked() -> bool:
            named = (widget for widget in visible(QWidget) if re.fullmatch(name, widget.accessibleName()))
            return any(click(widget, widget.rect()) for widget in named)

        return clicked

    def do_follow(self, link: str, number: int) -> Callable[[], bool]:
        """Click on a link in a text: the so-manieth of those that lead there, from 0."""

        def followed() -> bool:
            every = [(text, place) for text in visible(QTextBrowser) for place in links(text, link)]
            places = [(text, place) for text, place in every if lies_open(text.viewport(), place)]
            return len(places) > number and click(places[number][0].viewport(), places[number][1])

        return followed

    def do_open(self, name: str) -> Callable[[], bool]:
        """The menu or the dialog behind a button, which holds this place until somebody has chosen: so it is pressed a
        moment later. It runs an event loop of its own, in which the next wish comes."""

        def opened() -> bool:
            for button in visible(QAbstractButton):
                if re.fullmatch(name, words_of(button)) and button.isEnabled():
                    QTimer.singleShot(0, partial(click, button, button.rect()))
                    return True
            return False

        return opened

    def do_pick(self, name: str) -> Callable[[], bool]:
        """An entry of the menu that is open."""

        def picked() -> bool:
            for menu in menus():
                for entry in menu.actions():
                    if re.fullmatch(name, entry.text()) and entry.isEnabled():
                        place = menu.actionGeometry(entry).center()
                        QTimer.singleShot(0, partial(QTest.mouseClick, menu, Qt.MouseButton.LeftButton, pos=place))
                        return True
            return False

        return picked

    def do_stand(self, page: int, lit: str) -> Callable[[], bool]:
        """A document stands on this page (0: it has none), with this lit on it, in sight."""
        return lambda: any(at == page and re.search(lit, words) for at, words in standing())

    def do_drop(self, paths: Sequence[str]) -> Callable[[], bool]:
        """Let files fall on the middle of the window."""

        def dropped() -> bool:
            window = front_widget()
            mime = QMimeData()
            mime.setUrls([QUrl.fromLocalFile(path) for path in paths])
            place, copy, left = window.rect().center(), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
            entering = QDragEnterEvent(place, copy, mime, left, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(window, entering)
            if not entering.isAccepted():
                return False
            QApplication.sendEvent(window, QDropEvent(place, copy, mime, left, Qt.KeyboardModifier.NoModifier))
            return True

        return dropped

    def do_close(self) -> Callable[[], bool]:
        """The cross in the corner."""
        return lambda: front().close() or True

    def do_minimize(self) -> Callable[[], bool]:
        def minimized() -> bool:
            front_widget().showMinimized()
            return True

        return minimized


def abort() -> None:
    """GGML_ABORT("…")"""
    where, words = b"ggml-cuda.cu", b"CUDA error: out of memory in %s"
    library().base.ggml_abort(ctypes.c_char_p(where), 91, ctypes.c_char_p(words), ctypes.c_char_p(b"alloc"))


def watched(port: int, seen: list[Onlooker]) -> type[boot.Application]:
    class Watched(boot.Application):
        def __init__(self, argv: Sequence[str]) -> None:
            super().__init__(argv)
            seen.append(onlooker := Onlooker(port, self))
            self.aboutToQuit.connect(onlooker.close)

    return Watched


def dying(during: str, how: str) -> type[CrashJournal]:
    """A journal of a process that ends in native code: by the kill of somebody, or by an abort of the library."""

    class Dying(CrashJournal):
        def begin(self, what: str, detail: str) -> None:
            super().begin(what, detail)
            if what == during:
                os.abort() if how == "abort" else os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    return Dying


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--dies", default="")
    parser.add_argument("--how", default="kill")
    parser.add_argument("--root", type=Path, help="of the file system whose /proc and /sys are sampled")
    options, files = parser.parse_known_args()
    seen: list[Onlooker] = []
    boot.Application = watched(options.port, seen)
    if options.dies:
        boot.CrashJournal = dying(options.dies, options.how)
    if options.root:
        rooms.MonitorServices = partial(MonitorServices, sampling=partial(Sampler, root=options.root))
    code = boot.main(["deskseek", *files])
    left = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    print(json.dumps({"threads": left, "windows": [name for one in seen for name in one.windows]}), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
