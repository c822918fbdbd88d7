"""A child that does as it is told: `python -m tests.core.bad_child`."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends.core.child import LAST_WORDS, serve
from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase

Answers = Iterator[dict[str, Any]]


def count(request: dict[str, Any]) -> Answers:
    for number in range(request["to"]):
        yield {"number": number}


def talk(request: dict[str, Any]) -> Answers:
    """Long answers; before each, "said" is how many there were."""
    said = Path(request["said"])
    for number in range(request["to"]):
        whole = said.with_suffix(".new")
        whole.write_text(str(number), encoding="ascii")
        whole.replace(said)  # nobody reads half of one number and half of the next
        yield {"number": number, "words": "x" * 65_536}


def who(_: dict[str, Any]) -> Answers:
    yield {
        "pid": os.getpid(),
        "folder": str(Path.cwd()),
        "files": [path.name for path in Path().iterdir()],
        "session": os.getsid(0) if sys.platform != "win32" else 0,
        "path": sys.path,
    }


def refuse(_: dict[str, Any]) -> Answers:
    yield {"number": 0}
    raise InvalidInput(Phrase("No.", "不。"), Phrase("Ask again.", "再问。"), "no_way")


def hang(_: dict[str, Any]) -> Answers:
    yield {"pid": os.getpid()}
    threading.Event().wait()


def work(_: dict[str, Any]) -> Answers:
    yield {"pid": os.getpid()}
    while True:
        pass


def hang_with_child(_: dict[str, Any]) -> Answers:
    other = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
    yield {"pid": other.pid}
    other.wait()


def leave_pipe(_: dict[str, Any]) -> Answers:
    """To a process that is in no group of ours."""
    pipes = [int(path.name) for path in Path("/proc/self/fd").iterdir() if _is_pipe(path)]
    waits = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    other = subprocess.Popen(waits, start_new_session=True, pass_fds=pipes)
    yield {"pid": other.pid}
    other.wait()


def die(request: dict[str, Any]) -> Answers:
    yield {"number": 0}
    print(request.get("words", ""), file=sys.stderr, flush=True)
    os.kill(os.getpid(), request["signal"])
    signal.pause()


def fault(_: dict[str, Any]) -> Answers:
    yield {"number": 0}
    ctypes.string_at(8)


def abort_with_words(_: dict[str, Any]) -> Answers:
    Path(LAST_WORDS).write_text("GGML_ASSERT(everything) failed", encoding="utf-8")
    print("much else", file=sys.stderr, flush=True)
    os.abort()
    yield {}


def leave(_: dict[str, Any]) -> Answers:
    os._exit(7)
    yield {}


def bug(_: dict[str, Any]) -> Answers:
    yield {"number": 1 // 0}


def chatter(_: dict[str, Any]) -> Answers:
    """What a library says on standard output, from Python and from C, and more than any pipe holds."""
    print("hello", flush=True)
    os.write(1, b"{not json\n" * 50_000)
    os.write(2, b"\xff\xfe" * 200_000)
    yield {"number": 1}


def garbage(request: dict[str, Any]) -> Answers:
    """What serve() makes impossible: onto the pipe of answers itself."""
    pipe = min(int(path.name) for path in Path("/proc/self/fd").iterdir() if _is_pipe(path))
    os.write(pipe, request["bytes"].encode("latin-1"))
    yield {"number": 1}


def _is_pipe(path: Path) -> bool:
    """The answers' pipe was opened first after the standard ones; the questions' is read by a thread, from a dup."""
    try:
        return int(path.name) > 2 and str(path.readlink()).startswith("pipe:")
    except OSError:
        return False


TASKS = {
    "count": count,
    "talk": talk,
    "who": who,
    "refuse": refuse,
    "hang": hang,
    "work": work,
    "hang with child": hang_with_child,
    "leave the pipe to another": leave_pipe,
    "die": die,
    "fault": fault,
    "abort with words": abort_with_words,
    "leave": leave,
    "bug": bug,
    "chatter": chatter,
    "garbage": garbage,
}

if __name__ == "__main__":
    serve(TASKS)
