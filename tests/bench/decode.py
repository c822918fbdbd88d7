"""Decoding through the engine against llama-bench, on the same file and threads, by turns. Wanted: 0.97.

llama-bench is built from the source archive of the same llama-cpp-python, outside of the checkout:

    pip download --no-deps --no-binary :all: --no-build-isolation llama-cpp-python==0.3.36
    tar xf llama_cpp_python-0.3.36.tar.gz
    cmake -S llama_cpp_python-0.3.36/vendor/llama.cpp -B llama.cpp -DCMAKE_BUILD_TYPE=Release \
        -DLLAMA_CURL=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_TESTS=OFF
    cmake --build llama.cpp --target llama-bench -j 2

    python -m tests.bench decode --llama-bench llama.cpp/bin/llama-bench

Without `--model` it is a random qwen2 of 153M parameters in Q8_0. llama-bench measures `llama_decode` alone;
ours is all that a consumer of the stream waits for: sampling, text, events, another thread that takes them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gguf import GGMLQuantizationType as Quant

from backends.engine.loader import NativeEngine
from backends.engine.loading import threads
from backends.engine.protocol import Finished, GenerateRequest, LoadRequest, Sampling, Turn
from tests.kit.ggufs import BENCH_SHAPE, random_model
from tests.kit.quiet import watched

STORY = __doc__ or ""
ROOT = Path(__file__).resolve().parents[2]
TARGET = 0.97
QUIET = 0.15  # of a core
PEER = "llama-bench"
ASK = "deskseek ask"  # greedy, the whole process; threads as it chooses them
SAMPLINGS = {"ours, greedy": Sampling(temperature=0), "ours, 0.6 and 0.95": Sampling(seed=1)}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench decode", description=STORY.splitlines()[0])
    parser.add_argument("--llama-bench", type=Path, default=os.environ.get("LLAMA_BENCH"))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=threads())
    parser.add_argument("--patience", type=float, default=300, help="seconds to wait for rounds without disturbance")
    options = parser.parse_args(arguments)
    if options.llama_bench is None or not Path(options.llama_bench).is_file():
        print("Where is llama-bench? --llama-bench PATH or LLAMA_BENCH; how to build it:\n" + STORY, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        model = options.model
        if model is None:
            model = random_model(Path(folder) / "bench-153M-Q8_0.gguf", shape=BENCH_SHAPE, quant=Quant.Q8_0)
        bench = Bench(Path(options.llama_bench), model, options.tokens, options.threads)
        until = time.monotonic() + options.patience
        figures: Figures = {name: [] for name in (PEER, ASK, *SAMPLINGS)}
        for _ in range(options.rounds):
            for name, rates in figures.items():
                rates.append(undisturbed(name, bench, until))
    report(bench, figures)
    return 0


Figures = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Bench:
    llama_bench: Path
    model: Path
    tokens: int
    threads: int

    def rate(self, name: str) -> float:
        """Tokens a second of llama-bench, or of ours with one of the samplings."""
        if name == PEER:
            return self.peer()
        return self.ask() if name == ASK else self.ours(SAMPLINGS[name])

    def ask(self) -> float:
        options = ["--context", 4096, "--temperature", 0, "--max-tokens", self.tokens]
        command = [sys.executable, "-m", "backends", "ask", "--json", "--model", self.model, *options, "hello"]
        with tempfile.TemporaryDirectory() as home:
            environment = {**os.environ, "DESKSEEK_HOME": home}
            told = subprocess.run(
                [str(part) for part in command], env=environment, capture_output=True, check=True, cwd=ROOT
            ).stdout
        finished = json.loads(told.splitlines()[-1])["finished"]
        assert finished["usage"]["completion_tokens"] == self.tokens
        return finished["timings"]["decode_tokens_per_s"]

    def peer(self) -> float:
        command = [
            self.llama_bench,
            "-m",
            self.model,
            "-t",
            self.threads,
            "-p",
            0,
            "-n",
            self.tokens,
            "-r",
            1,
            "-o",
            "json",
        ]
        told = subprocess.run([str(part) for part in command], capture_output=True, check=True).stdout
        return json.loads(told)[0]["avg_ts"]

    def ours(self, sampling: Sampling) -> float:
        """As llama-bench does it: warm up, then one run."""
        engine, rate = NativeEngine(), 0.0
        try:
            list(engine.load(LoadRequest(self.model, context=4096, gpu_layers=0, threads=self.threads)))
            for count in (8, self.tokens):
                request = GenerateRequest([Turn("user", "hello")], sampling, max_tokens=count)
                for events in engine.generate(request).gulps():  # as `deskseek ask` does
                    if isinstance(event := events[-1], Finished):
                        assert event.usage.completion_tokens == count
                        rate = event.timings.decode_tokens_per_s
        finally:
            engine.close()
        return rate


def undisturbed(name: str, bench: Bench, until: float) -> float:
    """A measurement during which other programs took little of the machine; when patience is at its end, any."""
    while True:
        while watched(lambda: time.sleep(0.5))[1] > QUIET and time.monotonic() < until:
            pass
        rate, share = watched(lambda: bench.rate(name))
        counts = share < QUIET or time.monotonic() > until
        remark = "" if counts else ", not counted"
        print(f"{name:20} {rate:8.1f} tokens/s; others took {share:.0%} of a core{remark}", flush=True)
        if counts:
            return rate


def report(bench: Bench, figures: Figures) -> None:
    print(
        f"\n{bench.model.name}, {bench.threads} threads, {bench.tokens} tokens, median of {len(figures[PEER])} (best)"
    )
    peer = figures[PEER]
    for name, ours in figures.items():
        ratio, best = statistics.median(ours) / statistics.median(peer), max(ours) / max(peer)
        figure = "" if name == PEER else f"   ratio {ratio:.3f} ({best:.3f}), wanted {TARGET}"
        print(f"{name:20} {statistics.median(ours):8.1f} ({max(ours):.1f}) tokens/s{figure}")
