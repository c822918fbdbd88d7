"""The API and the engine in one process, which a benchmark asks by both ways.

    python -m tests.kit.api_child MODEL KEY '{"engine.threads": 2, …}'

It says `listening on PORT`. Then each line on standard input is a request, and each line on standard output its answer:

    {"direct": [[token, …], …], "generate": 128}   these prompts at once, by the engine itself: seconds, first tokens
    {"look": true}                                 the longest gaps of a Qt event loop and of the API's since the last
                                                   look, in seconds, and memory
"""

import asyncio
import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from PySide6.QtCore import QCoreApplication, QTimer

from backends.core.paths import Paths
from backends.core.secrets import Secrets
from backends.engine.protocol import Finished, GenerateRequest, ReasoningDelta, Sampling, TextDelta
from backends.services import Services
from backends.services.api import Serving

TICK = 10  # milliseconds between two looks of the event loop at its clock


class Pulse:
    """An event loop as the window has one, and how long it was ever kept from turning."""

    def __init__(self) -> None:
        self._last, self.longest = time.monotonic(), 0.0
        self._timer = QTimer(interval=TICK)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.monotonic()
        self.longest = max(self.longest, now - self._last - TICK / 1000)
        self._last = now


class ApiPulse:
    """The same of the event loop that the API has."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due, self.longest = loop.time(), 0.0
        loop.call_soon_threadsafe(self._beat)

    def _beat(self) -> None:
        now = self._loop.time()
        self.longest = max(self.longest, now - self._due)
        self._due = now + TICK / 1000
        self._loop.call_later(TICK / 1000, self._beat)


def main() -> None:
    model, key, asked = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
    app = QCoreApplication([])
    pulse = Pulse()
    with tempfile.TemporaryDirectory() as home:
        thread = threading.Thread(target=_serve, args=(Path(home), model, key, asked, pulse, app))
        thread.start()
        app.exec()
        thread.join()


def _serve(home: Path, model: Path, key: str, asked: dict[str, Any], pulse: Pulse, app: QCoreApplication) -> None:
    try:
        with Services.open(Paths.under(home)) as services:
            services.secrets = Secrets(candidates=())
            for name, value in asked.items():
                services.settings.set(name, value)
            local = services.library.add(model)
            for _ in services.loading.load(local):
                pass
            (url,) = services.api.start(Serving(port=0, keys=(key,)))
            assert services.api._server is not None
            assert services.api._server._loop is not None
            api_pulse = ApiPulse(services.api._server._loop)
            print(f"listening on {url.rpartition(':')[2]}", flush=True)
            for line in sys.stdin:
                wanted = json.loads(line)
                if "direct" in wanted:
                    said = _direct(services, wanted["direct"], wanted["generate"])
                else:
                    said = {
                        "gap": pulse.longest,
                        "api_gap": api_pulse.longest,
                        "memory": psutil.Process().memory_info().rss,
                    }
                    pulse.longest = api_pulse.longest = 0.0
                print(json.dumps(said), flush=True)
    finally:
        app.quit()


def _direct(services: Services, prompts: Sequence[Sequence[int]], generate: int) -> dict[str, Any]:
    """All at once; each heard as soon as something is said, on this thread."""
    said, began = threading.Event(), time.perf_counter()
    streams = []
    for prompt in prompts:
        request = GenerateRequest(
            (), Sampling(temperature=0), generate, priority="api", tokens=tuple(prompt), ignore_end=True
        )
        streams.append(services.engine.generate(request))
    for stream in streams:
        stream.on_wake(said.set)
    first: dict[int, float] = {}
    tokens = 0
    left = set(range(len(streams)))
    while left:
        said.wait()
        said.clear()
        now = time.perf_counter()
        for number in sorted(left):
            for event in streams[number].drain():
                if isinstance(event, TextDelta | ReasoningDelta):
                    first.setdefault(number, now - began)
                elif isinstance(event, Finished):
                    tokens += event.usage.completion_tokens
                    left.discard(number)
    return {
        "seconds": time.perf_counter() - began,
        "tokens": tokens,
        "first": [first.get(n) for n in range(len(streams))],
    }


if __name__ == "__main__":
    main()
