"""What the card shows that says what holds the model back."""

from dataclasses import dataclass

from backends.core.phrase import NOTHING, Phrase
from backends.hardware.samples import Program
from backends.monitor.types import Limit


@dataclass(frozen=True, slots=True)
class Work:
    """A load that is to help: how far it is, None where nobody knows."""

    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class HoldingPicture:
    """`limits` None: nobody has looked yet. `work`: what is being done now; `result`: what came of the last time.
    `programs`: those that hold memory of the cards, None while nobody wants to know."""

    limits: tuple[Limit, ...] | None = None
    work: Work | None = None
    result: Phrase = NOTHING
    programs: tuple[Program, ...] | None = None
