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
from collections.abc import Sequence
from pathlib import Path

from gguf import GGMLQuantizationType as Quant

from backends.engine.loader import NativeEngine
from backends.engine.loading import threads
from backends.engine.protocol import Finished, GenerateRequest, LoadRequest, Sampling, Turn
from tests.kit.ggufs import BENCH_SHAPE, random_model

STORY = __doc__ or ""
TARGET = 0.97
SAMPLINGS = {"greedy": Sampling(temperature=0), "publisher's (0.6, 0.95)": Sampling(seed=1)}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench decode", description=STORY.splitlines()[0])
    parser.add_argument("--llama-bench", type=Path, default=os.environ.get("LLAMA_BENCH"))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=threads())
    options = parser.parse_args(arguments)
    if options.llama_bench is None or not Path(options.llama_bench).is_file():
        print("Where is llama-bench? --llama-bench PATH or LLAMA_BENCH; how to build it:\n" + STORY, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        model = options.model
        if model is None:
            model = random_model(Path(folder) / "bench-153M-Q8_0.gguf", shape=BENCH_SHAPE, quant=Quant.Q8_0)
        return compare(options.llama_bench, model, options.tokens, options.rounds, options.threads)


def compare(llama_bench: Path, model: Path, tokens: int, rounds: int, thread_count: int) -> int:
    """One round is llama-bench, then ours with each sampling; the machine's moods hit all of them alike."""
    peer: list[float] = []
    ours: dict[str, list[float]] = {name: [] for name in SAMPLINGS}
    for number in range(rounds):
        peer.append(measure_peer(llama_bench, model, tokens, thread_count))
        for name, rate in measure_ours(model, tokens, thread_count).items():
            ours[name].append(rate)
        rates = "  ".join(f"{name} {values[-1]:.1f}" for name, values in ours.items())
        print(f"round {number + 1}: llama-bench {peer[-1]:.1f}  {rates}  tokens/s", flush=True)
    print(f"\n{model.name}, {thread_count} threads, {tokens} tokens, median of {rounds} rounds (best):")
    print(f"llama-bench              {statistics.median(peer):8.1f} ({max(peer):.1f}) tokens/s")
    for name, rates in ours.items():
        ratio, best = statistics.median(rates) / statistics.median(peer), max(rates) / max(peer)
        print(
            f"ours, {name:18} {statistics.median(rates):8.1f} ({max(rates):.1f}) tokens/s"
            f"   ratio {ratio:.3f} ({best:.3f}), wanted {TARGET}"
        )
    return 0


def measure_peer(llama_bench: Path, model: Path, tokens: int, thread_count: int) -> float:
    command = [str(llama_bench), "-m", str(model), "-t", str(thread_count), "-p", "0", "-n", str(tokens), "-r", "1"]
    told = subprocess.run([*command, "-o", "json"], capture_output=True, check=True).stdout
    return json.loads(told)[0]["avg_ts"]


def measure_ours(model: Path, tokens: int, thread_count: int) -> dict[str, float]:
    engine = NativeEngine()
    try:
        list(engine.load(LoadRequest(model, context=4096, gpu_layers=0, threads=thread_count)))
        return {name: decode_rate(engine, sampling, tokens) for name, sampling in SAMPLINGS.items()}
    finally:
        engine.close()


def decode_rate(engine: NativeEngine, sampling: Sampling, tokens: int) -> float:
    """As llama-bench does it: warm up, then one run."""
    rate = 0.0
    for count in (8, tokens):
        request = GenerateRequest([Turn("user", "hello")], sampling, max_tokens=count)
        for event in engine.generate(request):
            if isinstance(event, Finished):
                assert event.usage.completion_tokens == count
                rate = event.timings.decode_tokens_per_s
    return rate
