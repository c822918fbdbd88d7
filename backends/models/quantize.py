"""Smaller quants made here: of which files, into what, what that costs, and where the result belongs.

A result lies in the models folder, `quantised/NAME/NAME-QUANT.gguf`, with a receipt beside it that says of which model
it is a quant; so the library lists it like one that was downloaded. It is written in `.incoming` and gets its name when
its header is right.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.core.errors import EngineError, InvalidInput, ResourceError
from backends.core.paths import safe_join
from backends.core.phrase import Phrase
from backends.hardware.types import Disk
from backends.models import exactness, gguf, partial
from backends.models.catalog import Catalog
from backends.models.quants import quant_of, stem_of
from backends.models.seen import KINDS
from backends.models.space import SPARE, check_space, gigabytes
from backends.models.types import LocalModel, ModelFile, Plan, Shape
from backends.models.weights import Weights

FOLDER = "quantised"
QUANTS = ("Q8_0", "Q6_K", "Q5_K_M", "Q5_K_S", "Q4_K_M", "Q4_K_S", "IQ4_XS", "Q3_K_M")
"""What is good without an importance matrix, the largest first."""
SOURCES = ("F32", "F16", "BF16", "Q8_0")
_NOT_IN_NAMES = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True, slots=True)
class QuantisePlan:
    """What would come of it. `size` of the result, `disk_needed` (with what stays free) and `disk_free` in bytes."""

    quant: str
    size: int
    memory: Plan  # of the result, on this machine
    disk_needed: int
    disk_free: int
    loss: Phrase


def offered(model: LocalModel, catalog: Catalog) -> tuple[str, ...]:
    """The quants that can be made of a file, the largest first; none of one that is quantised below Q8_0 already."""
    if model.quant not in SOURCES or model.problem.en:
        return ()
    bits = catalog.quants[model.quant].bits_per_weight
    return tuple(quant for quant in QUANTS if catalog.quants[quant].bits_per_weight < bits)


def check(model: LocalModel, quant: str, catalog: Catalog) -> str:
    """The quant as it is written; InvalidInput (`bad_source`, `bad_quant`) where it cannot be made of this file."""
    quants = offered(model, catalog)
    if not quants:
        raise InvalidInput(
            Phrase(
                f"No smaller version can be made of {model.name} in {model.quant or '?'}.",
                f"无法从 {model.quant or '?'} 格式的 {model.name} 制作更小的版本。",
            ),
            Phrase(
                "It takes a file in F16, BF16, F32 or Q8_0: what is made of less is spoilt twice.",
                "需要 F16、BF16、F32 或 Q8_0 文件：对更低精度再次量化会严重损害质量。",
            ),
            code="bad_source",
        )
    if quant.upper() not in quants:
        raise InvalidInput(
            Phrase(f"{quant} cannot be made of a file in {model.quant}.", f"无法从 {model.quant} 文件制作 {quant}。"),
            Phrase(f"Choose one of {', '.join(quants)}.", f"请选择 {'、'.join(quants)} 之一。"),
            code="bad_quant",
        )
    return quant.upper()


def check_size(model: LocalModel, quant: str, size: int) -> None:
    """InvalidInput (`not_smaller`) if the result would not be smaller than what it is made of."""
    if size >= model.size:
        raise InvalidInput(
            Phrase(
                f"{quant} of {model.name} would have {gigabytes(size)}, no less than the {gigabytes(model.size)} it is "
                "made of.",
                f"{model.name} 的 {quant} 版本为 {gigabytes(size)}，并不小于原文件的 {gigabytes(model.size)}。",
            ),
            Phrase("Choose a smaller quant.", "请选择更小的量化。"),
            code="not_smaller",
        )


def check_room(volume: Disk, size: int) -> None:
    """ResourceError if the disk has no room for it and a spare 1 GB (`disk_full`), or takes no file of this size."""
    check_space(volume, -SPARE, size)
    if volume.free < size + SPARE:
        raise ResourceError(
            Phrase(
                f"{gigabytes(size + SPARE)} must be free for it (1 GB stays free), and the disk of {volume.folder} has "
                f"{gigabytes(volume.free)}.",
                f"需要 {gigabytes(size + SPARE)} 可用空间（其中 1 GB 留作余量），而 {volume.folder} 所在磁盘仅剩 "
                f"{gigabytes(volume.free)}。",
            ),
            Phrase("Free some space, or choose a smaller quant.", "请清理磁盘空间，或选择更小的量化。"),
            code="disk_full",
        )


def loss(source: str, quant: str, catalog: Catalog) -> Phrase:
    """What the quant costs in quality, in words."""
    divergence = catalog.quants[quant].divergence + catalog.quants[source].divergence
    said = exactness.of_quant(divergence)
    if source != "Q8_0":
        return said
    return Phrase(
        f"{said.en} Made of Q8_0 instead of the full model, it loses a very little more.",
        f"{said.zh}由 Q8_0 而非完整模型制作，会多损失极少的精度。",
    )


def weights(shape: Shape, quant: str, size: int, catalog: Catalog) -> Weights:
    """Where the bytes of the result will lie, before it is there."""
    known = catalog.quants[quant]
    file = ModelFile(quant, "", size, divergence=known.divergence, embedding_bits=known.embedding_bits)
    return Weights.estimate(shape, file)


def place(models: Path, model: LocalModel, quant: str) -> Path:
    """Where the result belongs; InvalidInput (`already_there`) if there is one."""
    stem = stem_of(model.path.name)
    if found := quant_of(stem):
        at = stem.upper().rfind(found)
        stem = stem[:at].rstrip("-._ ") or stem
    stem = _NOT_IN_NAMES.sub("-", stem).strip("-.")[:100] or "model"
    target = safe_join(models, FOLDER, stem, f"{stem}-{quant}.gguf")
    if target.exists():
        raise InvalidInput(
            Phrase(f"{target.name} is there already.", f"{target.name} 已存在。"),
            Phrase("Use it, or delete it first.", "请直接使用，或先将其删除。"),
            code="already_there",
        )
    return target


def settle(made: Path, target: Path, model: LocalModel, quant: str, size: int, catalog: Catalog) -> None:
    """Give the result its name and its receipt, once its header is right. EngineError (`quantise_failed`); OSError."""
    try:
        header = gguf.check(made, KINDS)
    except InvalidInput as error:
        raise _wrong(made, error.message) from error
    if header.quant != quant or header.size != size or header.architecture != model.architecture:
        raise _wrong(made, Phrase("It is not what was asked for.", "结果与要求不符。"))
    repo = catalog.find(model.catalog_id).repo if model.catalog_id else model.source
    parts: Sequence[partial.FilePart] = (partial.FilePart(target.name, size, None, "", checked=True),)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial.write_receipt(target, partial.Record("", repo, "", quant, tuple(parts), origin="quantised"))
    made.rename(target)


def _wrong(made: Path, why: Phrase) -> EngineError:
    return EngineError(
        Phrase(f"What the engine made is no good model: {why.en}", f"引擎生成的模型无效：{why.zh}"),
        Phrase("Check the file that it was made of.", "请校验用于制作的原文件。"),
        code="quantise_failed",
    )
