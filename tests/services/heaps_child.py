"""`python heaps_child.py FOLDER THREADS`: a running DeskSeek and that many threads that take memory at the same time.

Prints how many heaps glibc has for them.
"""

import ctypes
import sys
import tempfile
import threading
from pathlib import Path

from backends.core.paths import Paths
from backends.services import Services


def main(folder: Path, threads: int) -> None:
    glibc, all_there = ctypes.CDLL(None), threading.Barrier(threads + 1)

    def take() -> None:
        glibc.malloc(5000)
        all_there.wait()
        all_there.wait()

    with Services.open(Paths.under(folder)):
        for _ in range(threads):
            threading.Thread(target=take).start()
        all_there.wait()
        print(_heaps(glibc))
        all_there.wait()


def _heaps(glibc: ctypes.CDLL) -> int:
    """Of `malloc_info(3)`."""
    glibc.fdopen.restype = ctypes.c_void_p
    with tempfile.TemporaryFile() as file:
        stream = ctypes.c_void_p(glibc.fdopen(file.fileno(), b"w"))
        glibc.malloc_info(0, stream)
        glibc.fflush(stream)
        file.seek(0)
        return file.read().count(b"<heap nr=")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
