"""What the memory of a model really can do, found out in a process of its own, which some answers end.

    python -m tests.engine.ability_child MODEL cut|share|restore|own [f16|q8_0]

Prints "yes" or "no". The logits are to be those of a prompt that was simply read, as near as this model comes to
itself when it reads the same prompt in other slices.
"""

import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from backends.engine.context import Context, ContextOptions
from backends.engine.native import Model, library

_WORDS = random.Random(0)
BEGIN, ONE, OTHER = ([_WORDS.randrange(256) for _ in range(count)] for count in (300, 90, 80))
_BATCH = 128


class Reader:
    def __init__(self, context: Context, words: int) -> None:
        self._context, self._words = context, words

    def _logits(self, place: int) -> list[float]:
        return library().llama.llama_get_logits_ith(self._context.handle, place)[: self._words]

    def read(self, sequence: int, tokens: Sequence[int], position: int = 0, size: int = _BATCH) -> list[float]:
        """The logits behind `tokens`, which stand from `position` on."""
        context, batch, place = self._context, self._context.batch, -1
        for begin in range(0, len(tokens), size):
            part = tokens[begin : begin + size]
            context.rearm()
            batch.clear()
            place = batch.add_slice(part, position + begin, sequence, True)
            assert context.decode()
        return self._logits(place)

    def afresh(self, *parts: Sequence[int], size: int = _BATCH) -> list[float]:
        self._context.clear()
        return self.read(0, [token for part in parts for token in part], size=size)

    def cut(self) -> list[float] | None:
        self.afresh(BEGIN, ONE)
        return self.read(0, OTHER, len(BEGIN)) if self._context.cut(0, len(BEGIN)) else None

    def share(self) -> list[float] | None:
        """Two go on from one beginning, and the first one goes away in between."""
        self.afresh(BEGIN, ONE)
        self._context.share(0, 1, len(BEGIN))
        self._context.cut(0, 0)
        return self.read(1, OTHER, len(BEGIN))

    def restore(self) -> list[float] | None:
        """Into another sequence, which held something else."""
        self.afresh(BEGIN)
        data = self._context.state(0)
        self._context.clear()
        self.read(1, ONE)
        return self.read(1, OTHER, len(BEGIN)) if data and self._context.restore(1, data) else None

    def own(self) -> list[float] | None:
        """Two sequences in the same batches do not see each other."""
        self._context.clear()
        context, batch, tokens, place = self._context, self._context.batch, [*BEGIN, *OTHER], -1
        for begin in range(0, len(tokens), 40):
            context.rearm()
            batch.clear()
            if begin < len(ONE):
                batch.add_slice(ONE[begin : begin + 17], begin // 40 * 17, 1, False)
            place = batch.add_slice(tokens[begin : begin + 40], begin, 0, True)
            assert context.decode()
        return self._logits(place)


def main(path: str, what: str, kv_type: str = "f16") -> None:
    model = Model(Path(path), gpu_layers=0, experts_on_cpu=0, progress=lambda _: True)
    context = Context(model, ContextOptions(1024, kv_type, 1, _BATCH, 4, 64))  # type: ignore[arg-type]
    reader = Reader(context, model.vocabulary.size)
    tries: dict[str, Callable[[], list[float] | None]] = {
        "cut": reader.cut, "share": reader.share, "restore": reader.restore, "own": reader.own,
    }  # fmt: skip
    wanted = reader.afresh(BEGIN, OTHER)
    itself = max(distance(wanted, reader.afresh(BEGIN, OTHER, size=size)) for size in (7, 50, 90))
    found = tries[what]()
    far = distance(wanted, reader.afresh(BEGIN, ONE))  # what a memory that mixes things up would be off by, or more
    assert itself < far / 4
    print("yes" if found is not None and distance(wanted, found) < max(2 * itself, far / 8) else "no", flush=True)


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
