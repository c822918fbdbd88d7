"""How much of the machine other programs take while something is measured."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

import psutil

R = TypeVar("R")


def watched(run: Callable[[], R]) -> tuple[R, float]:
    """What `run` gives, and how much of a core other programs took meanwhile."""
    begin, before = time.monotonic(), foreign_seconds()
    result = run()
    return result, (foreign_seconds() - before) / (time.monotonic() - begin)


def foreign_seconds() -> float:
    """Processor time of the machine that is not ours or our children's."""
    machine = psutil.cpu_times()
    own = os.times()
    busy = sum(machine) - machine.idle - getattr(machine, "iowait", 0) - getattr(machine, "guest", 0)
    return busy - (own.user + own.system + own.children_user + own.children_system)
