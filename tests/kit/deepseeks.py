"""Small DeepSeeks with random weights that compute: V3.2 (deepseek32) and V4 (deepseek4), which `ggufs` does not make.

    path = small_deepseek(folder / "m.gguf", "deepseek4")

Some MB each; every kind of layer of the real ones is there, and what they attend to is few enough to be chosen from.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from gguf import GGMLQuantizationType as Quant
from gguf import GGUFReader

from tests.kit.real_models import REAL
from tests.kit.shapes import shaped_model

_WORDS, _CONTEXT = 512, 8192
SMALL = {
    "deepseek32": replace(
        REAL["v3.2"], layers=3, width=128, heads=4, head=32, rope=32, value=32, q_rank=64, kv_rank=64, ff=256,
        vocabulary=_WORDS, context=_CONTEXT, experts=4, used=2, expert_ff=64, dense=1, indexer=4, top_k=64,
    ),
    "deepseek4": replace(
        REAL["v4-flash-0731"], layers=4, width=128, heads=8, head=128, q_rank=64, vocabulary=_WORDS, context=_CONTEXT,
        experts=4, used=2, expert_ff=64, indexer=4, top_k=32, ratios=(0, 4, 128, 4), hashed=1,
    ),
}  # fmt: skip


def small_deepseek(path: Path, architecture: Literal["deepseek32", "deepseek4"], seed: int = 0) -> Path:
    """The same arguments give the same bytes."""
    model = SMALL[architecture]
    shaped_model(path, model, "F16")
    random = np.random.default_rng(seed)
    for tensor in GGUFReader(path, "r+").tensors:
        rows, name = tensor.data, tensor.name
        if tensor.tensor_type == Quant.I32:
            rows[:] = random.integers(0, model.experts, rows.shape, dtype=np.int32)
        elif name.endswith("bias") or "_base" in name or "sinks" in name:
            rows[:] = 0
        elif rows.ndim == 1:
            rows[:] = 1
        else:
            rows[:] = random.standard_normal(rows.shape, dtype=np.float32) * rows.shape[-1] ** -0.5
    return path
