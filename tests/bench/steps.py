"""Python's time between two llama_decode calls: wanted under 0.3 ms with one sequence, under 1 ms with eight.

    python -m tests.bench steps [--model PATH] [--threads N] [--steps 300] [--rounds 5] [--quick]

Timestamps are taken around every call of llama.cpp's C API on the engine's thread: what lies between the end of a
`llama_decode` and the begin of the next one is sampling's native time, other native calls, and the rest, which is
Python (numpy included, waiting for the interpreter's lock, too). All of it greedy, and once more with top_k 40; medians
over the steps of a round. By default a random model of 153M parameters with the vocabulary of R1's: sampling is as
long as there, and steps are many.
"""

import random
import statistics
import tempfile
import threading
import time
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from backends.engine import native
from backends.engine.loader import NativeEngine
from backends.engine.protocol import GenerateRequest, LoadRequest, Sampling
from tests.kit import peers
from tests.kit.ggufs import BENCH_SHAPE, Quant, random_model

WANTED = {1: 0.3, 8: 1.0}  # ms
SAMPLINGS = {"greedy": Sampling(temperature=0), "top_k 40": Sampling(temperature=0.8, top_k=40, top_p=1.0)}
VOCABULARY = 151936


def main(arguments: Sequence[str]) -> int:
    def more(parser: ArgumentParser) -> None:
        parser.add_argument("--steps", type=int, default=300)

    given = peers.options(__doc__ or "", "steps", arguments, more=more)
    if given.quick:
        given.steps = 40
    with tempfile.TemporaryDirectory() as folder:
        model = given.model
        if model is None:
            model = random_model(
                Path(folder) / "wide.gguf", shape=replace(BENCH_SHAPE, vocabulary=VOCABULARY), quant=Quant.Q8_0
            )
        good = _measure(model, given.threads, given.steps, given.rounds, peers.Patience(given.patience))
    return 0 if good else 1


def _measure(model: Path, threads: int, steps: int, rounds: int, patience: peers.Patience) -> bool:
    size, chance, good = peers.vocabulary(model), random.Random(1), True
    with _timed() as clock:
        engine = NativeEngine()
        list(engine.load(LoadRequest(model, 16384, gpu_layers=0, threads=threads, parallel=max(WANTED), lookup=False)))
        try:
            for count, limit in WANTED.items():
                for name, sampling in SAMPLINGS.items():
                    runs = []
                    for _ in range(rounds):
                        patience.wait()
                        clock.clear()
                        streams = [
                            engine.generate(
                                GenerateRequest(
                                    (),
                                    sampling,
                                    steps,
                                    tokens=tuple(chance.randrange(size) for _ in range(4)),
                                    ignore_end=True,
                                )
                            )
                            for _ in range(count)
                        ]
                        for stream in streams:
                            for _ in stream.gulps():
                                pass
                        runs.append(clock.between())
                    good &= _show(f"{count} sequence{'s' * (count > 1)}, {name}", runs, limit)
        finally:
            engine.close()
    return good


def _show(name: str, runs: list[dict[str, float]], limit: float) -> bool:
    """Milliseconds of a step: medians of the rounds, and Python's of every round."""
    middle = {part: statistics.median(run[part] for run in runs) for part in runs[0]}
    python = " ".join(f"{run['python']:.3f}" for run in runs)
    good = middle["python"] <= limit
    print(
        f"{name}: python {middle['python']:.3f} ms ({python}), wanted under {limit}{'' if good else '  !'}; "
        f"sampling {middle['sampling']:.3f}, other native {middle['native']:.3f}, decode {middle['decode']:.3f}",
        flush=True,
    )
    return good


class Clock:
    """Calls on the engine's thread: name, begin, end."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float, float]] = []

    def clear(self) -> None:
        self.calls = []

    def between(self) -> dict[str, float]:
        """Medians in ms over the steps: "python", "sampling", "native" (other calls), "decode"."""
        parts: dict[str, list[float]] = defaultdict(list)
        places = [index for index, (name, _, _) in enumerate(self.calls) if name == "llama_decode"]
        for first, second in pairwise(places[4:-1]):  # without prefill and the end
            inside = self.calls[first + 1 : second]
            gap = self.calls[second][1] - self.calls[first][2]
            sampling = sum(end - begin for name, begin, end in inside if "sampler" in name)
            native_time = sum(end - begin for name, begin, end in inside if "sampler" not in name)
            parts["python"].append(gap - sampling - native_time)
            parts["sampling"].append(sampling)
            parts["native"].append(native_time)
            parts["decode"].append(self.calls[first][2] - self.calls[first][1])
        return {name: 1000 * statistics.median(values) for name, values in parts.items()}


@contextmanager
def _timed() -> Iterator[Clock]:
    """Every function of the C API notes when it is called on the engine's thread. What it costs is some 0.2 µs."""
    llama, clock = native.library().llama, Clock()
    clock_time, thread = time.perf_counter, threading.current_thread

    def wrapped(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            begin = clock_time()
            result = function(*arguments)
            end = clock_time()
            if thread().name == "engine":
                clock.calls.append((name, begin, end))
            return result

        return call

    found = {
        name: function
        for name, function in vars(llama).items()
        if name.startswith(("llama_decode", "llama_sampler", "llama_get", "llama_memory", "llama_synchronize"))
        and callable(function)
        and not isinstance(function, type)
    }
    for name, function in found.items():
        setattr(llama, name, wrapped(name, function))
    try:
        yield clock
    finally:
        for name, function in found.items():
            setattr(llama, name, function)
