"""The last seconds of samples, as figures: what the engine did in them and what the machine did meanwhile."""

from collections.abc import Callable, Iterator, Sequence

from backends.hardware.samples import GpuSample, SystemSample, Throttle
from backends.monitor.types import EngineSample, Sample

LOOKED_BACK = 15.0  # seconds: what was going on until just now still says what held it back
MOSTLY = 0.5  # of the samples; less may be chance
_USED = 0.1  # of a card's time or memory: it takes part


class Stretch:
    """`samples` in their order; there may be none."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        newest = samples[-1].clock if samples else 0.0
        self.samples = [one for one in samples if newest - one.clock <= LOOKED_BACK]
        self.busy = [one for one in self.samples if _is_busy(one.engine)]

    @property
    def engine(self) -> EngineSample:
        return self.samples[-1].engine

    @property
    def system(self) -> SystemSample:
        return self.samples[-1].hardware.system

    @property
    def gpus(self) -> tuple[GpuSample, ...]:
        return self.samples[-1].hardware.gpus if self.samples else ()

    # ---- the engine

    @property
    def answers(self) -> float:
        """Computed at a time, while something was generated."""
        return max(1.0, _mean([one.engine.running for one in self.busy if one.engine.decode]) or 1.0)

    @property
    def decode(self) -> float | None:
        """Tokens a second of all answers."""
        return _weighted((one.seconds, one.engine.decode) for one in self.busy)

    @property
    def steps(self) -> float | None:
        """A second of decoding. Where they are not counted each answer gets one token a step: words that were guessed
        ahead then make it seem more."""
        counted = _weighted((one.seconds, one.engine.steps) for one in self.busy)
        return counted if counted is not None else self.decode and self.decode / self.answers

    @property
    def prefill(self) -> float | None:
        return _weighted((one.engine.prompt_tokens, one.engine.prefill) for one in self.busy)

    @property
    def reading_share(self) -> float:
        """Of the time that was computed in, what went into prompts."""
        prompts = sum(one.engine.prompt_tokens / one.engine.prefill for one in self.busy if one.engine.prefill)
        answers = sum(one.engine.generated_tokens / one.engine.decode for one in self.busy if one.engine.decode)
        return prompts / (prompts + answers) if prompts + answers else 0.0

    @property
    def cells(self) -> int:
        return max((one.engine.kv_used for one in self.busy), default=0)

    # ---- the machine

    def mean(self, of: Callable[[SystemSample], float | None], *, busy: bool = True) -> float | None:
        """Of a figure of the machine, while the engine was busy or all the time."""
        return _mean([of(one.hardware.system) for one in (self.busy if busy else self.samples)])

    def cards(self) -> Iterator["CardStretch"]:
        """Those that took part while the engine was busy."""
        for card in self.gpus:
            seen = [gpu for one in self.busy for gpu in one.hardware.gpus if gpu.key == card.key]
            if card.state == "ok" and any(_takes_part(gpu) for gpu in seen):
                yield CardStretch(card, seen)

    def throttled(self) -> bool:
        """The processor, most of the time in which the engine was busy."""
        told = [one.hardware.system.cpu_throttled for one in self.busy]
        return bool(told) and sum(bool(one) for one in told) > MOSTLY * len(told)


class CardStretch:
    """One card in the samples in which the engine was busy."""

    def __init__(self, card: GpuSample, seen: Sequence[GpuSample]) -> None:
        self.card, self._seen = card, seen

    def throttles(self, *kinds: Throttle) -> bool:
        """For one of these reasons, most of the time."""
        return sum(any(kind in (one.throttles or ()) for kind in kinds) for one in self._seen) > MOSTLY * len(
            self._seen
        )

    def mean(self, of: Callable[[GpuSample], float | None]) -> float | None:
        return _mean([of(one) for one in self._seen])


def _is_busy(engine: EngineSample) -> bool:
    return bool(engine.running or engine.decode or engine.prefill)


def _takes_part(card: GpuSample) -> bool:
    """It computes, or holds something of this program; a card that tells neither may."""
    if card.use is None and card.memory_own is None:
        return True
    own = card.memory_own is not None and card.memory_own > 0
    return own or (card.memory_own is None and (card.use or 0.0) >= _USED)


def _mean(values: Sequence[float | None]) -> float | None:
    told = [float(one) for one in values if one is not None]
    return sum(told) / len(told) if told else None


def _weighted(pairs: Iterator[tuple[float | None, float | None]]) -> float | None:
    """The mean of the second by the first; what is None counts as 1, and as nothing."""
    told = [(1.0 if weight is None else float(weight), value) for weight, value in pairs if value is not None]
    total = sum(weight for weight, _ in told)
    return sum(weight * value for weight, value in told) / total if total else None
