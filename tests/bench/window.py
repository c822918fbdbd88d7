"""The window: seconds to its first paint (limit 1.0), memory idle without a model (limit 200 MiB), idle work (none).

Each round starts a fresh process on a fresh data folder, offscreen unless `--display` is given. The time runs from
before the process is made. Idle is measured five seconds after the last thing happened.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

LIMIT_SECONDS = 1.0
LIMIT_BYTES = 200 << 20
IDLE_MS = 5000


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench window")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--display", action="store_true", help="on the real screen")
    parser.add_argument("--child", type=float, metavar="STARTED", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child is not None:
        return _child(options.child)
    results = [_round(options.display) for _ in range(options.rounds + 1)][1:]  # the first one warms the cache
    seconds = sorted(result["painted_s"] for result in results)
    memory = max(result["rss"] for result in results)
    print(
        f"first paint   {seconds[len(seconds) // 2]:.2f} s (best {seconds[0]:.2f}, worst {seconds[-1]:.2f}); "
        f"limit {LIMIT_SECONDS:.1f} s; {os.cpu_count()} cores"
    )
    print(f"idle memory   {memory / 2**20:.0f} MiB; limit {LIMIT_BYTES >> 20} MiB")
    print(f"idle timers   {max(result['timers'] for result in results)}; limit 0")
    print(f"idle CPU      {max(result['cpu_s'] for result in results):.2f} s in {IDLE_MS / 1000:.0f} s")
    return 0


def _round(display: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home:
        environment = dict(os.environ, DESKSEEK_HOME=home)
        if not display:
            environment["QT_QPA_PLATFORM"] = "offscreen"
        command = [sys.executable, "-m", "tests.bench", "window", "--child", repr(time.time())]
        root = Path(__file__).resolve().parents[2]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])


def _child(started: float) -> int:
    from PySide6.QtCore import QEvent, QObject, QTimer

    from app.__main__ import Session
    from app.application import Application
    from backends.core.owner import Owner
    from backends.core.paths import Paths

    class FirstPaint(QObject):
        seconds = 0.0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() is QEvent.Type.Paint and not self.seconds:
                self.seconds = time.time() - started
            return False

    paths = Paths.find()
    app = Application(["deskseek"])
    first = FirstPaint()
    app.installEventFilter(first)
    owner = Owner.acquire(paths)
    assert owner is not None
    with contextlib.closing(owner), Session(app, paths, owner, []) as session:
        session.window.show()
        QTimer.singleShot(0, session.open)

        def rested() -> None:
            app.removeEventFilter(first)
            before = time.process_time()
            QTimer.singleShot(IDLE_MS, lambda: report(before))

        def report(before: float) -> None:
            import psutil

            timers = list(session.findChildren(QTimer) + session.window.findChildren(QTimer))
            result = {
                "painted_s": first.seconds,
                "rss": psutil.Process().memory_info().rss,
                "timers": sum(timer.isActive() for timer in timers),
                "cpu_s": time.process_time() - before,
            }
            print(json.dumps(result), flush=True)
            session.window.close()
            app.quit()

        once = session.pump.rested.connect(lambda: (session.pump.rested.disconnect(once), rested()))
        app.exec()
    return 0
