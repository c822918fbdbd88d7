"""Work in native code that may end its process, or that reads what nobody vouches for, in a process of its own.

    with Child("backends.engine.child") as child:
        for answer in child.ask({"do": "measure", ...}, cancel=cancel, timeout=10):
            ...

and in that module, which runs as `python -m MODULE`:

    serve({"measure": measure})         # measure(request) -> Iterator of answers

One question is one line of JSON on the child's standard input, each answer one line on its standard output; what
libraries print goes to standard error. Its last 8 KB, or what the child wrote to LAST_WORDS in its working folder
(an empty one of its own), is what is told of a child that died. A child ends when its standard input does: it never
outlives its parent. It gets no lock, no log and no settings of the program. Its gate to the network (`gate`) is as
open as its parent's, and it tells its parent of attempts: such lines, both ways, begin with `!`.
"""

import contextlib
import ctypes
import dataclasses
import importlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from backends.core import errors
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, EngineError
from backends.core.gate import GATE, Attempt
from backends.core.patience import Patience
from backends.core.phrase import Phrase

LAST_WORDS = "last-words.txt"
Task = Callable[[dict[str, Any]], Iterator[Mapping[str, Any]]]

_LONGEST = 16 << 20  # bytes of an answer
_TAIL = 8000  # bytes of standard error
_ENDING = 5.0  # seconds for the pipes of a dead child to run dry
_DYING = 2.0  # seconds for a killed child to be gone: one that waits for a dead drive goes when the system lets it
_MARK = b"!"
_NAME = 200  # characters of what a child says it tried
_ERRORS = {
    kind.__name__: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BackendError)
}


class ChildDied(Exception):
    """The child ended, or was ended because it hung or spoke nonsense. `code` is its exit status, negative: a signal.

    `said`: its last words, an abort message of ggml for one, else the end of its standard error. May be empty.
    """

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"{_cause(code)}: {said}" if said else _cause(code))
        self.code = code
        self.said = said


class ChildHung(ChildDied):
    """It was ended because no answer came in time."""


class Child:
    """One child that answers questions, started by the first and again after it died. One question at a time.

    `ahead`: answers that are kept for who reads them slowly; a child that has more to say waits. None: any number.
    """

    def __init__(self, module: str, ahead: int | None = None) -> None:
        self._module, self._ahead = module, ahead
        self._process: _Process | None = None

    def ask(
        self,
        request: Mapping[str, Any],
        *,
        cancel: CancelToken,
        timeout: float | None = None,
        silence: float | None = None,
        work: float | None = None,
    ) -> Generator[dict[str, Any], None, None]:
        """The answers as they come. `timeout`: seconds for all of them; `silence`: to wait for each, without the time
        in which the child started, or this process or the system stood still; `work`: of the processor, for all.

        Raises the BackendError that the child raised; ChildDied, ChildHung; Cancelled. A cancelled question and one
        whose answers nobody reads to the end cost the child its life, since native code cannot be asked to stop.
        """
        cancel.check()
        deadline = None if timeout is None else time.monotonic() + timeout
        process = self._process = self._process or _Process(self._module, self._ahead)
        patience = Patience(process.pid, process.there, deadline, silence, work)
        lock, whole, over = threading.Lock(), False, False

        def stop() -> None:
            with lock:
                if not over:  # a cancel may come late, when the child answers somebody else
                    process.kill()
                    process.hang_up()

        forget = cancel.on_cancel(stop)
        try:
            process.send(json.dumps(request).encode() + b"\n")
            while "end" not in (answer := self._answer(process, cancel, patience)):
                yield answer
            whole = True
            if "error" in answer:
                raise _error(answer["error"])
        finally:
            forget()
            with lock:
                over = True
            if not whole:
                self.close()

    def _answer(self, process: "_Process", cancel: CancelToken, patience: Patience) -> dict[str, Any]:
        try:
            line = process.line(patience)
        except queue.Empty:
            code, said = process.end()
            raise ChildHung(code, f"no answer in time {said}".strip()) from None
        cancel.check()
        if not line:
            raise ChildDied(*process.end(patience=_ENDING))
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            code, said = process.end()
            raise ChildDied(code, f"not an answer: {line[:200]!r} {said}".strip())
        return answer

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """End the child, whatever it is doing. A later question starts another one."""
        process, self._process = self._process, None
        if process:
            process.end()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Process:
    """A running child: its pipes are read by threads, so that nothing it says can block it or us."""

    def __init__(self, module: str, ahead: int | None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="deskseek-"))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self._folder,
                env=_environment(),
                start_new_session=sys.platform != "win32",
                creationflags=_window_flags(),
            )
        except OSError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self.pid, self.there = self._process.pid, threading.Event()
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()  # an empty line: it said its last
        self._room = None if ahead is None else threading.Semaphore(ahead)
        self._ending = False
        self._tail = b""
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._input = self._process.stdin
        self._readers = [
            threading.Thread(target=reader, args=(pipe,), name=f"child {self.pid} {name}", daemon=True)
            for name, reader, pipe in (
                ("answers", self._read_answers, self._process.stdout),
                ("errors", self._read_errors, self._process.stderr),
            )
        ]
        for reader in self._readers:
            reader.start()
        self._forget = GATE.on_switched(self._tell_gate)
        self._tell_gate()

    def _tell_gate(self) -> None:
        """How open its gate is; it begins closed."""
        told = json.dumps({"offline": GATE.offline, "proxies": sorted(GATE.proxies)})
        with contextlib.suppress(ValueError):  # it is being ended at this moment
            self.send(_MARK + told.encode() + b"\n")

    def _read_answers(self, pipe: IO[bytes]) -> None:
        with pipe:
            while line := pipe.readline(_LONGEST):
                self.there.set()
                if line.startswith(_MARK):
                    _tell_of(line)
                    continue
                if self._room and not self._ending:
                    self._room.acquire()
                self._lines.put(line)
        self._lines.put(b"")

    def _read_errors(self, pipe: IO[bytes]) -> None:
        with pipe:
            while part := os.read(pipe.fileno(), 4096):
                self._tail = (self._tail + part)[-_TAIL:]

    def send(self, line: bytes) -> None:
        with contextlib.suppress(OSError):  # a dead child's last words come out of `line` and `end`
            self._input.write(line)
            self._input.flush()

    def line(self, patience: Patience) -> bytes:
        """The next line; empty if there is none any more. Raises queue.Empty if it does not come in time."""
        line = patience.line(self._lines)
        if self._room:
            self._room.release()
        return line

    def hang_up(self) -> None:
        """Who waits for a line waits no more: a killed child's pipes stay open while it waits for a dead drive."""
        self._lines.put(b"")

    def kill(self) -> None:
        """From any thread. Its own children go with it where there are process groups."""
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self._process.kill()
            elif self._process.poll() is None:
                os.killpg(self.pid, signal.SIGKILL)

    def end(self, *, patience: float = 0.0) -> tuple[int, str]:
        """Wait so many seconds for it to end by itself, then make sure of it; its exit status and last words. One that
        a kill does not end at once is left to the system."""
        self._ending = True
        self._forget()
        if self._room:
            self._room.release()  # whoever reads its answers, reads on to their end
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self.kill()
        try:
            code = self._process.wait(_DYING)
        except subprocess.TimeoutExpired:
            code = -getattr(signal, "SIGKILL", 9)
        else:
            for reader in self._readers:
                reader.join(_ENDING)
        with contextlib.suppress(OSError):
            self._input.close()
        words = _read(self._folder / LAST_WORDS) or self._tail.decode("utf-8", "replace").strip()
        shutil.rmtree(self._folder, ignore_errors=True)
        return code, words


def serve(tasks: Mapping[str, Task]) -> None:
    """Answer questions until standard input ends. To be called on the main thread of a child, and nowhere else.

    The task named by "do" is run with the request; a BackendError in it is an answer, any other exception the end.
    """
    _die_quietly()
    answers = os.dup(1)
    os.dup2(2, 1)
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    saying = threading.RLock()

    def say(answer: Mapping[str, Any], mark: bytes = b"") -> None:
        line = memoryview(mark + json.dumps(answer).encode() + b"\n")
        with saying:
            while line:
                line = line[os.write(answers, line) :]

    GATE.listen(lambda attempt: say(dataclasses.asdict(attempt), _MARK))
    GATE.install(offline=True)
    say({}, _MARK)  # it is there
    threading.Thread(target=_read_requests, args=(requests,), name="requests", daemon=True).start()

    while True:
        request = json.loads(requests.get())
        try:
            for answer in tasks[request["do"]](request):
                say(answer)
        except BackendError as error:
            say({"end": True, "error": _told(error)})
        else:
            say({"end": True})


def _read_requests(requests: queue.SimpleQueue[bytes]) -> None:
    # not sys.stdin: an interpreter that ends while a thread waits in that aborts, and its traceback is buried
    with open(os.dup(0), "rb") as pipe:
        while line := pipe.readline():
            if line.startswith(_MARK):
                told = json.loads(line[len(_MARK) :])
                GATE.set_offline(told["offline"], frozenset(told["proxies"]))
            else:
                requests.put(line)
    os._exit(0)  # the parent is gone, or wants no more; native code cannot be asked to stop


def _tell_of(line: bytes) -> None:
    """An attempt of a child, which may be any bytes: what reads documents of strangers is not trusted."""
    with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
        told = json.loads(line[len(_MARK) :])
        purpose, host, outcome = (str(told[name])[:_NAME] for name in ("purpose", "host", "outcome"))
        if outcome in ("offline", "lookup", "tried"):
            GATE.tell(Attempt(purpose, host, outcome))


def _die_quietly() -> None:
    """No core file and no window of the system when this process crashes."""
    if sys.platform == "win32":
        ctypes.windll.kernel32.SetErrorMode(0x8003)  # no boxes for critical errors, faults and missing files
    else:
        resource = importlib.import_module("resource")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _told(error: BackendError) -> dict[str, str]:
    return {
        "kind": type(error).__name__,
        "code": error.code,
        "en": error.message.en,
        "zh": error.message.zh,
        "hint_en": error.hint.en,
        "hint_zh": error.hint.zh,
    }


def _error(told: Mapping[str, str]) -> BackendError:
    message, hint = Phrase(told["en"], told["zh"]), Phrase(told["hint_en"], told["hint_zh"])
    return _ERRORS.get(told["kind"], EngineError)(message, hint, told["code"])


def _environment() -> dict[str, str]:
    """This program's own packages first, whatever the working folder; ggml starts no debugger on itself."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    ours = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1", "GGML_NO_BACKTRACE": "1"}
    return {**os.environ, **ours}


def _window_flags() -> int:
    """No console window, and Ctrl+C in ours is not the child's."""
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_bytes()[-_TAIL:].decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _cause(code: int) -> str:
    if code >= 0:
        return f"ended with {code}" if code < 256 else f"ended with 0x{code:08X}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"
