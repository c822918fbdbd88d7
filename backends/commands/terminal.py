"""The terminal that a command was typed in: its encoding, its language, who looks, and Ctrl+C."""

import errno
import io
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import TextIO, cast

from backends.core.cancel import CancelToken
from backends.core.errors import InvalidInput, StorageError
from backends.core.phrase import Language, Phrase

LONGEST_INPUT = 64 * 2**20 - 2**16  # bytes: what a forwarded request may carry
HARD_STOP = 130


class ReaderGone(Exception):
    """Nobody reads our output any more, as in `deskseek ask … | head -1`."""


class OutputFailed(StorageError):
    """What this command says cannot be written, as in `deskseek ask … > file` on a full disk."""

    default_code = "output_failed"


def have_streams() -> None:
    """Open what was closed (`>&-`) on nothing, at its number: no database shall stand where C code prints to."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def writer(stream: TextIO) -> TextIO:
    """`stream`, written through at once, saying `ReaderGone` when its reader has gone."""
    return cast(TextIO, _Writer(stream))


class _Writer(io.TextIOBase):
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str, /) -> int:
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            raise ReaderGone from None
        except OSError as error:
            if error.errno == errno.EIO or (sys.platform == "win32" and error.errno == errno.EINVAL):
                raise ReaderGone from None  # a terminal that was closed; a closed pipe as Windows words it
            said = error.strerror or str(error)
            raise OutputFailed(
                Phrase(f"The output cannot be written: {said}.", f"无法写出结果：{said}。"),
                Phrase("Make room there, or send it elsewhere.", "请腾出空间，或输出到其他位置。"),
            ) from error
        return len(text)

    def flush(self) -> None:
        """Each write has already been flushed."""


def use_utf8() -> None:
    """UTF-8 on every stream, whatever the code page; half a surrogate pair is escaped, never an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def silence(stream: TextIO) -> None:
    """Let the interpreter flush `stream` into nothing at its end: its reader has gone."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)


def terminals(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Which of stdout and stderr a person looks at, and "plain" where colours are not wanted (NO_COLOR)."""
    if environment.get("TERM") == "dumb":
        return ()
    seen = [name for name in ("stdout", "stderr") if _understands_escapes(getattr(sys, name))]
    return (*seen, "plain") if seen and environment.get("NO_COLOR") else tuple(seen)


def where() -> str:
    """The working directory; the person's home if it was deleted meanwhile."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return str(Path.home())


def system_language(environment: Mapping[str, str] = os.environ) -> Language:
    """Chinese where the system speaks it, else English."""
    if sys.platform == "win32":
        import ctypes

        primary = ctypes.windll.kernel32.GetUserDefaultUILanguage() & 0x3FF
        return "zh" if primary == 0x04 else "en"  # LANG_CHINESE
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def standard_input() -> str:
    """All of standard input as text. Raises InvalidInput (`not_utf8`, `input_too_long`)."""
    data = sys.stdin.buffer.read(LONGEST_INPUT + 1)
    if len(data) > LONGEST_INPUT:
        raise InvalidInput(
            Phrase("Standard input is too long.", "标准输入内容过长。"),
            Phrase("Pass on only the part that matters.", "请只传入需要的部分。"),
            code="input_too_long",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            Phrase("Standard input is not UTF-8 text.", "标准输入不是 UTF-8 文本。"),
            Phrase("Convert it first, for example with iconv.", "请先转换编码，例如使用 iconv。"),
            code="not_utf8",
        ) from error


class Interrupts:
    """While inside: the first Ctrl+C, polite kill or closed terminal raises `cancel`; the second ends the process.

    The signal is taken from its wake-up socket by a thread, since on Windows a main thread that waits for a lock hears
    nothing. Ending at once loses nothing: what is saved is on disk, downloads go on from what arrived.
    """

    def __init__(self, cancel: CancelToken, before_the_end: Callable[[], None] = lambda: None) -> None:
        self._cancel = cancel
        self._before_the_end = before_the_end
        names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last two not everywhere
        self._signals = [getattr(signal, name) for name in names if hasattr(signal, name)]

    def __enter__(self) -> None:
        self._here, self._there = socket.socketpair()
        self._there.setblocking(False)
        self._old_wakeup = signal.set_wakeup_fd(self._there.fileno(), warn_on_full_buffer=False)
        self._old_handlers = [signal.signal(each, _nothing) for each in self._signals]
        self._thread = threading.Thread(target=self._listen, name="interrupts", daemon=True)
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each, handler in zip(self._signals, self._old_handlers, strict=True):
            signal.signal(each, handler)
        signal.set_wakeup_fd(self._old_wakeup)
        self._there.close()
        self._thread.join()
        self._here.close()

    def _listen(self) -> None:
        while arrived := self._here.recv(16):
            for number in arrived:
                if number in self._signals and self._cancel.cancelled:
                    self._before_the_end()
                    os._exit(HARD_STOP)
                if number in self._signals:
                    self._cancel.cancel()


def _nothing(number: int, frame: FrameType | None) -> None:
    """The handler that keeps Python from raising KeyboardInterrupt; the thread above does the work."""


def _understands_escapes(stream: TextIO) -> bool:
    if not stream.isatty():
        return False
    if sys.platform != "win32":
        return True
    import ctypes
    import msvcrt

    kernel, mode = ctypes.windll.kernel32, ctypes.c_ulong()
    handle = msvcrt.get_osfhandle(stream.fileno())
    if not kernel.GetConsoleMode(handle, ctypes.byref(mode)):
        return False
    return bool(kernel.SetConsoleMode(handle, mode.value | 0x4))  # ENABLE_VIRTUAL_TERMINAL_PROCESSING
