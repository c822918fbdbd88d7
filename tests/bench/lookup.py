"""Prompt lookup on against off: an answer that quotes its prompt wanted 1.5 times as fast, others 0.97.

    python -m tests.bench lookup [--generate 256] [--rounds 5] [--quick]

One stream, in the shape of a 1.5B Q4_K_M; every round asks both, by turns. *quotes*: the weights are such that
each token calls the next one, so that the answer is a run of the prompt, word for word, at the full cost of the real
shape. *half*: it quotes 40 tokens, says 40 of its own, and so on. *others*: random weights at temperature 0.8, top_k
40, which say what they like (greedy they soon repeat themselves, and that is a quote, too).
"""

import random
import statistics
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from gguf import GGUFReader

from backends.engine.loader import NativeEngine
from backends.engine.protocol import Finished, GenerateRequest, LoadRequest, Sampling
from tests.kit import peers
from tests.kit.real_models import REAL, Real
from tests.kit.shapes import shaped_model

SHAPE = REAL["r1-distill-qwen-1.5b"]
RUN = 40  # tokens of one's own, where only half is quoted
WANTED = {"quotes": 1.5, "half": None, "others": 0.97}
GREEDY = Sampling(temperature=0)
SAMPLINGS = {"quotes": GREEDY, "half": GREEDY, "others": Sampling(temperature=0.8, top_k=40, top_p=1.0)}


def main(arguments: Sequence[str]) -> int:
    parser = ArgumentParser(prog="tests.bench lookup", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kinds", default=",".join(WANTED))
    parser.add_argument("--generate", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--gpu-layers", type=int, default=0, help="-1: all, on a machine with a GPU")
    parser.add_argument("--patience", type=float, default=60, help="seconds in all to wait for other programs")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="seconds of the processor: a machine that is not quiet, --threads 1",
    )
    parser.add_argument("--quick", action="store_true", help="one round of little, to see that it works")
    given = parser.parse_args(arguments)
    if given.quick:
        given.rounds, given.patience, given.generate = 1, 0, 96
    patience, good = peers.Patience(given.patience), True
    order = random.Random(1).sample(range(SHAPE.width), SHAPE.width)
    with tempfile.TemporaryDirectory() as folder:
        noise = Path(folder) / "random-1.5B-Q4_K_M.gguf"
        for kind in given.kinds.split(","):
            shaped_model(noise, SHAPE, weights="noise")
            if kind != "others":
                chaining(noise, SHAPE, order)
            prompts = {
                "quotes": [*order[:1000], order[100]],
                "half": [*(token for n, token in enumerate(order[:1000]) if n // RUN % 2 == 0), order[0]],
                "others": random.Random(2).choices(range(SHAPE.vocabulary - 300), k=512),
            }
            engines = {on: Ours(noise, on, given.threads, given.gpu_layers) for on in (False, True)}
            figures = peers.Figures(f"decode {given.generate}, {kind}", "tokens/s", WANTED[kind])
            for engine in engines.values():
                engine.decode(prompts[kind], 16, SAMPLINGS[kind])  # the prompt is read
            shares = []
            for _ in range(given.rounds):
                for on, engine in engines.items():
                    patience.wait()
                    began = time.process_time()
                    done = engine.decode(prompts[kind], given.generate, SAMPLINGS[kind])
                    rate = given.generate / (time.process_time() - began)
                    rate = rate if given.processor_time else done.timings.decode_tokens_per_s
                    (figures.ours if on else figures.peer).append(rate)
                    if on:
                        shares.append((done.timings.drafted, done.timings.accepted))
                print(".", end="", file=sys.stderr, flush=True)
            for engine in engines.values():
                engine.close()
            print(file=sys.stderr)
            good &= figures.show("without")
            drafted, accepted = (statistics.median(column) for column in zip(*shares, strict=True))
            print(f"    {drafted:.0f} guessed, {accepted:.0f} right, of {given.generate}")
    return 0 if good else 1


class Ours:
    def __init__(self, model: Path, lookup: bool, threads: int, gpu_layers: int) -> None:
        self._engine = NativeEngine()
        mapped = peers.mapped(model)
        request = LoadRequest(
            model, 4096, gpu_layers=gpu_layers, threads=threads or peers.threads(), mapped=mapped, lookup=lookup
        )
        list(self._engine.load(request))

    def decode(self, prompt: Sequence[int], count: int, sampling: Sampling) -> Finished:
        request = GenerateRequest((), sampling, count, tokens=tuple(prompt), ignore_end=True)
        *_, last = [event for events in self._engine.generate(request).gulps() for event in events]
        assert isinstance(last, Finished)
        assert last.usage.completion_tokens == count
        return last

    def close(self) -> None:
        self._engine.close()


def chaining(path: Path, shape: Real, order: Sequence[int]) -> None:
    """Let every token of `order` call the next one, the last the first; all other weights are computed for nothing.

    What attention and feed-forward add is zero, the embedding of the n-th token is one number in column n, and the
    output row of the next one has its number there. Written into the blocks of Q4_K and Q6_K by hand.
    """
    reader = GGUFReader(path, "r+")
    found = {tensor.name: tensor.data for tensor in reader.tensors}
    for number in range(shape.layers):
        for part in ("attn_output", "ffn_down"):
            found[f"blk.{number}.{part}.weight"][:] = 0
        for part in "qkv":
            found[f"blk.{number}.attn_{part}.bias"][:] = 0
    embedding, output = found["token_embd.weight"], found["output.weight"]
    assert embedding.shape[1] == shape.width // 256 * 144, "Q4_K"
    assert output.shape[1] == shape.width // 256 * 210, "Q6_K"
    for column, token in enumerate(order):
        following = order[(column + 1) % len(order)]
        embedding[token], output[following] = _q4_k(shape.width, column), _q6_k(shape.width, column)
    reader.data.flush()


def _q4_k(width: int, column: int) -> np.ndarray:
    """A row of Q4_K with 15 in one column."""
    blocks = np.zeros((width // 256, 144), np.uint8)
    block, place = blocks[column // 256], column % 256
    block[0:2] = np.frombuffer(np.float16(1).tobytes(), np.uint8)
    block[4:8] = block[12:16] = 1  # scales of the eight parts; their minima stay zero
    block[16 + place // 64 * 32 + place % 32] = 15 << 4 * (place % 64 // 32)
    return blocks.ravel()


def _q6_k(width: int, column: int) -> np.ndarray:
    """A row of Q6_K with 31 in one column: numbers are stored with 32 added, 4 bits here and 2 there."""
    blocks = np.zeros((width // 256, 210), np.uint8)
    block, half, part, place = blocks[column // 256], column % 256 // 128, column % 128 // 32, column % 32
    block[128:192] = 0b10101010
    block[192:208] = 1
    block[208:210] = np.frombuffer(np.float16(1).tobytes(), np.uint8)
    block[64 * half + 32 * (part % 2) + place] = 15 << 4 * (part // 2)
    block[128 + 32 * half + place] |= 0b11 << 2 * part
    return blocks.ravel()
