"""When we failed: an exception that is nobody's known error.

It is written to a report in the state folder, with the traceback and the versions and nothing of what the
person wrote, and shown in the window as a notice; the app lives on. A failure in native code ends the
process; what it left behind (`core.crashes.CrashJournal`) is shown at the next start.
"""

import logging
import platform
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6 import __version__ as pyside_version

from backends import __version__
from backends.core.log import redact

log = logging.getLogger(__name__)


class CrashReports:
    """Stands in for `sys.excepthook` from `install()` to `remove()`.

    `shown(report, path)` is called on the thread where it happened when that is the GUI thread; failures of
    other threads, which tasks never cause (their errors come out of their streams), are only written down.
    """

    KEEP = 10

    def __init__(self, folder: Path, shown: Callable[[str, Path | None], None]) -> None:
        self._folder = folder
        self._shown = shown
        self._showing = False
        self._thread = threading.get_ident()

    def install(self) -> None:
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def remove(self) -> None:
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__

    def report(self, error: BaseException) -> Path | None:
        """Write a report and show it. The path; None if not even that could be written."""
        text = report_text(error)
        log.error("unexpected: %s", "".join(traceback.format_exception_only(error)).strip(), exc_info=error)
        path = self._write(text)
        if threading.get_ident() == self._thread and not self._showing:
            self._showing = True
            try:
                self._shown(text, path)
            except Exception:  # the window itself is what failed: the report stands on disk
                log.exception("the report could not be shown")
            finally:
                self._showing = False
        return path

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        self.report(error)

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self.report(args.exc_value)

    def _write(self, text: str) -> Path | None:
        path = self._folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{time.monotonic_ns() % 1000:03d}.txt"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            for old in sorted(self._folder.glob("crash-*.txt"))[: -self.KEEP]:
                old.unlink()
        except OSError as failure:
            log.warning("no crash report was written: %s", failure)
            return None
        return path


def report_text(error: BaseException) -> str:
    """What a person can send us: versions and where it happened, without the values of variables."""
    lines = (
        f"DeskSeek {__version__}, PySide6 {pyside_version}, Python {platform.python_version()}",
        f"{platform.system()} {platform.release()} {platform.machine()}",
        "",
    )
    return redact("\n".join(lines) + "".join(traceback.format_exception(error)))
