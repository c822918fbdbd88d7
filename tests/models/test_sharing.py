"""Several cards: a part of every layer on each, only where llama.cpp can do it and it is wanted or was faster."""

from dataclasses import replace

import pytest

from backends.models.catalog import Catalog
from backends.models.sharing import can_split_layers, shared
from backends.models.types import RunOptions

CATALOG = Catalog.load()
DENSE, LATENT = (CATALOG.find(name).shape for name in ("r1-distill-qwen-14b", "v2-lite-chat"))
WHOLE = RunOptions(16384, gpu_layers=49, gpu_split=(25, 24))


@pytest.mark.parametrize(
    "options",
    [
        replace(WHOLE, gpu_split=()),
        replace(WHOLE, gpu_split=(49, 0)),
        replace(WHOLE, gpu_layers=40, gpu_split=(20, 20)),
        replace(WHOLE, kv_type="q8_0"),
        replace(WHOLE, expert_layers_on_cpu=3),
        replace(WHOLE, gpu_layers=0, gpu_split=()),
    ],
)
def test_where_cards_cannot_share_layers(options: RunOptions) -> None:
    """One card, layers or experts in main memory, a quantised cache."""
    assert not can_split_layers(DENSE, options)
    assert shared(DENSE, options, "tensor", quicker=True) == options


def test_not_every_architecture_can() -> None:
    assert can_split_layers(DENSE, WHOLE)
    assert can_split_layers(DENSE, replace(WHOLE, gpu_layers=-1))
    assert not can_split_layers(LATENT, replace(WHOLE, gpu_layers=LATENT.layers + 1))


def test_whole_layers_unless_wanted_or_seen_to_be_slower() -> None:
    assert shared(DENSE, WHOLE, "auto", quicker=False).gpu_sharing == "layer"
    assert shared(DENSE, WHOLE, "auto", quicker=True).gpu_sharing == "tensor"
    assert shared(DENSE, WHOLE, "layer", quicker=True).gpu_sharing == "layer"
    assert shared(DENSE, WHOLE, "tensor", quicker=False) == replace(WHOLE, gpu_sharing="tensor")
