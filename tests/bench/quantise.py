"""Quantising against llama-quantize, on the same file and threads, by turns. Wanted: 0.95 of its speed.

llama-quantize is built from the source archive of the same llama-cpp-python, outside of the checkout:

    pip download --no-deps --no-binary :all: --no-build-isolation llama-cpp-python==0.3.36
    tar xf llama_cpp_python-0.3.36.tar.gz
    cmake -S llama_cpp_python-0.3.36/vendor/llama.cpp -B llama.cpp -DCMAKE_BUILD_TYPE=Release \
        -DLLAMA_CURL=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_TESTS=OFF
    cmake --build llama.cpp --target llama-quantize -j 2

    python -m tests.bench quantise --llama-quantize llama.cpp/bin/llama-quantize

Without `--model` it is a random qwen2 of 153M parameters in F16. Seconds of the whole process of llama-quantize, and of
all that ours does: a child is started, the result is planned, written, flushed to the disk and renamed. Both write the
same bytes, which is checked. The second line of each round is processor time, which other programs disturb less.
"""

import argparse
import filecmp
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.engine.loading import threads
from backends.engine.quantise import QUANTS, NativeQuantiser
from tests.kit.ggufs import BENCH_SHAPE, random_model
from tests.kit.quiet import watched

STORY = __doc__ or ""
TARGET = 0.95
Figures = list[tuple[float, float]]  # seconds, seconds of processor


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench quantise", description=STORY.splitlines()[0])
    parser.add_argument("--llama-quantize", type=Path, default=os.environ.get("LLAMA_QUANTIZE"))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--quant", choices=QUANTS, default="Q4_K_M")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=threads())
    options = parser.parse_args(arguments)
    if options.llama_quantize is None or not Path(options.llama_quantize).is_file():
        print("Where is llama-quantize? --llama-quantize PATH or LLAMA_QUANTIZE; how to build it:\n" + STORY)
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = options.model or random_model(folder / "bench-153M-F16.gguf", shape=BENCH_SHAPE)
        theirs, ours = folder / "theirs.gguf", folder / "ours.gguf"
        peers, own = [], []
        for number in range(options.rounds):
            pairs = [
                ("llama-quantize", peers, lambda: peer(options, source, theirs)),
                ("ours", own, lambda: quantise(options, source, ours)),
            ]
            for label, figures, run in pairs if number % 2 else reversed(pairs):
                figures.append(measured(label, run))
            if not filecmp.cmp(theirs, ours, shallow=False):
                print("the files differ", file=sys.stderr)
                return 1
            theirs.unlink()
            ours.unlink()
        print(f"\n{source.name} to {options.quant}, {options.threads} threads, median of {options.rounds} (best)")
        return 0 if report(peers, own) >= TARGET else 1


def peer(options: argparse.Namespace, source: Path, target: Path) -> None:
    command = [options.llama_quantize, source, target, options.quant, options.threads]
    subprocess.run([str(part) for part in command], capture_output=True, check=True)


def quantise(options: argparse.Namespace, source: Path, target: Path) -> None:
    steps = NativeQuantiser().quantise(
        source, target, options.quant, threads=options.threads, dry_run=False, cancel=CancelToken()
    )
    for _ in steps:
        pass


def measured(label: str, run: Callable[[], None]) -> tuple[float, float]:
    before, begin = processor(), time.perf_counter()
    _, share = watched(run)
    seconds, used = time.perf_counter() - begin, processor() - before
    print(f"{label:16} {seconds:7.2f} s; {used:7.2f} s of processor; others took {share:.0%} of a core", flush=True)
    return seconds, used


def processor() -> float:
    """Seconds of this process and its children that have ended."""
    return sum(os.times()[:4])


def report(peers: Figures, own: Figures) -> float:
    """The ratio of the medians of the seconds: how fast ours is, llama-quantize being 1."""
    for label, index in (("seconds", 0), ("processor", 1)):
        their, our = ([pair[index] for pair in figures] for figures in (peers, own))
        middle, best = statistics.median(their) / statistics.median(our), min(their) / min(our)
        print(
            f"{label:10} llama-quantize {statistics.median(their):.2f} ({min(their):.2f}), "
            f"ours {statistics.median(our):.2f} ({min(our):.2f})   ratio {middle:.3f} ({best:.3f}), wanted {TARGET}"
        )
    return statistics.median([s for s, _ in peers]) / statistics.median([s for s, _ in own])
