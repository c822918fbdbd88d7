"""What the engine has computed, counted as it goes.

Its thread counts each step (`Tally`); whoever wants to know reads the sums (`Work`), and the difference of two readings
is what was done between them. A step in which some prompts were read while others spoke counts its seconds as both:
a rate is what one sees, not what it would be without the others.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Work:
    """Sums since the engine began, of all loads of one model. Tokens, and seconds in which the engine computed.

    `decoded_tokens`: those of `generated_tokens` that a step for speaking gave, in `decode_seconds`; the first token of
    an answer comes out of the step that reads the end of its prompt. `first_token_seconds`: from question to first
    token, the sum over `begun` answers. `answers`: those that are over, however they ended.
    """

    prompt_tokens: int = 0  # computed
    cached_tokens: int = 0  # of prompts, that were there
    prefill_seconds: float = 0.0
    generated_tokens: int = 0
    decoded_tokens: int = 0
    decode_seconds: float = 0.0
    decode_steps: int = 0  # of these steps; in each the weights are read once, whoever speaks
    busy_seconds: float = 0.0
    begun: int = 0
    first_token_seconds: float = 0.0
    answers: int = 0


NO_WORK = Work()


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """The engine at a moment. `work`: by alias of the models that were loaded since it began."""

    model: str | None = None  # alias of the loaded one
    running: int = 0  # sequences being answered
    waiting: int = 0
    kv_used: int = 0  # cells
    kv_total: int = 0
    work: Mapping[str, Work] = field(default_factory=dict)


class Tally:
    """Of one model. The engine's thread counts, any thread reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prompt = self._cached = self._generated = self._decoded = self._steps = self._begun = self._answers = 0
        self._prefill = self._decode = self._busy = self._first = 0.0

    def step(self, read: int, generated: int, decoded: int, seconds: float) -> None:
        """One step computed so many tokens of prompts and gave so many tokens of answers, `decoded` of them to those
        who spoke already."""
        with self._lock:
            self._busy += seconds
            if read:
                self._prompt += read
                self._prefill += seconds
            if decoded:
                self._decoded += decoded
                self._decode += seconds
                self._steps += 1
            self._generated += generated

    def started(self, cached: int) -> None:
        """The turn of an answer has come; so many tokens of its prompt were there."""
        with self._lock:
            self._cached += cached

    def spoke(self, seconds: float) -> None:
        """An answer has its first token, so long after its question."""
        with self._lock:
            self._begun += 1
            self._first += seconds

    def ended(self) -> None:
        with self._lock:
            self._answers += 1

    def read(self) -> Work:
        with self._lock:
            return Work(
                self._prompt,
                self._cached,
                self._prefill,
                self._generated,
                self._decoded,
                self._decode,
                self._steps,
                self._busy,
                self._begun,
                self._first,
                self._answers,
            )


class Ledger:
    """The tallies of all models that were loaded since the engine began."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}

    def of(self, model: str) -> Tally:
        """On the engine's thread: of the model that is loaded now."""
        return self._tallies.setdefault(model, Tally())

    def read(self, model: str | None = None, now: EngineFigures | None = None) -> EngineFigures:
        work = {name: tally.read() for name, tally in self._tallies.copy().items()}
        return replace(now or EngineFigures(), model=model, work=work)
