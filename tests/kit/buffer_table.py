"""Writes resources/compute_buffers.json: `python -m tests.bench plan --write FILE`."""

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from tests.kit.real_models import REAL, Real
from tests.kit.shapes import shaped_model

MODELS = ("v2-lite", "v2-lite-legacy", "v2", "v3", "v3-legacy", "v3.2", "v4-flash-0731")
CONTEXTS = sorted({256 * 2**power * part // 4 // 256 * 256 for power in range(13) for part in (4, 5, 6, 7)} - {0})
ENOUGH = 0.02  # KiB a token that a left out point may be off the line

Ask = Callable[[int, int, int], int]


def write(target: Path, scratch: Path, ask: Ask) -> None:
    """`ask`: bytes of the compute buffer of the model at `scratch` by context, batch and sequences."""
    found = []
    for name in MODELS:
        model = REAL[name]
        shaped_model(scratch, model)
        # deepseek4 keeps a cache for each sequence, and its buffer is not in proportion to the batch
        asked = [(b, s) for b in (256, 512, 2048) for s in (1, 2, 4, 8, 16)] if model.ratios else [(512, 1)]
        found.append(
            {
                "architecture": model.architecture,
                "embedding": model.width,
                "layers": model.layers,
                "latent": bool(model.kv_rank and model.mla),
                "rows": [_row(model, batch, sequences, ask) for batch, sequences in asked],
            }
        )
    text = json.dumps({"$schema": "compute_buffers.schema.json", "version": 1, "buffers": found}, indent=2)
    target.write_text(re.sub(r"\[\s+([\d.]+),\s+([\d.]+)\s+\]", r"[\1, \2]", text) + "\n", encoding="utf-8")


def _row(model: Real, batch: int, sequences: int, ask: Ask) -> dict[str, object]:
    contexts = sorted({*(one for one in CONTEXTS if one <= model.context), model.context})
    points = [(one, ask(one, batch, sequences) / min(batch, one) / 1024) for one in contexts]
    kept = [points[0]]
    for (x1, y1), (x2, y2) in pairwise(points[1:]):
        x0, y0 = kept[-1]
        if abs(y0 + (y2 - y0) * (x1 - x0) / (x2 - x0) - y1) > ENOUGH:
            kept.append((x1, y1))
    kept.append(points[-1])
    return {"batch": batch, "sequences": sequences, "points": [[x, round(y + 0.005, 2)] for x, y in kept]}
