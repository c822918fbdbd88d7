"""Memory that was freed goes back to the system. glibc alone has to be told; others do so by themselves.

glibc has a heap ("arena") for each of many threads, up to 8 for each processor core, and keeps what is free in it for
the next one (https://sourceware.org/glibc/wiki/MallocInternals). Where short-lived threads take some megabytes, another
heap each time, the process grows until all heaps have held that much.
"""

import ctypes
import sys
from collections.abc import Callable

HEAPS = 2
_M_ARENA_MAX = -8  # malloc.h


def few_heaps() -> None:
    """`HEAPS` for all threads together. At the start, before there are many: those that are there stay."""
    if (set_option := _of_glibc("mallopt")) is not None:
        set_option(_M_ARENA_MAX, HEAPS)


def give_back() -> None:
    """What is free in all heaps, but for the end of those that are not the first thread's. Some milliseconds."""
    if (trim := _of_glibc("malloc_trim")) is not None:
        trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
