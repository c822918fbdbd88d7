"""Where the bytes of a model lie inside it: embedding, blocks, experts, output.

From the tensors of a file's header exactly; before a download from the catalogue's shape and the file's size, which
is good to a few per cent of a block and exact in the sum.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from backends.models.gguf import Header
from backends.models.gguf_bounds import EMBEDDING_ARCHITECTURES
from backends.models.types import ModelFile, Shape

if TYPE_CHECKING:
    from backends.models.footprint import Placement

_BLOCK = re.compile(r"blk\.(\d+)\.")
_INPUT = {f"{name}.weight" for name in ("token_embd", "token_embd_norm", "token_types", "position_embd")} | {
    "token_embd_norm.bias"
}
_EXPERTS = re.compile(r"\.ffn_(?:up|down|gate_up|gate)_(?:ch)?exps\b")


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes. `blocks[n]` and `experts[n]` are those of all blocks before the n-th, so that ranges are differences.

    `embedding` always stays in main memory; `output` is the output layer, and a copy of the embedding where the model
    has no output matrix of its own (`copied` bytes, not needed where both are in main memory). `experts` are the
    routed ones, `blocks` all else.
    """

    embedding: int
    output: int
    blocks: tuple[int, ...]
    experts: tuple[int, ...]
    copied: int = 0

    @property
    def total(self) -> int:
        return self.embedding + self.output + self.blocks[-1] + self.experts[-1]

    @classmethod
    def of_parts(cls, embedding: int, output: int, blocks: Sequence[int], experts: Sequence[int]) -> "Weights":
        return cls(embedding, output, tuple(accumulate(blocks, initial=0)), tuple(accumulate(experts, initial=0)))

    @classmethod
    def of_header(cls, header: Header) -> "Weights":
        layers = header.shape.layers
        blocks, experts = [0] * layers, [0] * layers
        embedding = output = 0
        tied = True
        for tensor in header.tensors:
            if found := _BLOCK.match(tensor.name):
                if int(found[1]) < layers:  # those behind are for drafts (`nextn`), and llama.cpp leaves them out
                    (experts if _EXPERTS.search(tensor.name) else blocks)[int(found[1])] += tensor.size
            elif tensor.name in _INPUT:
                embedding += tensor.size
            else:
                output += tensor.size
                tied = tied and tensor.name != "output.weight"
        copied = 0
        if tied and header.architecture not in EMBEDDING_ARCHITECTURES:  # those have no output layer at all
            copied = next((one.size for one in header.tensors if one.name == "token_embd.weight"), 0)
        return replace(cls.of_parts(embedding, output + copied, blocks, experts), copied=copied)

    def on(self, placement: "Placement") -> tuple[int, tuple[int, ...]]:
        """Bytes in main memory, and on each GPU."""
        layers = len(self.blocks) - 1
        gpus = []
        for index, (first, last) in enumerate(placement.ranges):
            moved = max(first, min(placement.expert_layers_on_cpu, last))
            size = self.blocks[last] - self.blocks[first] + self.experts[last] - self.experts[moved]
            gpus.append(size + (self.output if placement.output == index else 0))
        kept = max(placement.host_blocks, min(placement.expert_layers_on_cpu, layers))
        host = self.embedding + self.blocks[placement.host_blocks] + self.experts[kept]
        return host + (self.output - self.copied if placement.output is None else 0), tuple(gpus)

    @classmethod
    def estimate(cls, shape: Shape, file: ModelFile) -> "Weights":
        """From the size of the file: experts by their share of the parameters, the rest spread over the blocks."""
        matrix = shape.vocabulary * shape.embedding
        embedding = min(round(matrix * file.embedding_bits / 8), file.size // 2)
        sparse = shape.layers - shape.dense_layers if shape.experts else 0
        experts = 3 * shape.embedding * shape.expert_feed_forward * shape.experts
        if file.dense_size is not None:
            routed = max(0, file.size - file.dense_size)
        else:
            routed = round(file.size * experts * sparse / _parameters(shape, experts)) if sparse else 0
        output = min(embedding, (file.size - routed - embedding) // 2)
        rest = file.size - routed - embedding - output
        dense = shape.layers - sparse
        return cls.of_parts(
            embedding,
            output,
            _spread(rest, shape.layers),
            [0] * dense + _spread(routed, sparse),
        )


def _parameters(shape: Shape, experts: int) -> int:
    """All parameters of a mixture of experts, near enough to tell the experts' share of them."""
    sparse = shape.layers - shape.dense_layers
    attention = shape.embedding * shape.heads * (shape.key_length + shape.value_length)
    if shape.kv_lora_rank:
        latent = shape.kv_lora_rank + shape.rope_dimensions
        unfolded = shape.heads * (shape.key_length - shape.rope_dimensions + shape.value_length)
        attention += shape.embedding * latent + shape.kv_lora_rank * unfolded
    else:
        attention += shape.embedding * shape.kv_heads * (shape.key_length + shape.value_length)
    shared = 6 * shape.embedding * shape.expert_feed_forward
    dense = 3 * shape.embedding * shape.feed_forward * shape.dense_layers
    return 2 * shape.vocabulary * shape.embedding + shape.layers * attention + sparse * (experts + shared) + dense


def _spread(total: int, parts: int) -> list[int]:
    """`total` in `parts` whole numbers that differ by one at most."""
    if not parts:
        return []
    each, more = divmod(total, parts)
    return [each + (index < more) for index in range(parts)]
