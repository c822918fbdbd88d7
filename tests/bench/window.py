"""How soon the window is on the screen, and what it costs when nothing happens.

    python -m tests.bench window [--runs 7] [--platform offscreen --platform xcb]

Each run is a process of its own with the same data folder, without a model; the first is a warm-up and not counted.
The clock starts before the process is made and stops when the first painting has been flushed. `xcb` starts an Xvfb
of its own.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.kit.screens import has_xvfb, xvfb

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_WINDOW, MIB_IDLE, TIMERS_IDLE = 1.0, 200, 0
IDLE_SECONDS = 5.0
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds from the start of the process; MiB and CPU seconds of the idle window."""

    imported: float
    application: float
    painted: float
    rss: float
    uss: float
    running: Sequence[str]  # timers
    events: Sequence[str]  # of timers, while idle
    cpu: float
    threads: int


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench window", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--platform", action="append", choices=("offscreen", "xcb"))
    options = parser.parse_args(arguments)
    good = True
    for platform in options.platform or ("offscreen", "xcb"):
        if platform == "xcb" and not has_xvfb():
            print("xcb: left out, there is no Xvfb here")
            continue
        with tempfile.TemporaryDirectory() as home, screen(platform) as environment:
            environment = {**os.environ, **environment, "DESKSEEK_HOME": home, "PYTHONPATH": str(ROOT)}
            measure(environment)
            good &= report(platform, [measure(environment) for _ in range(options.runs)])
    return 0 if good else 1


def screen(platform: str) -> AbstractContextManager[dict[str, str]]:
    """What to put into the environment for a screen of this kind."""
    return xvfb() if platform == "xcb" else contextlib.nullcontext({"QT_QPA_PLATFORM": platform})


def measure(environment: dict[str, str]) -> Run:
    began = time.monotonic_ns()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.kit.first_paint", str(began)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process, process.stdin as words, process.stdout as answers:
        moments = json.loads(answers.readline())
        watched = psutil.Process(process.pid)
        settle(process, watched)
        print("count", file=words, flush=True)
        before = cpu(watched)
        wait(process, IDLE_SECONDS)
        spent = cpu(watched) - before
        print("tell", file=words, flush=True)
        timers = json.loads(answers.readline())
        memory = watched.memory_full_info()
        threads = watched.num_threads()
        print("close", file=words, flush=True)
        assert process.wait(20) == 0
    return Run(**moments, **timers, rss=memory.rss / MIB, uss=memory.uss / MIB, cpu=spent, threads=threads)


def settle(process: "subprocess.Popen[str]", watched: psutil.Process) -> None:
    """Until it has done nothing for a second."""
    before = -1.0
    while (now := cpu(watched)) > before:
        before = now
        wait(process, 1)


def wait(process: "subprocess.Popen[str]", seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
        raise RuntimeError("the window has gone")


def cpu(watched: psutil.Process) -> float:
    times = watched.cpu_times()
    return times.user + times.system


def report(platform: str, runs: Sequence[Run]) -> bool:
    def median(name: str) -> float:
        return statistics.median(getattr(run, name) for run in runs)

    painted, rss = median("painted"), median("rss")
    timers = sorted({name for run in runs for name in (*run.running, *run.events)})
    span = f"{min(run.painted for run in runs):.2f}–{max(run.painted for run in runs):.2f}"
    print(f"\n{platform}, median of {len(runs)} runs, load of the machine {os.getloadavg()[0]:.1f}")
    print(f"window on the screen  {painted:6.2f} s    ({span}; limit {SECONDS_TO_WINDOW:.1f} s)")
    print(f"  Python and imports  {median('imported'):6.2f} s, QApplication {median('application'):.2f} s")
    print(f"memory when idle      {rss:6.0f} MiB  (USS {median('uss'):.0f} MiB; limit {MIB_IDLE} MiB of RSS)")
    print(f"timers when idle      {len(timers):6d}      (limit {TIMERS_IDLE}) {' '.join(timers)}")
    print(
        f"CPU in {IDLE_SECONDS:.0f} s of idling {median('cpu') * 1000:6.0f} ms   with {median('threads'):.0f} threads"
    )
    return painted <= SECONDS_TO_WINDOW and rss <= MIB_IDLE and len(timers) <= TIMERS_IDLE
