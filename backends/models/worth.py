"""What a file of a model is worth for a use, before it is known how it runs: quality, less what its quant costs."""

import re

from backends.models.machines import Scoring
from backends.models.types import CatalogModel, ModelFile, Use

_BITS = re.compile(r"(?:UD-)?(?:IQ|TQ|Q|MXFP|BF|F)(\d+)", re.IGNORECASE)


def of_model(model: CatalogModel, use: Use) -> float:
    """The model's quality for a use at f16, relative to the others'."""
    return model.scores.get(use, model.base_score)


def of_file(model: CatalogModel, file: ModelFile, use: Use, scoring: Scoring) -> float:
    """The same of one quant: in proportion to its divergence and to how much the model suffers from that."""
    loss = scoring.divergence_weight * max(0.0, file.divergence - scoring.negligible_divergence)
    return of_model(model, use) * max(0.0, 1 - loss * model.quant_sensitivity)


def of_speed(speed: float, scoring: Scoring) -> float:
    """What so many tokens per second leave of it, from 0 to 1."""
    return min(1.0, speed / scoring.target_speed) ** scoring.speed_power * (
        1.0 if speed >= scoring.slowest else scoring.slow_factor
    )


def bits(quant: str) -> int:
    """The bits in a quant's name: 2 for `UD-Q2_K_XL`; 16 where it has none."""
    found = _BITS.match(quant)
    return int(found[1]) if found else 16
