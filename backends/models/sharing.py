"""How several graphics cards share a model: whole layers each, or a part of every layer ("tensor").

The second is quicker for one answer where the cards are connected well, and llama.cpp calls it experimental: it is done
only if somebody wants it or it was measured to be quicker here, and only after it went well in a process of its own.
"""

from dataclasses import replace
from typing import Literal

from backends.models.types import RunOptions, Shape

Sharing = Literal["layer", "tensor"]

TENSOR = frozenset({"qwen2", "qwen3", "llama", "deepseek", "deepseek4"})
"""Architectures of which llama.cpp can give each card a part of every layer (`llm_arch_supports_sm_tensor`)."""


def can_split_layers(shape: Shape, options: RunOptions) -> bool:
    """All layers on several cards, nothing of them in main memory, and a cache in f16: with a quantised one llama.cpp
    says that it is not implemented."""
    cards = sum(count > 0 for count in options.gpu_split)
    whole = options.gpu_layers < 0 or options.gpu_layers > shape.layers
    in_place = whole and not options.expert_layers_on_cpu and options.kv_type == "f16"
    return shape.architecture in TENSOR and cards > 1 and in_place


def shared(shape: Shape, options: RunOptions, wanted: Literal["auto", "layer", "tensor"], quicker: bool) -> RunOptions:
    """The options with the way in which the cards share. `quicker`: parts of every layer were measured to be so."""
    tensor = (wanted == "tensor" or (wanted == "auto" and quicker)) and can_split_layers(shape, options)
    return replace(options, gpu_sharing="tensor" if tensor else "layer")
