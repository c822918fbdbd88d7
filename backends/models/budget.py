"""What a machine has to give to a model: how much of each memory, and how fast that is.

A probed machine gives what is free now; a size that somebody names (`--ram 32GiB --vram 24GiB`) stands for a typical
machine of that size, the same everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backends.hardware.types import Gpu, Machine
from backends.models.machines import Backend, Figures, step


@dataclass(frozen=True, slots=True)
class Device:
    """Main memory with the processor, or one GPU. `free` in bytes, `bandwidth` in bytes per second."""

    name: str
    free: int
    bandwidth: float
    efficiency: float
    backend: Backend
    margin: int = 0  # of `free`, what no plan may take

    @property
    def usable(self) -> int:
        return max(0, self.free - self.margin)


@dataclass(frozen=True, slots=True)
class Budget:
    """`unified`: the one GPU takes its memory out of the host's."""

    host: Device
    gpus: tuple[Device, ...]
    figures: Figures
    unified: bool = False

    @classmethod
    def from_machine(cls, machine: Machine, figures: Figures | None = None) -> "Budget":
        """What is free now on this machine, less what the system and the display may still want."""
        figures = figures or Figures.load()
        memory = machine.memory
        free = min(
            round(memory.available * (1 - figures.host_margin_share)),
            memory.total - figures.reserve.of(machine.system, memory.total),
        )
        bandwidth = memory.bandwidth or figures.typical_bandwidth("ram", memory.total)
        cards = _together([gpu for gpu in machine.gpus if not gpu.unified and _free(gpu)], figures)
        shared = [gpu for gpu in machine.gpus if gpu.unified and _free(gpu) and _worth_using(gpu, figures)]
        if cards or not shared:
            gpus = tuple(_card(gpu, figures, "vram", _free(gpu)) for gpu in cards)
            return cls(_host(free, bandwidth, figures), gpus, figures)
        gpu = _card(shared[0], figures, "unified", min(_free(shared[0]), max(0, free)))
        return cls(_host(free, memory.bandwidth or gpu.bandwidth, figures), (gpu,), figures, unified=True)

    @classmethod
    def typical(cls, ram: int, vram: Sequence[int] = (), figures: Figures | None = None) -> "Budget":
        """A typical machine with `ram` bytes and an NVIDIA card for each of `vram`; zeros are no cards."""
        figures = figures or Figures.load()
        host = _host(ram - figures.reserve.of("typical", ram), figures.typical_bandwidth("ram", ram), figures)
        cards = [Gpu(f"GPU {index}", "nvidia", size, size) for index, size in enumerate(vram) if size > 0]
        return cls(host, tuple(_card(card, figures, "vram", _free(card)) for card in cards), figures)

    @classmethod
    def typical_unified(cls, memory: int, figures: Figures | None = None) -> "Budget":
        """A typical Mac with `memory` bytes; Metal gives the GPU a share of it."""
        figures = figures or Figures.load()
        free = memory - figures.reserve.of("darwin", memory)
        working_set = round(memory * step(figures.working_set, memory))
        card = Gpu("GPU", "apple", working_set, working_set, figures.typical_bandwidth("unified", memory), unified=True)
        gpu = _card(card, figures, "unified", min(working_set, free))
        return cls(_host(free, gpu.bandwidth, figures), (gpu,), figures, unified=True)

    @property
    def memory(self) -> int:
        """All that a model may take, in bytes; shared memory counts once."""
        return self.host.usable + (0 if self.unified else sum(gpu.usable for gpu in self.gpus))


def _host(free: int, bandwidth: float, figures: Figures) -> Device:
    backend = figures.backends["cpu"]
    return Device("CPU", max(0, free), bandwidth, backend.efficiency, backend)


def _card(gpu: Gpu, figures: Figures, kind: str, free: int) -> Device:
    backend = figures.backend_of(gpu.vendor)
    known = figures.bandwidth_of(gpu.vendor, gpu.name)
    bandwidth = gpu.bandwidth or (known.bytes_per_s if known else 0.0)
    return Device(
        name=gpu.name,
        free=free,
        bandwidth=bandwidth or figures.typical_bandwidth(kind, gpu.memory_total or free),
        efficiency=(known.efficiency if known else None) or backend.efficiency,
        backend=backend,
        margin=figures.gpu_margin,
    )


def _free(gpu: Gpu) -> int:
    """What is free on a card; where the driver does not tell, what it has."""
    return gpu.memory_free if gpu.memory_free is not None else gpu.memory_total or 0


def _together(cards: Sequence[Gpu], figures: Figures) -> list[Gpu]:
    """The cards that one build of llama.cpp uses together: those of the backend with the most memory."""
    by_backend: dict[str, list[Gpu]] = {}
    for card in cards:
        by_backend.setdefault(figures.vendors.get(card.vendor, "other"), []).append(card)
    return max(by_backend.values(), key=lambda group: sum(map(_free, group)), default=[])


def _worth_using(gpu: Gpu, figures: Figures) -> bool:
    """Graphics inside a processor share its memory's speed and add little; those made for more are in the table."""
    return gpu.vendor in ("apple", "nvidia") or figures.bandwidth_of(gpu.vendor, gpu.name) is not None
