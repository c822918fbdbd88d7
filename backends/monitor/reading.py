"""What a loaded model reads for each token, out of which memory, and how fast that memory can be read.

Decoding reads every weight that is used, and the cells of the cache, once a step; a step gives a token to each answer
that is being written (more where some were guessed ahead). So steps a second times bytes is the bandwidth in use, and
together with what the memories can give it says how much of the time goes into reading: the rest is arithmetic,
starting kernels, waiting. See `models.speed` for the same the other way round, and `facts` of the figures there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from backends.engine.protocol import LoadedModel
from backends.models.budget import Budget, Device
from backends.models.footprint import Placement, kv_cells, place
from backends.models.machines import Figures
from backends.models.speed import Read, reads
from backends.models.types import Shape
from backends.models.ways import placed
from backends.models.weights import Weights
from backends.monitor.outcome import on_gpu


@dataclass(frozen=True, slots=True)
class Reader:
    """A memory that holds a part of the model. `kind`: cpu, gpu or igpu. `reachable`: bytes a second that llama.cpp
    gets out of such a memory at best, None where nobody knows it."""

    device: str  # as the engine calls it
    title: str  # as it is sold; "" for main memory
    kind: str
    always: int  # bytes read in each step
    routed: int  # bytes of routed experts, of which a step reads a part
    per_cell: float  # bytes of the cache for each token in it
    reachable: float | None = None

    def bytes(self, active: float, cells: int) -> float:
        """In a step."""
        return self.always + self.routed * active + self.per_cell * cells


@dataclass(frozen=True, slots=True)
class Running:
    """The loaded model as it lies. `experts`: share of the routed experts that one token uses, 0 where there are none.
    `kernels`: how much of the bandwidth the kernels of this quant reach beside Q4_K_M (below 4 bits less)."""

    model: LoadedModel
    quant: str
    readers: tuple[Reader, ...]
    experts: float = 0.0
    kernels: float = 1.0

    @property
    def on_gpu(self) -> tuple[Reader, ...]:
        return tuple(one for one in self.readers if one.kind != "cpu")

    @property
    def on_cpu(self) -> Reader | None:
        return next((one for one in self.readers if one.kind == "cpu"), None)

    @property
    def layers_on_gpu(self) -> int:
        return on_gpu(self.model)

    def active(self, answers: float) -> float:
        """Share of the routed experts that a step reads which computes a token for each of so many answers: those that
        at least one of them uses, if each picks by itself."""
        return 1 - (1 - self.experts) ** max(1.0, answers) if self.experts else 0.0

    def bytes(self, answers: float = 1, cells: int = 0) -> float:
        """Read in a step, of all memories."""
        active = self.active(answers)
        return sum(one.bytes(active, cells) for one in self.readers)

    def times(self, answers: float = 1, cells: int = 0) -> tuple[float, ...] | None:
        """Seconds that a step at least takes to read each memory; None where one's speed is not known."""
        active, found = self.active(answers), []
        for one in self.readers:
            if not one.reachable:
                return None
            found.append(one.bytes(active, cells) / one.reachable)
        return tuple(found)


def running(
    loaded: LoadedModel,
    shape: Shape,
    weights: Weights,
    budget: Budget,
    *,
    quant: str = "",
    known: Collection[str] = (),
    host_bandwidth: float | None = None,
) -> Running:
    """`budget`: the machine's devices. `known`: labels of those whose peak bandwidth somebody told; what is only
    typical of machines of the size says nothing here. `host_bandwidth`: bytes a second of main memory as measured."""
    figures = budget.figures
    lies = _lies(loaded, shape, budget)
    kv = kv_cells(shape, loaded.context, loaded.kv_type)
    of_host, of_gpus = reads(weights, lies, kv)
    share = shape.experts_used / shape.experts if shape.experts else 0.0
    kernels = min(1.0, figures.speed_factor(quant, on_cpu=lies.output is None))
    if lies.output is None and (unknown := [one for one in loaded.devices if one != budget.host.label]):
        # It lies on devices of which only the engine knows: nothing can be said of their memory.
        names = " + ".join(unknown)
        per_cell = of_host.kv / max(1, loaded.context)
        reader = Reader(names, names, "gpu", of_host.always, of_host.routed, per_cell)
        return Running(loaded, quant, (reader,), share, kernels)
    found = [] if of_host == Read(0, 0, 0) else [_host(of_host, loaded, budget, known, host_bandwidth)]
    for device, read in zip(budget.gpus, of_gpus, strict=False):
        if read != Read(0, 0, 0):
            reachable = device.bandwidth * device.efficiency if device.label in known else None
            found.append(_reader(device, read, loaded.context, reachable))
    if _every_card_a_part(loaded):
        found = _together(found)
    return Running(loaded, quant, tuple(found), share, kernels)


def _host(read: Read, loaded: LoadedModel, budget: Budget, known: Collection[str], measured: float | None) -> Reader:
    host = budget.host
    reachable = measured or (host.bandwidth * host.efficiency if host.label in known else None)
    return _reader(host, read, loaded.context, reachable, title="")


def _reader(device: Device, read: Read, context: int, reachable: float | None, title: str | None = None) -> Reader:
    title = device.name if title is None else title
    return Reader(device.label, title, device.kind, read.always, read.routed, read.kv / max(1, context), reachable)


def _lies(loaded: LoadedModel, shape: Shape, budget: Budget) -> Placement:
    """Where the blocks are: llama.cpp gives the last ones to the GPUs, the output layer first."""
    used = [gpu.label in loaded.devices for gpu in budget.gpus]
    if not any(used):
        return place(shape.layers, 0, 0, ())
    counted = shape.layers + 1 if loaded.gpu_layers >= loaded.layers else loaded.gpu_layers + 1
    split: Sequence[int] = loaded.gpu_split
    if _every_card_a_part(loaded) or len(split) != len(budget.gpus) or sum(split) != counted:
        first = used.index(True)
        split = [counted if number == first else 0 for number in range(len(used))]
        if _every_card_a_part(loaded):
            return place(shape.layers, counted, loaded.expert_layers_on_cpu, [1] * sum(used))
    return placed(shape.layers, split, loaded.expert_layers_on_cpu)


def _every_card_a_part(loaded: LoadedModel) -> bool:
    """Each of several cards has a part of every layer: then each counts them all."""
    return sum(loaded.gpu_split) > loaded.layers + 1


def _together(found: list[Reader]) -> list[Reader]:
    """Cards that read their parts at the same time are as one that is so much faster."""
    cards = [one for one in found if one.kind != "cpu"]
    if len(cards) < 2:
        return found
    speeds = [one.reachable for one in cards if one.reachable]
    names = dict.fromkeys(one.title for one in cards)
    joined = Reader(
        " + ".join(one.device for one in cards),
        " + ".join(names),
        "gpu",
        sum(one.always for one in cards),
        sum(one.routed for one in cards),
        sum(one.per_cell for one in cards),
        sum(speeds) if len(speeds) == len(cards) else None,
    )
    return [*(one for one in found if one.kind == "cpu"), joined]


def known_devices(budget: Budget, host_known: bool, card_bandwidths: Sequence[tuple[str, float | None]]) -> set[str]:
    """Labels of the devices whose peak bandwidth is not a guess. `card_bandwidths`: name of each card of the machine
    and what its driver told."""
    told = {name for name, bandwidth in card_bandwidths if bandwidth}
    found = {gpu.label for gpu in budget.gpus if gpu.name in told or _listed(gpu.name, budget.figures)}
    return found | ({budget.host.label} if host_known else set())


def _listed(name: str, figures: Figures) -> bool:
    return any(figures.bandwidth_of(vendor, name) for vendor in figures.bandwidths)
