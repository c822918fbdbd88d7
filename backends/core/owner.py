"""One process owns the data folder; the others speak to it.

The owner holds an OS lock that dies with its process, so a killed one leaves nothing to clean up. It listens on a
local socket of this user: a Unix socket in a folder for this user alone, a named pipe on Windows. Where the socket is
and the key to it stand in `owner.json` in the data folder (0600). A command that is started while the app is open runs
inside the app: `forward` sends its words there, copies what it prints, and gives its exit code. Messages are JSON;
nothing is unpickled.

    client to owner   {"argv", "cwd", "language"}, later perhaps {"cancel": true}
    owner to client   {"out": text}, {"err": text}, at last {"exit": code}
"""

import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any, TextIO

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, Unavailable
from backends.core.files import storage_error, write_file
from backends.core.paths import Paths
from backends.core.phrase import Phrase

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

EXIT_CANCELLED = 130
EXIT_BUG = 70

_LONGEST_PATH = 100  # bytes; the address of a Unix socket may have 108, on macOS 104
_SOCKET_PREFIX = "deskseek-"
_LONGEST_REQUEST = 64 << 20
_CANCEL = {"cancel": True}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A command as it was typed (`argv` without the program's name), where, and in which language to answer.

    `("activate",)` and `("activate", path, …)` are what a second start of the window sends: come to the front, open
    these files."""

    argv: tuple[str, ...]
    cwd: str
    language: str


class Output:
    """Where a command prints: here, or over there at whoever asked. Each piece is seen at once."""

    def __init__(self, write: Callable[[str], object], error: Callable[[str], object]) -> None:
        self._write = write
        self._error = error

    @classmethod
    def to(cls, stdout: TextIO, stderr: TextIO) -> "Output":
        def through(stream: TextIO) -> Callable[[str], object]:
            return lambda text: (stream.write(text), stream.flush())

        return cls(through(stdout), through(stderr))

    def write(self, text: str) -> None:
        self._write(text)

    def error(self, text: str) -> None:
        self._error(text)


Run = Callable[[CommandRequest, Output, CancelToken], int]


class Owner:
    """This process owns the data folder until `close()`."""

    def __init__(self, paths: Paths, lock: int) -> None:
        self._paths = paths
        self._lock = lock
        self._server: _Server | None = None

    @classmethod
    def acquire(cls, paths: Paths) -> "Owner | None":
        """Own the data folder; None if another living process does. Raises StorageError."""
        paths.make()
        path = paths.data / "owner.lock"
        try:
            lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise storage_error(error, path) from error
        try:
            _lock(lock)
        except (BlockingIOError, PermissionError):
            os.close(lock)
            return None
        except OSError as error:
            os.close(lock)
            raise storage_error(error, path) from error
        return cls(paths, lock)

    def serve(self, run: Run) -> None:
        """Run what other processes of this user ask for, each request on a thread of its own. `run` prints to its
        Output, looks at its CancelToken (raised by Ctrl+C over there, and when the client has gone), and gives the
        exit code; `Cancelled` out of it makes 130."""
        _clear_socket(self._paths)
        self._server = _Server(run)
        write_file(_contact(self._paths), self._server.contact())

    def close(self) -> None:
        """Cancel what runs for others, tell them, and let go of the data folder. Idempotent."""
        if self._server:
            _contact(self._paths).unlink(missing_ok=True)
            self._server.close()
            self._server = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def forward(paths: Paths, request: CommandRequest, stdout: TextIO, stderr: TextIO) -> int | None:
    """Run `request` in the owning process, as if it ran here: same output, same exit code. None if none answers.

    Ctrl+C cancels it over there and waits for its end; pressed twice it does not wait. Raises Unavailable
    (`owner_gone`) if the owner ends in the middle.
    """
    connection = _call(paths)
    if connection is None:
        return None
    with connection:
        _send(connection, asdict(request))
        asked = threading.Event()
        try:
            with _first_interrupt(lambda: (asked.set(), _send(connection, _CANCEL))):
                return _copy(connection, stdout, stderr)
        except KeyboardInterrupt:
            if asked.is_set():
                raise
            _send(connection, _CANCEL)
        try:
            return _copy(connection, stdout, stderr)
        except ValueError:  # Ctrl+C cut a message in two
            return EXIT_CANCELLED


def claim(
    paths: Paths, request: CommandRequest, stdout: TextIO, stderr: TextIO, *, patience: float = 10
) -> "Owner | int":
    """Own the data folder, or run `request` in the process that does and give its exit code.

    An owner that is just starting or ending does not answer yet or any more; it is given `patience` seconds. Then
    Unavailable (`owner_busy`).
    """
    deadline = time.monotonic() + patience
    pause = CancelToken()
    while True:
        owner = Owner.acquire(paths)
        if owner:
            return owner
        code = forward(paths, request, stdout, stderr)
        if code is not None:
            return code
        if time.monotonic() > deadline:
            raise Unavailable(
                Phrase("Another DeskSeek is open and does not answer.", "另一个 DeskSeek 正在运行，但没有响应。"),
                Phrase("Close it, or end its process, and try again.", "请关闭它或结束其进程后重试。"),
                code="owner_busy",
            )
        pause.wait(0.05)


class _Server:
    """The listening socket and its clients."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._key = os.urandom(32)
        self._folder = _socket_folder()
        address = str(self._folder / "owner") if self._folder else None
        self._listener = Listener(address, "AF_UNIX" if address else "AF_PIPE")
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._visits: set[_Visit] = set()
        self._thread = threading.Thread(target=self._accept, name="owner", daemon=True)
        self._thread.start()

    def contact(self) -> bytes:
        return json.dumps({"address": self._listener.address, "key": self._key.hex(), "pid": os.getpid()}).encode()

    def close(self) -> None:
        with self._lock:
            self._closing.set()
            visits = list(self._visits)
        with contextlib.suppress(OSError), Client(self._listener.address):
            self._thread.join(5)  # the call above wakes it
        self._listener.close()
        for visit in visits:
            visit.cancel.cancel()
        deadline = time.monotonic() + 5
        for visit in visits:
            visit.ended.wait(max(0, deadline - time.monotonic()))
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError as error:
                log.warning("a command could not reach this process: %s", error)
                if self._closing.wait(0.1):
                    return
                continue
            with self._lock:
                if self._closing.is_set():
                    connection.close()
                    return
                visit = _Visit(connection, self._key, self._run)
                self._visits.add(visit)
            threading.Thread(target=self._receive, args=(visit,), name="owner client", daemon=True).start()

    def _receive(self, visit: "_Visit") -> None:
        try:
            visit.receive()
        finally:
            with self._lock:
                self._visits.discard(visit)


class _Visit:
    """One client: reads from it on one thread, so that its going is noticed, and runs its request on another."""

    def __init__(self, connection: Connection, key: bytes, run: Run) -> None:
        self.cancel = CancelToken()
        self.ended = threading.Event()
        self._connection = connection
        self._key = key
        self._run = run
        self._sending = threading.Lock()

    def receive(self) -> None:
        try:
            with self._connection:
                deliver_challenge(self._connection, self._key)
                answer_challenge(self._connection, self._key)
                message = json.loads(self._connection.recv_bytes(_LONGEST_REQUEST))
                request = CommandRequest(tuple(message["argv"]), message["cwd"], message["language"])
                worker = threading.Thread(target=self._work, args=(request,), name="command", daemon=True)
                worker.start()
                try:
                    while True:
                        self._connection.recv_bytes(_LONGEST_REQUEST)  # the only word left to say is cancel
                        self.cancel.cancel()
                finally:
                    self.cancel.cancel()
                    worker.join()
        except (EOFError, OSError, AuthenticationError):
            log.debug("a client has gone")
        except (ValueError, KeyError, TypeError) as error:
            log.warning("a client said something else than a command: %r", error)
        finally:
            self.ended.set()

    def _work(self, request: CommandRequest) -> None:
        code = EXIT_BUG
        try:
            output = Output(lambda text: self._tell(out=text), lambda text: self._tell(err=text))
            code = self._run(request, output, self.cancel)
        except Cancelled:
            code = EXIT_CANCELLED
        finally:
            with contextlib.suppress(Cancelled):
                self._tell(exit=code)
            self.ended.set()

    def _tell(self, **message: object) -> None:
        try:
            with self._sending:
                self._connection.send_bytes(json.dumps(message).encode())
        except OSError:
            self.cancel.cancel()
            raise Cancelled from None


def _contact(paths: Paths) -> Path:
    return paths.data / "owner.json"


def _socket_folder() -> Path | None:
    """A new folder for this user alone, with a path that is short enough for a socket in it; None on Windows."""
    if sys.platform == "win32":
        return None
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if base and len(os.fsencode(base)) < _LONGEST_PATH - len(f"/{_SOCKET_PREFIX}12345678/owner"):
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix=_SOCKET_PREFIX, dir=base))
    raise storage_error(FileNotFoundError(2, "no folder for a socket"), Path("/tmp"))


def _clear_socket(paths: Paths) -> None:
    """Remove the folder of the socket that a killed owner left behind."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        folder = Path(json.loads(_contact(paths).read_bytes())["address"]).parent
        if folder.name.startswith(_SOCKET_PREFIX):
            shutil.rmtree(folder, ignore_errors=True)


def _call(paths: Paths) -> Connection | None:
    """A connection to the owner, None if none answers."""
    try:
        contact: dict[str, Any] = json.loads(_contact(paths).read_bytes())
        return Client(contact["address"], authkey=bytes.fromhex(contact["key"]))
    except (OSError, EOFError, AuthenticationError, ValueError, KeyError, TypeError):
        return None


@contextlib.contextmanager
def _first_interrupt(call: Callable[[], object]) -> Iterator[None]:
    """While inside, the first Ctrl+C calls this and the reading goes on: a KeyboardInterrupt could come in the middle
    of a message, and what follows would be taken for the length of another. The second one interrupts. On Windows,
    whose waits end at a signal anyway, both do."""
    usual = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if sys.platform == "win32" or not main or usual is not signal.default_int_handler:
        yield
        return

    def first(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, usual)
        with contextlib.suppress(Unavailable):  # who reads will notice
            call()

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def _copy(connection: Connection, stdout: TextIO, stderr: TextIO) -> int:
    while True:
        try:
            message = json.loads(connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise _owner_gone() from error
        if "exit" in message:
            return int(message["exit"])
        stream, text = (stdout, message["out"]) if "out" in message else (stderr, message["err"])
        stream.write(text)
        stream.flush()


def _send(connection: Connection, message: dict[str, Any]) -> None:
    try:
        connection.send_bytes(json.dumps(message).encode())
    except OSError as error:
        raise _owner_gone() from error


def _owner_gone() -> Unavailable:
    return Unavailable(
        Phrase("DeskSeek ended while it worked on this.", "DeskSeek 在执行过程中退出了。"),
        Phrase("Start it again.", "请重新启动。"),
        code="owner_gone",
    )


if sys.platform == "win32":

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
