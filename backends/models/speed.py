"""How fast a model will answer: decoding reads every active weight once a token, so memory bandwidth decides.

    t_token = sum over devices of bytes read / (bandwidth * efficiency * q(quant)) + t0

`efficiency` is the backend's, `q` the kernels' of a quant (below 4 bits files get smaller but not faster). Eleven
published measurements lie within 12 % of it; see the figures and their schema.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backends.models.budget import Device
from backends.models.footprint import Placement
from backends.models.machines import Answers, Figures
from backends.models.types import Shape
from backends.models.weights import Weights


@dataclass(frozen=True, slots=True)
class Read:
    """Bytes read of one memory in a step of decoding: of `routed` experts only those that are used, the rest always."""

    always: int
    routed: int
    kv: int

    def of(self, active: float) -> float:
        """With this share of the routed experts in use."""
        return self.always + self.routed * active + self.kv


def reads(weights: Weights, placement: Placement, kv: Sequence[int]) -> tuple[Read, tuple[Read, ...]]:
    """Of main memory, and of each GPU. `kv`: bytes of the cache of all blocks before the n-th."""
    kept = max(placement.host_blocks, min(placement.expert_layers_on_cpu, len(kv) - 1))
    output = weights.output if placement.output is None else 0
    blocks = placement.host_blocks
    host = Read(weights.blocks[blocks] + output, weights.experts[kept], kv[blocks])
    gpus = []
    for index, (first, last) in enumerate(placement.ranges):
        moved = max(first, min(placement.expert_layers_on_cpu, last))
        always = weights.blocks[last] - weights.blocks[first] + (weights.output if placement.output == index else 0)
        gpus.append(Read(always, weights.experts[last] - weights.experts[moved], kv[last] - kv[first]))
    return host, tuple(gpus)


def tokens_per_s(
    shape: Shape,
    weights: Weights,
    placement: Placement,
    host: Device,
    gpus: Sequence[Device],
    figures: Figures,
    *,
    quant: str = "",
    kv: Sequence[int] | None = None,
) -> float:
    """Decoded tokens per second when the cache holds `kv` bytes (as from `kv_cells`), or nothing yet."""
    kv = kv or (0,) * (shape.layers + 1)
    active = shape.experts_used / shape.experts if shape.experts else 0.0
    kernels, kernels_on_cpu = figures.speed_factor(quant), figures.speed_factor(quant, on_cpu=True)
    seconds = figures.extra_latency.get(shape.architecture, 0.0)
    kept = max(placement.host_blocks, min(placement.expert_layers_on_cpu, shape.layers))
    output_on_host = placement.output is None
    of_host, of_gpus = reads(weights, placement, kv)
    seconds += of_host.of(active) / (host.bandwidth * host.efficiency * kernels_on_cpu)
    # Fixed costs fall to the devices by the blocks that run there.
    share = (placement.host_blocks + (kept - placement.host_blocks) / 2 + output_on_host) / (shape.layers + 1)
    seconds += host.backend.latency * share
    for index, (first, last) in enumerate(placement.ranges):
        device, is_output = gpus[index], placement.output == index
        seconds += of_gpus[index].of(active) / (device.bandwidth * device.efficiency * kernels)
        seconds += device.backend.latency * (last - first + is_output) / (shape.layers + 1)
    return 1 / seconds


def host_share(shape: Shape, weights: Weights, placement: Placement) -> float:
    """The part of the bytes read for a token that comes out of main memory, from 0 to 1."""
    active = shape.experts_used / shape.experts if shape.experts else 0.0
    kept = max(placement.host_blocks, min(placement.expert_layers_on_cpu, shape.layers))
    total = weights.blocks[-1] + weights.experts[-1] * active + weights.output
    read = weights.blocks[placement.host_blocks] + weights.experts[kept] * active
    return (read + (weights.output if placement.output is None else 0)) / total


def seconds_to_answer(tokens_per_s: float, prefill: float, answers: Answers, *, reasoning: bool) -> float:
    """A typical question read (`prefill` times as fast as decoding) and its answer written, thinking included."""
    written = answers.reasoning_tokens if reasoning else answers.plain_tokens
    return (answers.prompt_tokens / prefill + written) / tokens_per_s
