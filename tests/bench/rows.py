"""What a step costs by the number of its tokens, on one thread: why engine/pace.py fills whole tiles of 16 and 64 rows.

    python -m tests.bench rows [--model PATH] [--behind 4000] [--quick]

`--behind`: the tokens of a prompt stand behind so many others of it, and attention counts: it has tiles of 64 rows.

Processor time of the thread that computes, so that other programs disturb it little; the best of three. Nobody's
target: it shows where a batch is cheap (a tile that is full) and where it is not.
"""

import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from backends.engine import native
from backends.engine.context import Context, ContextOptions
from tests.kit import peers

SPEAKING = (1, 8)
ROWS = (1, 2, 4, 8, 9, 12, 16, 17, 20, 24, 32, 33, 40, 48, 63, 64, 65, 128, 512)


def main(arguments: Sequence[str]) -> int:
    def more(parser: ArgumentParser) -> None:
        parser.add_argument("--behind", type=int, default=0)

    given = peers.options(__doc__ or "", "rows", arguments, more=more)
    with peers.model_of(given) as path:
        _measure(path, ROWS[:-5] if given.quick else ROWS, given.behind)
    return 0


def _measure(path: Path, sizes: Sequence[int], behind: int) -> None:
    model = native.Model(path, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True, mapped=peers.mapped(path))
    context = Context(model, ContextOptions(2048 + behind, "f16", 1, 512, max(SPEAKING) + 1, max(SPEAKING) + 1))
    for begin in range(0, behind, 512):
        context.batch.clear()
        _add(context, begin, min(512, behind - begin))
        context.decode()
    print("rows   " + "".join(f"{count} speak".rjust(24) for count in SPEAKING))
    for rows in sizes:
        cells = ""
        for speaking in SPEAKING:
            if rows >= speaking:
                seconds = min(_step(context, rows, speaking, behind) for _ in range(3))
                cells += f"{1000 * seconds:10.1f} ms {1000 * seconds / rows:5.1f} a row"
            else:
                cells += " " * 24
        print(f"{rows:4}   {cells}", flush=True)
    context.close()
    model.close()


def _step(context: Context, rows: int, speaking: int, behind: int) -> float:
    context.rearm()
    for sequence in range(speaking):
        context.cut(sequence, 0)
    context.cut(max(SPEAKING), behind)
    context.batch.clear()
    for sequence in range(speaking):
        context.batch.add(100 + sequence, 0, sequence, True)
    _add(context, behind, rows - speaking)
    began = time.thread_time()
    context.decode()
    return time.thread_time() - began


def _add(context: Context, begin: int, count: int) -> None:
    """Tokens of the prompt."""
    for position in range(begin, begin + count):
        context.batch.add(200 + position % 1000, position, max(SPEAKING), False)
