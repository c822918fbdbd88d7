"""Plans against what really happens: memory of a load (limit 3 %), llama.cpp's log (equal), formulas, and time.

    python -m tests.bench plan [rss] [log] [formulas] [time] [--full] [--write FILE]

`rss` loads a 1.5B Q4_K_M of random weights at 4k and 32k tokens and computes one batch; what the mask takes for the
rest of the context is added (with `--full` all of the context is computed: minutes). `log` loads every architecture for
real, as wide as the real ones, with few layers; `formulas` asks llama.cpp with no_alloc at real shapes; `time` asks in
a cold and in a warm child. `--write` measures the table of compute buffers that ships, in some minutes.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from backends.core.cancel import CancelToken
from backends.engine import native
from backends.engine.context import Context, ContextOptions
from backends.engine.dry_run import NativeDryRun, allocations
from backends.engine.protocol import LONGEST_DRAFT, MOST_SEQUENCES
from backends.hardware import cpu
from backends.models import gguf
from backends.models.footprint import compute_bytes, host_overhead, kv_bytes, place, repacked
from backends.models.machines import Figures
from backends.models.types import Slots
from backends.models.weights import Weights
from tests.kit import buffer_table
from tests.kit.real_models import REAL, Real
from tests.kit.shapes import shaped_model

MIB = 1 << 20
FIGURES = Figures.load()
CHAT = [name for name, model in REAL.items() if not model.pooling]
DENSE = {"qwen2", "qwen3", "llama"}
SMALL = (
    "r1-distill-qwen-7b", "r1-0528-qwen3-8b", "r1-distill-llama-8b", "v2-lite", "v2-lite-legacy", "v3", "v3-legacy",
    "v3.2", "v4-flash-0731",
)  # fmt: skip
PARTS = ("rss", "log", "formulas", "time")


def main(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] == "--child":
        return _child(*arguments[1:])
    parser = argparse.ArgumentParser(prog="tests.bench plan", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--write", type=Path)
    wanted = parser.parse_args(arguments)
    dry = NativeDryRun()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gguf"
        if wanted.write:
            buffer_table.write(wanted.write, path, lambda *asked: _told(dry, path, *asked)[1])
            return 0
        checks = {
            "rss": lambda: _rss(path, wanted.full),
            "log": lambda: _log(dry, path),
            "formulas": lambda: _formulas(dry, path),
            "time": lambda: _time(path),
        }
        good = [checks[part]() for part in wanted.parts or PARTS]
    dry.close()
    return 0 if all(good) else 1


def _told(
    dry: NativeDryRun,
    path: Path,
    context: int,
    batch: int = 512,
    sequences: int = 1,
    kv_type: str = "f16",
    outputs: int = 0,
) -> tuple[int, int]:
    (found,) = dry.measure(
        path,
        context=context,
        kv_type="q8_0" if kv_type == "q8_0" else "f16",
        gpu_layers=0,
        expert_layers_on_cpu=0,
        gpu_split=(),
        batch=batch,
        sequences=sequences,
        outputs=outputs or sequences,
        embeddings=False,
        cancel=CancelToken(),
    )
    return found.kv, found.compute


def _row(name: str, predicted: float, actual: float, good: bool) -> bool:
    ratio = predicted / actual if actual else 1.0
    print(f"  {name:52} {predicted / MIB:12.2f} {actual / MIB:12.2f} {ratio:8.4f} {'' if good else '  !'}", flush=True)
    return good


def _title(text: str) -> None:
    print(f"{text}\n  {'':52} {'predicted':>12} {'actual MiB':>12} {'ratio':>8}")


# ---- what the process takes


def _rss(path: Path, full: bool) -> bool:
    _title("resident memory of the process, growth by the load and a full batch, 1.5B Q4_K_M, CPU (limit 3 %)")
    shaped_model(path, REAL["r1-distill-qwen-1.5b"], weights="noise")
    header, good = gguf.check(path), True
    over = host_overhead(header)
    for context in (4096, 32768):
        parts = (
            Weights.of_header(header).total,
            kv_bytes(header.shape, context),
            compute_bytes(header.shape, context, FIGURES),
            over,
        )
        said = _load(path, context, 1, "full" if full else "end")
        good &= _row(f"{context} tokens", sum(parts), said["grown"], abs(sum(parts) / said["grown"] - 1) <= 0.03)
    return good


# ---- what the log of a real load says


def _log(dry: NativeDryRun, path: Path) -> bool:
    _title("the log of a real load, few layers at real width (equal, as far as the log tells)")
    good = True
    for name in SMALL:
        shape = gguf.read_header(shaped_model(path, REAL[name].small())).shape
        for answers in (1, 4, 16):
            slots = Slots(answers, MOST_SEQUENCES, LONGEST_DRAFT)
            kv, compute = _told(dry, path, 8192, 512, slots.sequences(shape), "f16", slots.outputs(shape))
            said = _load(path, 8192, slots.sequences(shape), "no", slots.outputs(shape))
            for part, mine in (("kv", kv), ("compute", compute)):
                where = f"{name} 8192 tokens, {answers} at a time, {part}"
                good &= _row(where, mine, said[part], abs(mine - said[part]) < 0.02 * MIB)
    return good


def _load(path: Path, context: int, sequences: int, compute: str, outputs: int = 1) -> dict[str, int]:
    asked = (str(path), str(context), str(sequences), compute, str(outputs))
    command = [sys.executable, "-m", "tests.bench", "plan", "--child", *asked]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def _child(name: str, context: str, sequences: str, compute: str, outputs: str) -> int:
    native.load_light()
    before = psutil.Process().memory_info().rss
    with native.library().log.keep() as told:
        model = native.Model(
            Path(name), gpu_layers=0, experts_on_cpu=0, progress=lambda _: True, mapped=_mapped(Path(name))
        )
        options = ContextOptions(
            int(context), "f16", cpu.read().physical_cores, 512, int(sequences), max(int(outputs), int(sequences))
        )
        made = Context(model, options)
    if compute != "no":
        _fill(made, int(context), whole=compute == "full")
    grown = psutil.Process().memory_info().rss - before
    (found,) = allocations([line for _, line in told.lines], ())
    if compute == "end":  # pages of the buffer that only a full context touches
        grown += max(0, found.compute - _touched(found.compute, int(context)))
    print(json.dumps({"grown": grown, "kv": found.kv, "compute": found.compute}))
    made.close()
    model.close()
    return 0


def _mapped(path: Path) -> bool:
    """As the planner says it of a load on this processor."""
    header = gguf.check(path)
    return not repacked(header, place(header.shape.layers, 0, 0, ()), cpu.read().instruction_sets)


def _fill(made: Context, context: int, *, whole: bool) -> None:
    for start in range(0, context if whole else 512, 512):
        made.batch.clear()
        for place_in_batch in range(512):
            made.batch.add(100 + place_in_batch, start + place_in_batch, 0, place_in_batch == 511)
        made.decode()


def _touched(compute: int, context: int) -> int:
    """Of the compute buffer by the first full batch: all but the mask for the cells behind it."""
    return compute - 2 * 512 * (context - 512)


# ---- the formulas


def _formulas(dry: NativeDryRun, path: Path) -> bool:
    _title("formulas against no_alloc at real shapes: the worst of 8k, 32k, 128k x batch 512, 2048 x 1, 4 sequences")
    good = True
    for name in CHAT:
        shape = gguf.read_header(shaped_model(path, REAL[name])).shape
        rows = [
            (kv_bytes(shape, c, k, batch=b, sequences=s), kv,
             compute_bytes(shape, c, FIGURES, ubatch=b, sequences=s, outputs=s, kv_type=k), compute)
            for c, b, s, k in _asked(REAL[name])
            for kv, compute in (_told(dry, path, c, b, s, k),)
        ]  # fmt: skip
        kv = max(rows, key=lambda row: abs(row[0] - row[1]))
        least, most = (pick(rows, key=lambda row: row[2] / row[3]) for pick in (min, max))
        good &= _row(f"{name} kv", kv[0], kv[1], abs(kv[0] - kv[1]) < 0.02 * MIB)
        for word, row in (("lowest", least), ("highest", most)):
            bound = MIB if shape.architecture in DENSE else max(MIB, 0.15 * row[3])
            right = abs(row[2] - row[3]) <= bound and (shape.architecture in DENSE or row[2] > row[3] - 0.01 * MIB)
            good &= _row(f"{name} compute, {word}", row[2], row[3], right)
    return good


def _asked(model: Real) -> Iterator[tuple[int, int, int, str]]:
    for context in (8192, 32768, 131072):
        for batch in (512, 2048):
            for sequences in (1, 4):
                for kv_type in ("f16",) if model.ratios else ("f16", "q8_0"):
                    yield context, batch, sequences, kv_type


# ---- time


def _time(path: Path) -> bool:
    print("seconds until llama.cpp has told, header there (limit 0.5)")
    print(f"  {'':30} {'cold child':>12} {'other context':>14} {'other layers':>14}")
    slowest = 0.0
    for name in CHAT:
        shaped_model(path, REAL[name])
        dry = NativeDryRun()
        took = []
        for context in (8192, 16384):
            started = time.perf_counter()
            _told(dry, path, context)
            took.append(time.perf_counter() - started)
        started = time.perf_counter()
        dry.measure(path, context=8192, kv_type="f16", gpu_layers=3, expert_layers_on_cpu=0, gpu_split=(), batch=512,
                    sequences=1, outputs=1, embeddings=False, cancel=CancelToken())  # fmt: skip
        took.append(time.perf_counter() - started)
        dry.close()
        slowest = max(slowest, *took)
        print(f"  {name:30} {took[0]:12.3f} {took[1]:14.3f} {took[2]:14.3f}", flush=True)
    return slowest <= 0.5
