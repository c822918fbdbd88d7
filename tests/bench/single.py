"""One stream against llama-bench, decode and prefill: greedy wanted 0.98, with top_k 40 0.95.

    python -m tests.bench single --llama-bench PATH [--prompt 512] [--generate 128] [--rounds 5] [--quick]

The same file (random weights in the shape of a 1.5B Q4_K_M), threads and build.

runs     by turns with llama-bench itself; in each round each side is a new process (where its memory happens to lie
         moves the speed by some per cent), warms up, and measures once; medians. Where a machine's own speed moves by
         more than what is looked for between two such runs, they say little
pairs    llama-bench's two loops (tests/kit/llama_loop.py) in one process with our engine, by turns of about a second;
         the median of the ratios. On the processor only

llama-bench measures `llama_decode` alone (with llama_synchronize); ours is what a consumer of the stream waits for:
sampling, text, events, another thread that takes them. How to build the peer: tests/kit/peers.py.
"""

import json
import random
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from backends.engine.loader import NativeEngine
from backends.engine.protocol import Finished, GenerateRequest, LoadRequest, Sampling
from tests.kit import peers
from tests.kit.llama_loop import LlamaLoop
from tests.kit.peers import Figures

SAMPLINGS = {
    "greedy": Sampling(temperature=0),
    "top_k 40": Sampling(temperature=0.8, top_k=40, top_p=1.0),
}
WANTED = {"greedy": 0.98, "top_k 40": 0.95}


def main(arguments: Sequence[str]) -> int:
    def more(parser: ArgumentParser) -> None:
        parser.add_argument("--prompt", type=int, default=512)
        parser.add_argument("--generate", type=int, default=128)
        parser.add_argument("--gpu-layers", type=int, default=0, help="-1: all, on a machine with a GPU")
        parser.add_argument("--pairs", type=int, default=24, help="pairs of decoding; of prompts a third")
        parser.add_argument("--only", choices=("runs", "pairs"))
        parser.add_argument("--ours", action="store_true", help="one round of ours alone, as JSON: a round's process")

    given = peers.options(__doc__ or "", "single", arguments, "llama-bench", more=more)
    if given.quick:
        given.prompt, given.generate, given.pairs = min(given.prompt, 128), min(given.generate, 24), 3
    if given.ours:
        print(json.dumps(ours(given.model, given)))
        return 0
    with peers.model_of(given) as model:
        peers.say_flags(given.llama_bench)
        good = given.only == "pairs" or compare(given.llama_bench, model, given)
        if given.gpu_layers == 0 and given.only != "runs":
            good &= pairs(model, given)
    return 0 if good else 1


def compare(llama_bench: Path, model: Path, given: Namespace) -> bool:
    """Rounds by turns; prints a line a figure. `given`: threads, rounds, prompt, generate, gpu_layers, patience."""
    threads, prompt, generate, layers = given.threads, given.prompt, given.generate, given.gpu_layers
    prefill = Figures(f"prefill {prompt}", "tokens/s", WANTED["greedy"])
    decode = {name: Figures(f"decode {generate}, {name}", "tokens/s", WANTED[name]) for name in SAMPLINGS}
    patience = peers.Patience(given.patience)
    for _ in range(given.rounds):
        patience.wait()
        theirs = peers.llama_bench(
            llama_bench, model, threads=threads, prompt=prompt, generate=generate, gpu_layers=layers
        )
        patience.wait()
        mine = _in_its_process(model, given)
        prefill.peer.append(theirs["prefill"])
        prefill.ours.append(mine["prefill"])
        for name, figures in decode.items():
            figures.peer.append(theirs["decode"])
            figures.ours.append(mine[name])
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    shown = [figures.show("llama-bench") for figures in (prefill, *decode.values())]
    return all(shown)


def pairs(model: Path, given: Namespace) -> bool:
    """Turns of 32 tokens, and of whole prompts; a line a figure."""
    some = min(32, given.generate)
    loop = LlamaLoop(model, threads=given.threads, prompt=given.prompt, generate=some, mapped=peers.mapped(model))
    engine = Ours(model, given.threads, max(4096, given.prompt + given.generate))
    asked: dict[str, tuple[Callable[[], float], Callable[[], float], int, float]] = {
        f"prefill {given.prompt}": (
            lambda: engine.read(given.prompt),
            loop.prefill,
            max(3, given.pairs // 3),
            WANTED["greedy"],
        )
    }
    for name, sampling in SAMPLINGS.items():
        asked[f"decode {some}, {name}"] = (
            partial(engine.decode, some, sampling),
            loop.decode,
            given.pairs,
            WANTED[name],
        )
    try:
        good = [peers.paired(name, "llama-bench's loop", *sides) for name, sides in asked.items()]
        return all(good)
    finally:
        engine.close()
        loop.close()


def ours(model: Path, given: Namespace) -> dict[str, float]:
    """One round of ours, in this process: tokens a second."""
    engine = Ours(model, given.threads, max(4096, given.prompt + given.generate), given.gpu_layers)
    try:
        figures = {"prefill": engine.prefill(given.prompt)}
        return figures | {name: engine.decode(given.generate, sampling) for name, sampling in SAMPLINGS.items()}
    finally:
        engine.close()


def _in_its_process(model: Path, given: Namespace) -> dict[str, float]:
    command: list[object] = [sys.executable, "-m", "tests.bench", "single", "--ours", "--model", model]
    command += ["--llama-bench", given.llama_bench, "--threads", given.threads, "--prompt", given.prompt]
    command += ["--generate", given.generate, "--gpu-layers", given.gpu_layers]
    told = subprocess.run([str(part) for part in command], capture_output=True, check=True).stdout
    return json.loads(told.splitlines()[-1])


class Ours:
    """Our engine in this process."""

    def __init__(self, model: Path, threads: int, context: int, gpu_layers: int = 0) -> None:
        self._size, self._chance = peers.vocabulary(model), random.Random(1)
        self._engine = NativeEngine()
        request = LoadRequest(
            model, context, gpu_layers=gpu_layers, threads=threads, mapped=peers.mapped(model), lookup=False
        )
        list(self._engine.load(request))
        self.device = self._ask(64, 8, Sampling(temperature=0)).device

    def prefill(self, count: int) -> float:
        self.read(count)  # llama-bench reads it once before it measures, too
        return self.read(count)

    def read(self, count: int) -> float:
        return self._ask(count, 1, Sampling(temperature=0)).timings.prefill_tokens_per_s

    def decode(self, count: int, sampling: Sampling) -> float:
        self._ask(1, 8, sampling)  # llama-bench warms up, too
        return self._ask(1, count, sampling).timings.decode_tokens_per_s

    def _ask(self, prompt: int, generate: int, sampling: Sampling) -> Finished:
        tokens = tuple(self._chance.randrange(self._size) for _ in range(prompt))
        request = GenerateRequest((), sampling, generate, tokens=tokens, ignore_end=True)
        *_, last = [event for events in self._engine.generate(request).gulps() for event in events]
        assert isinstance(last, Finished)
        assert last.usage.completion_tokens == generate
        return last

    def close(self) -> None:
        self._engine.close()
