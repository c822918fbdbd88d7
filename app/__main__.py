"""The window: `deskseek-gui [FILE.gguf …]`.

    1  the data folder: if another DeskSeek owns it, that one comes to the front with our files, and we are done
    2  Qt, in the language and the look of the settings; from here on nothing leaves unseen (`backends.core.gate`)
    3  the window, empty, on the screen: within a second, whatever follows
    4  on a thread: the log, how the last run ended, the services (databases opened, checked, migrated)
    5  the pages and controllers, wired; commands of other processes are served from now on
    6  conversations listed, the machine looked at, the last model loaded if the settings say so and the last run
       did not end in native code
    7  closing: the place of the window saved, the run marked as good, streams cancelled, threads joined, model freed

What fails in 4 is said in the window, with a way to try again.
"""

import contextlib
import io
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QMessageBox

from app import window_state
from app.application import Application
from app.bridge import Doorbell, Pump
from app.crash import CrashReports
from app.crash_notices import bug_notice, last_run_notice
from app.garbage import GarbageCollector
from app.language import language
from app.lists.conversations import ConversationList
from app.lists.messages import MessageList
from app.model_state import ModelState
from app.notices import Notice, NoticeButton, error_notice
from app.widgets.chat_page import ChatPage
from app.widgets.main_window import MainWindow
from backends.core import log
from backends.core.cancel import CancelToken
from backends.core.crashes import CrashJournal, LastRun
from backends.core.errors import BackendError
from backends.core.gate import GATE
from backends.core.owner import CommandRequest, Output, Owner, claim
from backends.core.paths import Paths
from backends.core.phrase import Phrase
from backends.core.settings import SettingsStore
from backends.core.stream import Runner, Stream

if TYPE_CHECKING:
    from app.wiring import Desk
    from backends.services import Services


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv if argv is None else argv)
    files = [str(Path(word).absolute()) for word in words[1:] if not word.startswith("-")]
    paths = Paths.find()
    said = io.StringIO()
    request = CommandRequest(("activate", *files), str(Path.cwd()), "en")
    try:
        owner = claim(paths, request, said, said)
    except BackendError as error:
        return _say_and_leave(words, error_notice(error))
    if isinstance(owner, int):
        return _say_and_leave(words, Notice(said.getvalue().strip())) if owner and said.getvalue() else owner
    app = Application(words)
    settings = SettingsStore(paths.config / "settings.json")
    GATE.install(offline=settings.current.network.offline)
    app.follow(settings.current.general.theme, settings.current.general.language)
    with contextlib.closing(owner), Session(app, paths, owner, [Path(name) for name in files], settings) as session:
        session.window.show()
        QTimer.singleShot(0, session.open)
        return app.exec()


def _say_and_leave(words: Sequence[str], notice: Notice) -> int:
    """There will be no window to say it in."""
    app = Application(words)
    app.follow("system", "system")
    message, hint = (text if isinstance(text, str) else text.to(language()) for text in (notice.message, notice.hint))
    box = QMessageBox()
    box.setIcon(QMessageBox.Icon.Warning)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(message)
    box.setInformativeText(hint)
    box.exec()
    return 1


class Session(QObject):
    """One run of the window, from the first paint to the last."""

    def __init__(
        self,
        app: Application,
        paths: Paths,
        owner: Owner,
        files: Sequence[Path],
        settings: SettingsStore | None = None,
    ) -> None:
        super().__init__(app)
        self.app = app
        app.leaving = False
        self.paths = paths
        self.window = MainWindow()
        self.desk: Desk | None = None
        self.ended = False
        self.services: Services | None = None
        self._owner = owner
        self._files = list(files)
        self._settings = settings
        self._last = LastRun(False, "", "", "", False)
        self._journal: CrashJournal | None = None
        self._log: logging.Handler | None = None
        self._runner = Runner("boot")
        self._knocks: Stream[CommandRequest] = Stream("knocks")
        self._crashes = CrashReports(paths.state / "crashes", self._show_crash)
        self._crashes.install()
        self.pump = Pump(self.window.notices.post_error, self)
        self._garbage = GarbageCollector(self.pump)
        self.conversations = ConversationList()
        self.messages = MessageList()
        self.chat_page = ChatPage(self.conversations, self.messages)
        self.window.add_page("chat", self.chat_page)
        self.window.notice_turns.add(self.chat_page.notices)
        self.window.show_page("chat")
        self._place_file = paths.state / "window.json"
        self._place = window_state.load(self._place_file)
        window_state.restore(self.window, self._place)
        self.chat_page.set_panel_width(self._place.panel_width)
        self.chat_page.set_panel_open(self._place.panel_open)
        self.conversations.close_folders(id for id in self._place.closed_folders if isinstance(id, int))
        self.chat_page.transcript.places.read(self._place.reading)
        self.window.closed.connect(self._on_closed)
        self.window.files_dropped.connect(self._on_dropped)
        self._bell = Doorbell(lambda: None, self)  # a signal wakes Qt, so that Python can look at it
        self._wakeup = signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        self._signals = [(name, signal.signal(name, self._on_signal)) for name in (signal.SIGINT, signal.SIGTERM)]

    @property
    def state(self) -> ModelState:
        """Where the model stands."""
        return self.desk.state if self.desk is not None else ModelState()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- opening

    @Slot()
    def open(self) -> None:
        """Open the services on a thread, then put the desk together."""
        self.chat_page.focus_composer()
        stream = self._runner.start(self._open)
        self.pump.follow(stream, self._on_opened, on_error=self._on_open_failed)

    def _open(self, *, cancel: CancelToken) -> "Iterator[Services]":
        from backends.services import Services  # a quarter of a second that the window does not wait for

        if self._journal is None:
            self.paths.make()
            self._log = log.configure(self.paths.state)
            journal = CrashJournal(self.paths.state)
            self._last = journal.start()
            self._journal = journal
        # ours to close from here on
        self.services = Services.open(self.paths, journal=self._journal, settings=self._settings)
        yield self.services

    def _on_opened(self, events: "list[Services]") -> None:
        from app.wiring import Desk

        services = events[-1]
        desk = Desk(self.app, self.window, self.chat_page, self.conversations, self.messages, self.pump, services)
        self.desk = desk
        self.window.notices.withdraw("open")
        for phrase in services.notices:
            self.window.notices.post(Notice(phrase, tone="warning"))
        if self._last.crashed:
            report = self._journal.report_file if self._journal else None
            self.window.notices.post(last_run_notice(self._last, report, desk.load_safely, self._show_doctor))
        self.pump.listen(self._knocks, self._on_knocks)
        self._owner.serve(self._serve)
        desk.start(load=not self._last.safe)
        if self._files:
            desk.open_files(self._files)
        elif not self._last.crashed:
            desk.desktop.return_to(self._place.page, self._place.last_conversation)
        self.window.show_wanted()
        self._garbage.settle()

    @Slot(list)
    def _on_dropped(self, paths: Sequence[Path]) -> None:
        """Files that come before there is anybody to take them wait for the desk, which takes all later ones."""
        if self.desk is None:
            self._files = [*self._files, *paths]

    def _on_open_failed(self, error: BackendError) -> None:
        again = NoticeButton(Phrase("Try again", "重试"), self.open)
        leave = NoticeButton(Phrase("Quit", "退出"), self.window.close)
        notice = error_notice(error, again, leave)
        self.window.notices.post(replace(notice, key="open", closable=False))

    # ---- other processes

    def _serve(self, request: CommandRequest, out: Output, cancel: CancelToken) -> int:
        """On a thread of the owner: a second start of the window, or a command."""
        from backends import commands

        if request.argv[:1] == ("activate",):
            self._knocks.put(request)
            return 0
        assert self.services is not None
        return commands.run(request, self.services, out, cancel)

    def _on_knocks(self, requests: Sequence[CommandRequest]) -> None:
        self.window.to_front()
        files = [Path(name) for request in requests for name in request.argv[1:]]
        if files and self.desk is not None:
            self.desk.open_files(files)

    # ---- what goes wrong, and the end

    def _show_crash(self, report: str, path: Path | None) -> None:
        self.window.notices.post(bug_notice(report, path, self._show_doctor if self.desk is not None else None))

    def _show_doctor(self) -> None:
        self.window.show_page("doctor")

    def _on_signal(self, number: int, frame: object) -> None:
        self.app.leaving = True
        self.window.close()
        self.app.quit()

    @Slot()
    def _on_closed(self) -> None:
        page = self.chat_page
        page.transcript.note_place()
        current = self.desk.chat.current if self.desk is not None else None
        place = window_state.WindowState(
            panel_width=page.panel_width(),
            panel_open=page.panel_wanted,
            last_conversation=current.id if current is not None else 0,
            page=self.window.page,
            closed_folders=sorted(self.conversations.closed),
            reading=page.transcript.places.written(),
        )
        window_state.save(self._place_file, window_state.with_place(place, self.window))

    def close(self) -> None:
        """The window is gone from the screen before anything is waited for."""
        if self.ended:
            return
        self.ended = True
        self.window.hide()
        self._runner.close()
        if self._journal is not None:
            self._journal.finish()
        if self.desk is not None:
            self.desk.close()
        self.pump.close()
        self._owner.close()
        if self.services is not None:
            self.services.close()
            self.services = None
        for name, before in self._signals:
            signal.signal(name, before)
        signal.set_wakeup_fd(self._wakeup)
        if self._log is not None:
            log.close(self._log)
        self._bell.close()
        self._garbage.close()
        self._crashes.remove()
        self.window.deleteLater()  # before the application itself is taken down
        self.app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


if __name__ == "__main__":
    sys.exit(main())
