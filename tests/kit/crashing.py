"""A model that ends the process that computes with it, as no check of a header can foresee."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from backends.models import gguf
from tests.kit.damages import written
from tests.kit.headers import Draft, Kind
from tests.kit.real_models import real
from tests.kit.shapes import shaped_model

SMALL_V4 = replace(
    real("v4-flash-0731").small(layers=2), width=256, heads=8, head=128, ff=128, vocabulary=1024, q_rank=64,
    experts=4, used=2, expert_ff=64, context=2048, ratios=(4, 128), hashed=1,
)  # fmt: skip


def crashing(path: Path, name: str) -> Path:
    """A model that passes every check and ends the process that computes with it: its header is right, but the table
    that sends tokens to experts names experts that it does not have."""

    def misled(draft: Draft) -> None:
        draft.set("general.name", Kind.STRING, name)
        begin = draft.tensor("blk.0.ffn_gate_tid2eid.weight").offset
        table = np.full((SMALL_V4.vocabulary, SMALL_V4.used), 1_000_000, "<i4").tobytes()
        draft.data = draft.data[:begin] + table + draft.data[begin + len(table) :]

    written(shaped_model(path, SMALL_V4, "Q8_0", weights="noise"), path, misled)
    gguf.check(path)
    return path
