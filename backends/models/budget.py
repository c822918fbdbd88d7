"""What a machine has to give to a model: how much of each memory, and how fast that is.

A probed machine gives what is free now; a size that somebody names (`--ram 32GiB --vram 24GiB`) stands for a typical
machine of that size, the same everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from backends.hardware.types import Gpu, Machine
from backends.models.machines import Backend, Figures, step

HOST = "CPU"


class EngineDevice(Protocol):
    """A device as the engine lists it ("CUDA0", "NVIDIA GeForce RTX 4090", "gpu"), bytes."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def memory_total(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Device:
    """Main memory with the processor, or one GPU. `free` in bytes, `bandwidth` in bytes per second."""

    name: str
    free: int
    bandwidth: float
    efficiency: float
    backend: Backend
    margin: int = 0  # of `free`, what no plan may take
    engine: str = ""  # what the engine calls it, "CUDA0"; "" where nobody asked the engine
    kind: str = "gpu"  # as ggml names kinds: cpu, gpu, igpu

    @property
    def label(self) -> str:
        """Its name in a plan."""
        return self.engine or self.name

    @property
    def usable(self) -> int:
        return max(0, self.free - self.margin)


@dataclass(frozen=True, slots=True)
class Budget:
    """`unified`: the one GPU takes its memory out of the host's. `instruction_sets` of a processor that is known."""

    host: Device
    gpus: tuple[Device, ...]
    figures: Figures
    unified: bool = False
    instruction_sets: tuple[str, ...] = ()

    @classmethod
    def from_machine(
        cls,
        machine: Machine,
        figures: Figures | None = None,
        *,
        margins: Sequence[int] = (),
        engine: Sequence[EngineDevice] = (),
        returned: Mapping[str, int] | None = None,
    ) -> "Budget":
        """What is free now on this machine, less what the system and the display may still want.

        `margins`: bytes to leave free on each card, in the machine's order, the last one for all that follow.
        `engine`: its devices, whose order and names the cards then have. `returned`: what unloading a model would
        give back, by the engine's names ("CPU", "CUDA0"), in bytes.
        """
        figures, returned = figures or Figures.load(), returned or {}
        margins = margins or (figures.gpu_margin,)
        found = [
            (gpu, _card(gpu, figures, margins[min(number, len(margins) - 1)]))
            for number, gpu in enumerate(machine.gpus)
            if _free(gpu) and (not gpu.unified or _worth_using(gpu, figures))
        ]
        cards = _together([pair for pair in found if not pair[0].unified], figures)
        unified = not cards and any(gpu.unified for gpu, _ in found)
        gpus = _as_the_engine([pair for pair in found if pair[0].unified][:1] if unified else cards, engine)
        on_cards = sum(size for name, size in returned.items() if name != HOST)
        back = max(returned.get(HOST, 0), on_cards) if unified else returned.get(HOST, 0)
        memory = machine.memory
        free = min(
            round((memory.available + back) * (1 - figures.host_margin_share)),
            memory.total - figures.reserve.of(machine.system, memory.total),
        )
        bandwidth = memory.bandwidth or figures.typical_bandwidth("ram", memory.total)
        if not unified:
            given = tuple(
                replace(card, free=_at_most(card.free + returned.get(card.label, 0), gpu)) for gpu, card in gpus
            )
            return cls(_host(free, bandwidth, figures), given, figures, instruction_sets=machine.cpu.instruction_sets)
        ((gpu, card),) = gpus
        card = replace(card, free=min(_at_most(card.free + back, gpu), max(0, free)))
        host = _host(free, memory.bandwidth or card.bandwidth, figures)
        return cls(host, (card,), figures, unified=True, instruction_sets=machine.cpu.instruction_sets)

    @classmethod
    def typical(cls, ram: int, vram: Sequence[int] = (), figures: Figures | None = None) -> "Budget":
        """A typical machine with `ram` bytes and an NVIDIA card for each of `vram`; zeros are no cards."""
        figures = figures or Figures.load()
        host = _host(ram - figures.reserve.of("typical", ram), figures.typical_bandwidth("ram", ram), figures)
        cards = [Gpu(f"GPU {index}", "nvidia", size, size) for index, size in enumerate(vram) if size > 0]
        return cls(host, tuple(_card(card, figures, figures.gpu_margin) for card in cards), figures)

    @classmethod
    def typical_unified(cls, memory: int, figures: Figures | None = None) -> "Budget":
        """A typical Mac with `memory` bytes; Metal gives the GPU a share of it."""
        figures = figures or Figures.load()
        free = memory - figures.reserve.of("darwin", memory)
        working_set = round(memory * step(figures.working_set, memory))
        card = Gpu("GPU", "apple", working_set, working_set, figures.typical_bandwidth("unified", memory), unified=True)
        gpu = replace(_card(card, figures, figures.gpu_margin), free=min(working_set, free))
        return cls(_host(free, gpu.bandwidth, figures), (gpu,), figures, unified=True)

    @property
    def memory(self) -> int:
        """All that a model may take, in bytes; shared memory counts once."""
        return self.host.usable + (0 if self.unified else sum(gpu.usable for gpu in self.gpus))


def margins(text: str) -> tuple[int, ...]:
    """What the settings say of cards ("1024,2048", in MiB) in bytes."""
    return tuple(int(one) << 20 for one in text.split(","))


def _host(free: int, bandwidth: float, figures: Figures) -> Device:
    backend = figures.backends["cpu"]
    return Device(HOST, max(0, free), bandwidth, backend.efficiency, backend, engine=HOST, kind="cpu")


def _card(gpu: Gpu, figures: Figures, margin: int) -> Device:
    backend = figures.backend_of(gpu.vendor)
    known = figures.bandwidth_of(gpu.vendor, gpu.name)
    bandwidth = gpu.bandwidth or (known.bytes_per_s if known else 0.0)
    typical = figures.typical_bandwidth("unified" if gpu.unified else "vram", gpu.memory_total or _free(gpu))
    return Device(
        name=gpu.name,
        free=_free(gpu),
        bandwidth=bandwidth or typical,
        efficiency=(known.efficiency if known else None) or backend.efficiency,
        backend=backend,
        margin=margin,
        kind="igpu" if gpu.unified and gpu.vendor != "apple" else "gpu",
    )


def _free(gpu: Gpu) -> int:
    """What is free on a card; where the driver does not tell, what it has."""
    return gpu.memory_free if gpu.memory_free is not None else gpu.memory_total or 0


def _at_most(free: int, gpu: Gpu) -> int:
    return free if gpu.memory_total is None else min(free, gpu.memory_total)


def _together(cards: Sequence[tuple[Gpu, Device]], figures: Figures) -> list[tuple[Gpu, Device]]:
    """The cards that one build of llama.cpp uses together: those of the backend with the most memory."""
    by_backend: dict[str, list[tuple[Gpu, Device]]] = {}
    for gpu, card in cards:
        by_backend.setdefault(figures.vendors.get(gpu.vendor, "other"), []).append((gpu, card))
    return max(by_backend.values(), key=lambda group: sum(card.free for _, card in group), default=[])


def _as_the_engine(cards: list[tuple[Gpu, Device]], engine: Sequence[EngineDevice]) -> list[tuple[Gpu, Device]]:
    """The cards in the engine's order and with its names; those that it does not list are left out.

    Drivers list cards by their slot, CUDA the fastest first. They are told apart by name, then by size; where the
    names are no help and the numbers are the same, they are taken in their order.
    """
    listed = [device for device in engine if device.kind in ("gpu", "igpu")]
    if not listed:
        return cards
    left, found = list(cards), []
    for device in listed:
        same = [pair for pair in left if _same_name(pair[0].name, device.description)]
        if same:
            nearest = min(same, key=lambda pair: abs((pair[0].memory_total or 0) - device.memory_total))
            left.remove(nearest)
            found.append((nearest, device))
    if left and len(listed) == len(cards):
        found = list(zip(cards, listed, strict=True))
    return [(gpu, replace(card, engine=device.name, kind=device.kind)) for (gpu, card), device in found] or cards


def _same_name(card: str, description: str) -> bool:
    one, other = (" ".join(text.lower().split()) for text in (card, description))
    return bool(one and other) and (one in other or other in one)


def _worth_using(gpu: Gpu, figures: Figures) -> bool:
    """Graphics inside a processor share its memory's speed and add little; those made for more are in the table."""
    return gpu.vendor in ("apple", "nvidia") or figures.bandwidth_of(gpu.vendor, gpu.name) is not None
