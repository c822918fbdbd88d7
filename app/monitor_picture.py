"""What the page of the monitor shows, put together by its controller."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from backends.core.phrase import NOTHING, Phrase
from backends.monitor.types import Day, EngineSample, Sample, Series

Range = Literal["minute", "minutes", "day"]
SPANS: dict[Range, float] = {"minute": 60.0, "minutes": 600.0, "day": 86_400.0}  # seconds


@dataclass(frozen=True, slots=True)
class Last:
    """What there is of an answer only at moments, as it was last."""

    prefill: float | None = None
    first_token: float | None = None
    cache_hits: float | None = None

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> "Last":
        """Of samples, oldest first, since the model was loaded that is loaded now."""
        found, model = cls(), None
        for sample in samples:
            engine = sample.engine
            if engine.model != model:
                found, model = cls(), engine.model
            asked = engine.cached_tokens + engine.prompt_tokens
            found = cls(
                engine.prefill if engine.prefill is not None else found.prefill,
                engine.first_token if engine.first_token is not None else found.first_token,
                engine.cached_tokens / asked if asked else found.cache_hits,
            )
        return found


@dataclass(frozen=True, slots=True)
class MonitorPicture:
    """`sample`: None until the first one. `model`: its name for people. `days`: None until they are read."""

    sample: Sample | None = None
    last: Last = Last()
    model: str = ""
    days: Sequence[Day] | None = None
    exporting: float | None = None  # how much of it is done

    @property
    def engine(self) -> EngineSample | None:
        return self.sample.engine if self.sample is not None else None

    @property
    def cards(self) -> tuple[tuple[str, str], ...]:
        """Key and name of each; of several with one name, with a number."""
        cards = self.sample.hardware.gpus if self.sample is not None else ()
        names = [card.name for card in cards]
        return tuple(
            (card.key, card.name if names.count(card.name) == 1 else f"{card.name} ({n})")
            for n, card in enumerate(cards, 1)
        )


@dataclass(frozen=True, slots=True)
class Courses:
    """Figures over time. `start` to `end` is seen, `whole` could be. `trouble`: why there are none."""

    series: Sequence[Series] = ()
    start: float = 0.0
    end: float = 60.0
    whole: tuple[float, float] = (0.0, 60.0)
    trouble: Phrase = NOTHING

    @property
    def zoomed(self) -> bool:
        return (self.start, self.end) != self.whole
