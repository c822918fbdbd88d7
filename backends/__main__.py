"""The command line: `deskseek hardware | recommend | plan | pull | models | ask | index | search | … | settings`.

    1  streams speak UTF-8; the language comes from the settings, else from the system
    2  the words are understood here, so that a mistake never reaches another process
    3  what is asked through a pipe is read here: no other process could
    4  what is sent past the door of `network` is watched from here on, and refused if the settings say so
    5  a command that needs neither engine nor data folder runs at once
    6  any other runs inside the process that owns the data folder, if there is one;
       else this process becomes the owner, runs it, and serves further commands meanwhile

Exit codes: 0; 1 for a known error; 2 for wrong usage; 130 when interrupted (a download is then paused); 141 when
nobody reads the output any more.
"""

import contextlib
import logging
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from backends import commands
from backends.commands import ask
from backends.commands.arguments import HelpWanted
from backends.commands.console import Console
from backends.commands.job import DONE, FAILED, INTERRUPTED, MISUSED
from backends.commands.terminal import (
    Interrupts,
    OutputFailed,
    ReaderGone,
    have_streams,
    silence,
    standard_input,
    system_language,
    terminals,
    use_utf8,
    where,
    writer,
)
from backends.core import log
from backends.core.cancel import CancelToken
from backends.core.crashes import CrashJournal
from backends.core.errors import BackendError, StorageError
from backends.core.gate import GATE
from backends.core.owner import CommandRequest, Output, Owner, claim
from backends.core.paths import Paths
from backends.core.phrase import Phrase
from backends.core.settings import Settings, SettingsStore
from backends.services import Services

READER_GONE = 141  # 128 + SIGPIPE, what other programs end with in a pipe that nobody reads


def main(argv: Sequence[str] | None = None) -> int:
    have_streams()
    use_utf8()
    try:
        return _run(tuple(sys.argv[1:] if argv is None else argv))
    except ReaderGone:
        silence(sys.stdout)
        return READER_GONE
    except OutputFailed as error:
        silence(sys.stdout)
        with contextlib.suppress(OSError):
            sys.stderr.write(f"{error.message.to(system_language())}\n{error.hint.to(system_language())}\n")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(argv: tuple[str, ...]) -> int:
    stdout, stderr = writer(sys.stdout), writer(sys.stderr)
    out = Output.to(stdout, stderr)
    try:
        paths = Paths.find()
        settings, notices = _settings(paths, argv)
    except BackendError as error:
        language = commands.named_language(argv, system_language())
        Console(out, language, as_json=commands.wants_json(argv)).fail(error)
        return FAILED
    GATE.install(offline=settings.network.offline)
    chosen = settings.general.language
    language = system_language() if chosen == "system" else chosen
    console = Console(out, commands.named_language(argv, language), as_json=commands.wants_json(argv))
    try:
        call = commands.read(argv, language)
        if call.command is ask.COMMAND and ask.wants_stdin(call.arguments, piped=not sys.stdin.isatty()):
            argv = _with_input(argv, standard_input())
    except HelpWanted as wanted:
        out.write(wanted.text)
        return DONE
    except BackendError as error:
        console.fail(error)
        return MISUSED if isinstance(error, commands.WrongUsage) else FAILED
    console = Console(out, call.language, as_json=call.arguments.json)
    for notice in notices:
        console.note(console.to(notice))
    before = (f"--terminal={','.join(terminals())}", f"--language={call.language}")
    request = CommandRequest((*before, *argv), where(), call.language)
    if not call.command.needs_owner:
        logging.getLogger().addHandler(logging.NullHandler())
        cancel = CancelToken()
        with Interrupts(cancel):
            return commands.execute(request, paths, settings, None, out, cancel)
    try:
        owner = claim(paths, request, stdout, stderr)
        return owner if isinstance(owner, int) else _as_owner(owner, request, paths, out, console)
    except BackendError as error:
        console.fail(error)
        return FAILED


def _settings(paths: Paths, argv: tuple[str, ...]) -> tuple[Settings, tuple[Phrase, ...]]:
    """The settings, and what was wrong with their file. The doctor says that itself, and looks on where there is no
    reading it at all."""
    examines = commands.examines(argv)
    try:
        store = SettingsStore(paths.config / "settings.json")
    except StorageError:
        if not examines:
            raise
        return Settings(), ()
    return store.current, () if examines else store.notices


def _with_input(argv: tuple[str, ...], text: str) -> tuple[str, ...]:
    """The command line with what came on standard input inside, for a process that cannot read ours."""
    before, (command, *rest) = commands.split(argv)
    return (*before, command, f"--stdin-text={text}", *rest)


def _as_owner(owner: Owner, request: CommandRequest, paths: Paths, out: Output, console: Console) -> int:
    """Own the data folder while the command runs, and as long as other commands run here too."""
    cancel = CancelToken()
    with contextlib.closing(owner):
        log.configure(paths.state)
        journal = CrashJournal(paths.state)
        last = journal.start()
        if last.during or last.trace:  # else it was killed, as the person knows, or the power went
            console.note(console.to(_crashed(journal.report_file)))
        with Interrupts(cancel, journal.finish), Services.open(paths, journal=journal) as services:
            try:
                for notice in services.database.notices:
                    console.note(console.to(notice))
                guests = _Guests(services)
                owner.serve(guests.run)
                settings = services.settings.current
                code = commands.execute(request, paths, settings, services, out, cancel, safe=last.safe)
                if guests.busy:
                    console.note(console.to(_WAITING))
                guests.wait(cancel)
                owner.close()
                return code
            finally:
                journal.finish()


_WAITING = Phrase("Another command still runs inside this one.", "另一条命令仍在此进程中运行，请稍候。")


def _crashed(report: Path) -> Phrase:
    return Phrase(
        f"DeskSeek crashed last time. A report is in {report}.", f"上次运行时 DeskSeek 意外崩溃，报告：{report}。"
    )


class _Guests:
    """Commands of other processes that run here while this one owns the data folder."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._changed = threading.Condition()
        self._count = 0

    def run(self, request: CommandRequest, out: Output, cancel: CancelToken) -> int:
        with self._changed:
            self._count += 1
        try:
            if request.argv[:1] == ("activate",):
                return self._refuse_window(request, out)
            return commands.run(request, self._services, out, cancel)
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    @property
    def busy(self) -> bool:
        return self._count > 0

    def wait(self, cancel: CancelToken) -> None:
        """Until the last of them has ended, or somebody interrupts."""

        def wake() -> None:
            with self._changed:
                self._changed.notify_all()

        forget = cancel.on_cancel(wake)
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0 or cancel.cancelled)
        forget()

    def _refuse_window(self, request: CommandRequest, out: Output) -> int:
        busy = Phrase(
            "A deskseek command is at work. The window can open when it has finished.",
            "有 deskseek 命令正在运行，结束后即可打开窗口。",
        )
        out.error(busy.to("zh" if request.language == "zh" else "en") + "\n")
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
