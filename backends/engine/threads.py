"""How many threads compute best: measured on the model that was just loaded, a few steps for each number of them.

One token at a time is a matter of memory bandwidth, which a part of the cores may use up; a prompt is a matter of
arithmetic, where two threads of one core get into each other's way, or slow cores help fast ones. Who has nothing to
compare (as many threads as cores, all alike) measures nothing. llama.cpp changes the numbers without loading again.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from backends.core.cancel import CancelToken
from backends.engine.context import Context
from backends.engine.native import library
from backends.hardware import cpu
from backends.hardware.types import Cpu

PATIENCE = 0.5  # seconds for each of the two measurements, but at least one step for each number of threads
ROUNDS = 6
ALIKE = 1.05  # so much slower is as good: fewer threads leave more to everybody else
PROMPT = 32  # tokens
_MANY = 16  # cores, of which half may be enough


@dataclass(frozen=True, slots=True)
class Threads:
    """For a token at a time, and for prompts."""

    decode: int
    prefill: int


def usual(processor: Cpu | None = None) -> int:
    """One a core; where there are fast and slow cores, one a fast one: the slow ones would hold up the rest."""
    processor = processor or cpu.read()
    return processor.performance_cores or processor.physical_cores


def candidates(processor: Cpu) -> tuple[int, ...]:
    """Numbers worth trying, the usual one first."""
    found = [usual(processor), processor.physical_cores, processor.logical_cores]
    if processor.physical_cores >= _MANY:
        found.append(processor.physical_cores // 2)
    return tuple(dict.fromkeys(found))


def choose(context: Context, token: int, processor: Cpu, cancel: CancelToken) -> Threads:
    """The best numbers for this model, set in its context, whose sequence 0 has to be empty. Cancelled."""
    counts = candidates(processor)
    found = Threads(counts[0], counts[0])
    if len(counts) > 1:
        steps = _Steps(context, token, cancel)
        each = fastest(counts, steps.one)
        found = Threads(each, each)
        if steps.longest * PROMPT / 4 * len(counts) <= PATIENCE:  # a prompt is computed some times faster
            found = Threads(each, fastest(counts, steps.prompt))
        steps.forget()
    apply(context, found)
    return found


def apply(context: Context, threads: Threads) -> None:
    library().llama.llama_set_n_threads(context.handle, threads.decode, threads.prefill)


def fastest(
    counts: Iterable[int], seconds: Callable[[int], float], now: Callable[[], float] = time.perf_counter
) -> int:
    """The fewest threads of those that are as fast as any. `seconds` takes one step with so many threads.

    They take turns, so that what else the machine does hits them all; the best step of each counts.
    """
    counts, best = tuple(counts), dict[int, float]()
    end = now() + PATIENCE
    for _ in range(ROUNDS):
        for count in counts:
            best[count] = min(best.get(count, float("inf")), seconds(count))
        if now() >= end:
            break
    limit = min(best.values()) * ALIKE
    return min(count for count in counts if best[count] <= limit)


class _Steps:
    """Steps of a context that are forgotten again."""

    def __init__(self, context: Context, token: int, cancel: CancelToken) -> None:
        self._context, self._token, self._cancel = context, token, cancel
        self._position = 0
        self.longest = 0.0

    def one(self, count: int) -> float:
        took = self._step(Threads(count, count), 1)
        self.longest = max(self.longest, took)
        return took

    def prompt(self, count: int) -> float:
        return self._step(Threads(count, count), min(PROMPT, self._context.batch.size))

    def forget(self) -> None:
        self._context.cut(0, 0)

    def _step(self, threads: Threads, tokens: int) -> float:
        self._cancel.check()
        context = self._context
        apply(context, threads)
        if self._position + tokens > context.size:
            self.forget()
            self._position = 0
        context.rearm()
        context.batch.clear()
        for number in range(tokens):
            context.batch.add(self._token, self._position + number, 0, number == tokens - 1)
        began = time.perf_counter()
        context.decode()
        self._position += tokens
        return time.perf_counter() - began
