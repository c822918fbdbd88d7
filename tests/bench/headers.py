"""Reading GGUF headers: milliseconds for 152,064 tokens (limit 100), and what random damage does to llama.cpp.

    python -m tests.bench headers [--mutations 5000]

Damaged files are refused or parsed; those that pass are loaded by llama.cpp in a child process, which has to refuse or
run each of them.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from gguf import GGUFWriter

from backends.core.errors import BackendError
from backends.models import gguf
from tests.kit.ggufs import Shape, random_model
from tests.kit.headers import Draft, torn
from tests.kit.llama_child import outcomes

LIMIT = 100.0  # ms
SHAPES = {
    "qwen2": Shape(width=64, head=16, ff=64, vocabulary=320),
    "qwen3": Shape(width=64, head=16, ff=64, vocabulary=320),
    "llama": Shape(width=64, head=16, ff=64, vocabulary=320),
    "deepseek2": Shape(width=64, head=16, ff=64, vocabulary=320, kv_rank=32, rope=16),
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench headers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mutations", type=int, default=5000)
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        took = reading(Path(folder))
        print(f"header with 152,064 tokens: {took:.0f} ms (limit {LIMIT:.0f})")
        survived = damage(Path(folder), wanted.mutations)
    return 0 if took <= LIMIT and survived else 1


def reading(folder: Path) -> float:
    path = folder / "large.gguf"
    writer = GGUFWriter(path, "qwen2")
    writer.add_token_list([f"token {number}".encode() for number in range(152_064)])
    writer.add_token_merges([f"a{number} b{number}" for number in range(151_387)])
    writer.add_token_types([1] * 152_064)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    times = []
    for _ in range(7):
        before = time.perf_counter()
        gguf.read_header(path)
        times.append(time.perf_counter() - before)
    return min(times) * 1000


def damage(folder: Path, mutations: int) -> bool:
    bases = [random_model(folder / f"{name}.gguf", name, shape=shape) for name, shape in SHAPES.items()]
    wholes = [(base.read_bytes(), len(Draft.of(base).header())) for base in bases]
    codes: Counter[str] = Counter()
    passed, longest = [], 0.0
    for seed in range(mutations):
        path = folder / f"{seed}.gguf"
        path.write_bytes(torn(*wholes[seed % len(wholes)], Random(seed)))
        before = time.perf_counter()
        try:
            gguf.check(path)
        except BackendError as error:
            codes[error.code] += 1
            path.unlink()
        else:
            passed.append(path)
        longest = max(longest, time.perf_counter() - before)
    ends = Counter(outcomes(passed))
    refusals = ", ".join(f"{count} {code}" for code, count in codes.most_common())
    print(f"{mutations} damaged files: {refusals}; longest {longest * 1000:.0f} ms")
    print(f"{len(passed)} passed; in llama.cpp: " + ", ".join(f"{count} {end}" for end, count in ends.most_common()))
    return not ends["died"]
