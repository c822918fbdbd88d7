"""What llama.cpp says while it works: into `logging`, and kept where a load must be understood.

llama.cpp has no other way to tell why a load failed or which layer went to which device.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LOG = logging.getLogger("llama.cpp")

_DEBUG, _INFO, _WARN, _ERROR, _CONTINUED = 1, 2, 3, 4, 5  # enum ggml_log_level
_LEVELS = {_DEBUG: logging.DEBUG, _INFO: logging.DEBUG, _WARN: logging.INFO, _ERROR: logging.WARNING}


class _Kept(threading.local):
    lines: list[tuple[int, str]] | None = None


@dataclass(slots=True)
class NativeLog:
    """Receives llama.cpp's log on whatever thread it speaks.

    What it says of a load it says on the thread that loads: two of them, each on its own thread, keep their own words.
    """

    _kept: _Kept = field(default_factory=_Kept)
    listener: Callable[[str], None] | None = None
    """Told every message besides, as it comes, on the thread that speaks: the quantiser has no other progress."""

    def receive(self, level: int, text: bytes) -> None:
        """One message; `_CONTINUED` ones (progress dots) are not worth keeping."""
        kept = self._kept.lines
        if level == _CONTINUED or (level == _DEBUG and kept is None and not LOG.isEnabledFor(logging.DEBUG)):
            return
        line = text.decode("utf-8", "replace").rstrip()
        if self.listener is not None:
            self.listener(line)
        if kept is not None:
            kept.append((level, line))
        LOG.log(_LEVELS.get(level, logging.DEBUG), "%s", line)

    @contextmanager
    def keep(self) -> "Iterator[Told]":
        """Keep what is said on this thread inside the block; read it after."""
        told, before = Told(), self._kept.lines
        self._kept.lines = told.lines
        try:
            yield told
        finally:
            self._kept.lines = before


@dataclass(frozen=True, slots=True)
class Told:
    """What llama.cpp said during one load."""

    lines: list[tuple[int, str]] = field(default_factory=list)

    @property
    def reason(self) -> str:
        """Its own words for the first thing that went wrong, without names of functions; empty if nothing did."""
        for level, line in self.lines:
            if level == _ERROR:
                function, colon, words = line.partition(": ")
                words = words if colon and " " not in function else line
                return printable(words.removeprefix("error loading model: ").strip())
        return ""

    def says(self, *phrases: str) -> bool:
        """Whether an error or a warning contains one of the phrases."""
        return any(level in (_WARN, _ERROR) and any(p in line for p in phrases) for level, line in self.lines)

    @property
    def layers(self) -> list[str]:
        """The device of each layer in order; the output layer comes last."""
        begin, middle = "load_tensors: layer", "assigned to device"
        placed = [line.partition(middle)[2] for _, line in self.lines if line.startswith(begin) and middle in line]
        return [name.partition(",")[0].strip() for name in placed]

    @property
    def compute_buffers(self) -> dict[str, int]:
        """Bytes for what is computed on the way, by the name of the buffer ("CPU", "CUDA0", "CUDA_Host")."""
        found: dict[str, int] = {}
        for _, line in self.lines:
            before, middle, size = line.partition(" compute buffer size = ")
            if middle:
                found[before.split()[-1]] = round(float(size.split()[0]) * 2**20)
        return found


def printable(words: str) -> str:
    """Names out of damaged files hold anything."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in words)
