"""What readers of the Linux kernel's own drivers have in common (amdgpu, xe, i915). For `gpu_child` alone."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from backends.hardware import sysfs
from backends.hardware.card_files import CardFiles
from backends.hardware.cards import Broken
from backends.hardware.clients import Clients
from backends.hardware.samples import GpuSample
from backends.hardware.types import Vendor


class KernelReader(ABC):
    """A `cards.Reader`. `number`: the vendor's on the bus."""

    def __init__(self, root: Path, vendor: Vendor, number: int, drivers: Sequence[str]) -> None:
        self._root, self._number, self._drivers = root, number, drivers
        self._vendor: Vendor = vendor
        self._clients = Clients(root)
        self._cards: dict[str, CardFiles] = {}

    def open(self) -> list[str]:
        """One subject a card, its address. Raises Broken if there is none."""
        cards = sysfs.displays(self._root, self._number, (sysfs.DISPLAY, sysfs.ACCELERATOR))
        self._cards = {
            card.address: CardFiles(card, self._vendor, self._number, self._root)
            for card in cards
            if card.driver in self._drivers
        }
        if not self._cards:
            raise Broken(None)
        return list(self._cards)

    def sample(self, subject: str, pids: Sequence[int]) -> GpuSample:
        """Raises Lost."""
        card = self._cards[subject]
        card.begin()
        if card.asleep:
            return GpuSample(card.address, card.name, self._vendor, use=0.0, power=0.0)
        return self._read(card, pids)

    @abstractmethod
    def _read(self, card: CardFiles, pids: Sequence[int]) -> GpuSample:
        """One that is there and awake."""
