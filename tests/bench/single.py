"""One stream against llama-bench, decode and prefill: greedy wanted 0.98, with top_k 40 0.95.

    python -m tests.bench single --llama-bench PATH [--prompt 512] [--generate 128] [--rounds 5] [--quick]

The same file (random weights in the shape of a 1.5B Q4_K_M), threads and build, by turns; each side warms up, then
measures once a round. llama-bench measures `llama_decode` alone (with llama_synchronize); ours is what a consumer of
the stream waits for: sampling, text, events, another thread that takes them. How to build the peer: tests/kit/peers.py.
"""

import random
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from backends.engine.loader import NativeEngine
from backends.engine.protocol import Finished, GenerateRequest, LoadRequest, Sampling
from tests.kit import peers
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

    given = peers.options(__doc__ or "", "single", arguments, "llama-bench", more=more)
    if given.quick:
        given.prompt, given.generate = min(given.prompt, 128), min(given.generate, 24)
    with peers.model_of(given) as model:
        peers.say_flags(given.llama_bench)
        good = compare(given.llama_bench, model, given)
    return 0 if good else 1


def compare(llama_bench: Path, model: Path, given: Namespace) -> bool:
    """Rounds by turns; prints a line a figure. `given`: threads, rounds, prompt, generate, gpu_layers, patience."""
    threads, prompt, generate, layers = given.threads, given.prompt, given.generate, given.gpu_layers
    prefill = Figures(f"prefill {prompt}", "tokens/s", WANTED["greedy"])
    decode = {name: Figures(f"decode {generate}, {name}", "tokens/s", WANTED[name]) for name in SAMPLINGS}
    engine = Ours(model, threads, max(4096, prompt + generate), layers)
    patience = peers.Patience(given.patience)
    try:
        for _ in range(given.rounds):
            patience.wait()
            theirs = peers.llama_bench(
                llama_bench, model, threads=threads, prompt=prompt, generate=generate, gpu_layers=layers
            )
            prefill.peer.append(theirs["prefill"])
            patience.wait()
            prefill.ours.append(engine.prefill(prompt))
            for name, figures in decode.items():
                figures.peer.append(theirs["decode"])
                figures.ours.append(engine.decode(generate, SAMPLINGS[name]))
            print(".", end="", file=sys.stderr, flush=True)
    finally:
        engine.close()
    print(file=sys.stderr)
    shown = [figures.show("llama-bench") for figures in (prefill, *decode.values())]
    return all(shown)


class Ours:
    """Our engine in this process, loaded while the other side computes: it then sleeps."""

    def __init__(self, model: Path, threads: int, context: int, gpu_layers: int = 0) -> None:
        self._size, self._chance = peers.vocabulary(model), random.Random(1)
        self._engine = NativeEngine()
        request = LoadRequest(
            model, context, gpu_layers=gpu_layers, threads=threads, mapped=peers.mapped(model), lookup=False
        )
        list(self._engine.load(request))
        self.device = self._ask(64, 8, Sampling(temperature=0)).device

    def prefill(self, count: int) -> float:
        self._ask(count, 1, Sampling(temperature=0))  # llama-bench reads it once before it measures, too
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
