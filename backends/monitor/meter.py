"""Of two readings of the engine, what it did between them."""

from collections.abc import Mapping
from dataclasses import astuple

from backends.engine.figures import NO_WORK, EngineFigures, Work
from backends.monitor.types import EngineSample


def done(before: EngineFigures, now: EngineFigures) -> Mapping[str, Work]:
    """By model, what was computed between the two; models that computed nothing are not in it."""
    found = {name: _less(work, before.work.get(name, NO_WORK)) for name, work in now.work.items()}
    return {name: work for name, work in found.items() if work != NO_WORK}


def measure(before: EngineFigures, now: EngineFigures) -> EngineSample:
    """The loaded model, now and since `before`. Rates as of EngineSample: None where nothing was computed."""
    work = done(before, now).get(now.model or "", NO_WORK)
    return EngineSample(
        model=now.model,
        running=now.running,
        waiting=now.waiting,
        prefill=rate(work.prompt_tokens, work.prefill_seconds),
        decode=rate(work.decoded_tokens, work.decode_seconds),
        steps=rate(work.decode_steps, work.decode_seconds),
        prompt_tokens=work.prompt_tokens,
        cached_tokens=work.cached_tokens,
        generated_tokens=work.generated_tokens,
        first_token=rate(work.first_token_seconds, work.begun),
        kv_used=now.kv_used,
        kv_total=now.kv_total,
    )


def _less(now: Work, before: Work) -> Work:
    return Work(*(new - old for new, old in zip(astuple(now), astuple(before), strict=True)))


def rate(count: float, seconds: float) -> float | None:
    """A second; None where nothing was counted."""
    return count / seconds if count and seconds > 0 else None
