"""What the API costs: against the engine asked directly, and against llama-server by the same client.

    python -m tests.bench api --llama-server PATH [--streams 8] [--prompt 128] [--generate 128] [--rounds 5] [--quick]
        [--only cost|first|together|crowd]

cost        eight streams by HTTP and by the engine itself, in one process and by turns: throughput lost, at most 3 %
first       a short prompt by both ways, by turns: what the API adds to the time to first token, at most 5 ms (median);
            with a large model that is less than what a prompt's own time varies by: see --small
together    eight streams of /v1/completions against llama-server -np 8 -kvu, the same file, threads and client: 1.05
crowd       200 connections ask at once: every one is answered, with 200, 429 or 503; meanwhile neither the API's event
            loop nor one as the window has in the same process stands still for 100 ms, and /health is asked
"""

import http.client
import json
import random
import statistics
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kit import load_client, peers
from tests.kit.load_client import Way
from tests.kit.peers import ROOT, Figures

KEY = "a-key-for-benchmarks-0123456789"
LOST, FIRST, TOGETHER, LATENCY = 0.97, 0.005, 1.05, 0.1
CONNECTIONS, PROBES = 200, 0.02


def main(arguments: Sequence[str]) -> int:
    def more(parser: ArgumentParser) -> None:
        parser.add_argument("--streams", type=int, default=8)
        parser.add_argument("--prompt", type=int, default=128)
        parser.add_argument("--generate", type=int, default=128)
        parser.add_argument("--pairs", type=int, default=20, help="pairs of eight streams")
        parser.add_argument("--firsts", type=int, default=30, help="pairs of short prompts")
        parser.add_argument("--only", choices=("cost", "first", "together", "crowd"))

    given = peers.options(__doc__ or "", "api", arguments, "llama-server", more=more)
    if given.quick:
        given.prompt, given.generate, given.pairs, given.firsts = 16, 16, 3, 5
    with peers.model_of(given) as model:
        bench = Bench(given, model)
        parts = {"cost": bench.cost, "first": bench.first, "together": bench.together, "crowd": bench.crowd}
        good = [part() for name, part in parts.items() if given.only in (None, name)]
    return 0 if all(good) else 1


class Bench:
    def __init__(self, given: Namespace, model: Path) -> None:
        self._given, self._model = given, model
        self._size, self._chance = peers.vocabulary(model), random.Random(1)

    def cost(self) -> bool:
        given = self._given
        with self._ours() as served:

            def prompts() -> list[list[int]]:
                return [self._prompt(given.prompt) for _ in range(given.streams)]

            return peers.paired(
                f"{given.streams} streams by the API",
                "the engine itself",
                lambda: served.by_api(prompts(), given.generate)[0],
                lambda: served.direct(prompts(), given.generate)[0],
                given.pairs,
                LOST,
            )

    def first(self) -> bool:
        added: list[float] = []
        with self._ours() as served:
            served.by_api([self._prompt(16)], 2)
            served.direct([self._prompt(16)], 2)
            for number in range(self._given.firsts):
                by = [served.by_api, served.direct] if number % 2 == 0 else [served.direct, served.by_api]
                times = {way.__name__: way([self._prompt(16)], 2)[1] for way in by}
                added.append(times["by_api"] - times["direct"])
        median = statistics.median(added)
        good = median <= FIRST
        shown = " ".join(f"{1000 * one:.1f}" for one in sorted(added))
        mark = "" if good else "  !"
        print(f"added to the first token: median {1000 * median:.2f} ms, wanted at most 5{mark} ({shown})")
        return good

    def together(self) -> bool:
        given = self._given
        figures = Figures(f"{given.streams} streams of /v1/completions", "tokens/s", TOGETHER)
        context = given.streams * (given.prompt + given.generate + 8)
        for number in range(given.rounds):
            for side in ("peer", "ours") if number % 2 == 0 else ("ours", "peer"):
                prompts = [self._prompt(given.prompt) for _ in range(given.streams)]
                if side == "ours":
                    with self._ours() as served:
                        served.by_api([self._prompt(32)], 8)
                        figures.ours.append(served.by_api(prompts, given.generate)[0])
                else:
                    asked: dict[str, Any] = {"threads": given.threads, "context": context, "parallel": given.streams}
                    with peers.llama_server(given.llama_server, self._model, **asked) as server:
                        ask(server.port, [self._prompt(32)], 8)
                        figures.peer.append(ask(server.port, prompts, given.generate)[0])
                print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        return figures.show("llama-server")

    def crowd(self) -> bool:
        with self._ours() as served:
            served.by_api([self._prompt(32)], 8)
            served.look()
            memory, delays = [], []
            for _ in range(2 if self._given.quick else 5):
                statuses, delay = _crowd(served.port, [self._prompt(16) for _ in range(CONNECTIONS)])
                delays.append(delay)
                gap, api_gap, rss = served.look()
                memory.append(rss)
                good = set(statuses) <= {200, 429, 503} and sum(statuses.values()) == CONNECTIONS and statuses[200] > 0
                good = good and api_gap <= LATENCY and gap <= LATENCY
                told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
                print(
                    f"{CONNECTIONS} connections: {told}; event loops at most {1000 * api_gap:.0f} ms (API) and "
                    f"{1000 * gap:.0f} ms (window), /health {1000 * delay:.0f} ms{'' if good else '  !'}; "
                    f"{rss / 2**20:.0f} MiB"
                )
                if not good:
                    return False
        return memory[-1] - memory[1] < 16 << 20

    def _prompt(self, count: int) -> list[int]:
        return [self._chance.randrange(self._size) for _ in range(count)]

    @contextmanager
    def _ours(self) -> Iterator["Served"]:
        given = self._given
        context = max(1024, given.streams * (given.prompt + given.generate + 8))
        settings = {"engine.threads": given.threads, "engine.parallel": given.streams, "models.context": context}
        settings |= {"engine.try_first": False, "engine.lookup": False, "engine.warm": False, "engine.gpu_layers": 0}
        command = [sys.executable, "-m", "tests.kit.api_child", self._model, KEY, json.dumps(settings)]
        with subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            try:
                yield Served(process)
            finally:
                assert process.stdin is not None
                process.stdin.close()
                process.wait(60)


class Served:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        line = self._read()
        assert line.startswith("listening on "), line
        self.port = int(line.split()[-1])

    def by_api(self, prompts: Sequence[Sequence[int]], generate: int) -> tuple[float, float]:
        return ask(self.port, prompts, generate)

    def direct(self, prompts: Sequence[Sequence[int]], generate: int) -> tuple[float, float]:
        said = self._ask({"direct": prompts, "generate": generate})
        return said["tokens"] / said["seconds"], statistics.median(one for one in said["first"] if one is not None)

    def look(self) -> tuple[float, float, int]:
        """Seconds: the longest gaps of the window's event loop and of the API's; bytes."""
        said = self._ask({"look": True})
        return said["gap"], said["api_gap"], said["memory"]

    def _ask(self, wanted: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        return json.loads(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def ask(port: int, prompts: Sequence[Sequence[int]], generate: int) -> tuple[float, float]:
    """Tokens a second of all together, and the median time to first token."""
    bodies = [
        {
            "prompt": list(prompt),
            "max_tokens": generate,
            "temperature": 0,
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        for prompt in prompts
    ]
    told = load_client.ask(port, bodies, way=Way("/v1/completions", KEY))
    tokens = sum(one.last["usage"]["completion_tokens"] for one in told)
    assert tokens == len(prompts) * generate, tokens
    rate = tokens / (max(one.end for one in told) - min(one.asked for one in told))
    return rate, statistics.median(one.ttft for one in told)


def _crowd(port: int, prompts: Sequence[Sequence[int]]) -> tuple[Counter[int], float]:
    """How so many were answered who asked at once; and the longest that /health took meanwhile, in seconds."""
    over, worst = threading.Event(), 0.0

    def probe() -> None:
        nonlocal worst
        while not over.wait(PROBES):
            began = time.perf_counter()
            connection.request("GET", "/health")
            connection.getresponse().read()
            worst = max(worst, time.perf_counter() - began)

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/health")  # it is let in before the others come
    connection.getresponse().read()
    thread = threading.Thread(target=probe)
    thread.start()
    bodies = [{"prompt": list(prompt), "max_tokens": 8, "temperature": 0, "stream": False} for prompt in prompts]
    statuses = load_client.statuses(port, bodies, Way("/v1/completions", KEY))
    over.set()
    thread.join()
    connection.close()
    return Counter(statuses), worst
