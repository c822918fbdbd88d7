"""One set-up of a project at a time.

The lock is the kernel's, so a killed set-up leaves none behind. On POSIX the open file is handed to pip as well:
while the pip of a killed set-up still writes into the environment, the next set-up waits for it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.core.phrase import Phrase
from installers.words import say

if os.name == "nt":
    import msvcrt

    def _lock(file: int, *, wait: bool) -> None:
        """LK_LOCK gives up with OSError after ten tries of a second each; the caller asks again."""
        msvcrt.locking(file, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int, *, wait: bool) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


@contextmanager
def exclusive(path: Path) -> Iterator[int]:
    """Hold the lock file at `path`, waiting for whoever has it; yields its file descriptor for children to keep."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(file, wait=False)
        except OSError:
            say(Phrase("Another set-up is at work; waiting for it.", "另一个安装正在进行，请稍候。"))
            _wait(file)
        yield file
    finally:
        os.close(file)


def kept(guard: int) -> tuple[int, ...]:
    """The files that a child is to keep open: the lock stays taken while the child lives, whoever is killed."""
    return () if os.name == "nt" else (guard,)


def _wait(file: int) -> None:
    while True:
        try:
            return _lock(file, wait=True)
        except OSError:
            if os.name != "nt":
                raise
