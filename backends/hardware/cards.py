"""What a vendor's reader of samples is to `gpu_child`, and the two ways in which it fails."""

from collections.abc import Sequence
from typing import Protocol

from backends.core.phrase import Phrase
from backends.hardware.samples import GpuSample


class Broken(Exception):
    """The vendor's driver as a whole cannot be asked. `said`: why, in words; None if it is just not there."""

    def __init__(self, said: Phrase | None) -> None:
        super().__init__(str(said))
        self.said = said


class Lost(Exception):
    """The driver says that a card is gone. `card`: what is still known of it."""

    def __init__(self, card: GpuSample) -> None:
        super().__init__(card.name)
        self.card = card


class Reader(Protocol):
    def open(self) -> list[str]:
        """Load what it takes; gives one subject a card, by which it is asked. Raises Broken."""
        ...

    def sample(self, subject: str, pids: Sequence[int]) -> GpuSample:
        """One card now; `pids` are the processes whose memory is ours. Raises Lost and Broken."""
        ...
