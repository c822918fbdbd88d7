"""What the names of GGUF files say: the quant, the parts of a split, and what is not a model at all.

The customs are those of the publishers on the hub (unsloth, bartowski, lmstudio-community, mradermacher) and of
llama.cpp's gguf-split, which names the parts `…-00001-of-00003.gguf`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backends.models.types import ModelFile

_QUANT = re.compile(
    r"(?<![a-z0-9])((?:UD-)?(?:IQ[1-4]_(?:XXS|XS|S|M|NL)|TQ[12]_0|Q[2-8]_K(?:_(?:XXL|XL|XS|L|M|S))?"
    r"|Q[458]_[01]|MXFP4(?:_MOE)?|BF16|F16|F32))(?![a-z0-9])",
    re.IGNORECASE,
)
_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_RAW_PART = re.compile(r"\.gguf\.(?:part\d+of\d+|\d+)$|[.-]part\d+of\d+\.gguf$|\.split-[a-z]{2}$", re.IGNORECASE)
_NOT_A_MODEL = re.compile(r"(?<![a-z0-9])(?:mmproj|mtp|draft|dspark|ik_?llama)(?![a-z0-9])", re.IGNORECASE)
_IMATRIX = re.compile(r"(?<![a-z0-9])imatrix(?![a-z0-9])", re.IGNORECASE)

# When nobody named a quant: the usual one, then its neighbours, the better ones first.
GOOD_QUANTS = (
    "Q4_K_M", "UD-Q4_K_XL", "Q4_K_L", "Q4_K_XL", "Q4_K_S", "Q5_K_M", "UD-Q5_K_XL", "Q5_K_S", "IQ4_XS", "IQ4_NL",
    "Q4_K", "Q5_K", "Q4_0", "Q4_1", "MXFP4_MOE", "MXFP4", "Q6_K", "Q5_0", "Q5_1", "UD-Q6_K_XL", "UD-Q3_K_XL", "Q3_K_L",
    "Q3_K_M", "IQ3_M", "Q8_0", "UD-Q8_K_XL", "IQ3_S", "Q3_K_S", "IQ3_XS", "UD-IQ3_XXS", "IQ3_XXS", "UD-Q2_K_XL",
    "Q2_K_L", "Q2_K", "IQ2_M", "BF16", "F16",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a split a file is; `number` counts from 1."""

    stem: str
    number: int
    count: int

    def name(self, number: int) -> str:
        return f"{self.stem}-{number:05}-of-{self.count:05}.gguf"


def part_of(name: str) -> Part | None:
    """What `…-00002-of-00003.gguf` says; None for the name of a single file."""
    match = _PART.fullmatch(name)
    return Part(match["stem"], int(match["number"]), int(match["count"])) if match else None


def stem_of(name: str) -> str:
    """The file name without folder, `.gguf` and the number of a part: what a person would call it."""
    name = name.rpartition("/")[2]
    part = part_of(name)
    return part.stem if part else re.sub(r"\.gguf$", "", name, flags=re.IGNORECASE)


def quant_of(path: str) -> str:
    """The quant in the name of a GGUF (`DeepSeek-R1.Q4_K_M.gguf` -> `Q4_K_M`), else in its folder's; "" if in none."""
    folder, _, name = path.replace("\\", "/").rpartition("/")
    for text in (stem_of(name), *reversed(folder.split("/"))):
        found = _QUANT.findall(text)
        if found:
            return found[-1].upper()
    return ""


def is_model(path: str) -> bool:
    """Whether the name is that of a GGUF which llama.cpp loads as a model: no projector, no draft, no raw slice."""
    name = path.rpartition("/")[2]
    if not name.lower().endswith(".gguf") or _RAW_PART.search(name) or _NOT_A_MODEL.search(path):
        return False
    return not _IMATRIX.search(name) or (bool(quant_of(name)) and not name.lower().startswith("imatrix"))


def is_raw_part(path: str) -> bool:
    """Whether the name is that of a slice of a GGUF which must be joined with the others before it is one."""
    return bool(_RAW_PART.search(path.rpartition("/")[2]))


def model_files(files: Mapping[str, tuple[int, str | None]]) -> list[ModelFile]:
    """The models among `{path: (size, sha256)}`, the parts of a split joined, the smallest first.

    A split of which a part is missing is left out: it cannot be loaded.
    """
    found = []
    for path in sorted(filter(is_model, files)):
        size, sha256 = files[path]
        part = part_of(path)
        if part is None:
            found.append(ModelFile(quant_of(path), path, size, sha256))
        elif part.number == 1 <= part.count <= len(files):
            parts = tuple(part.name(number) for number in range(1, part.count + 1))
            if all(name in files for name in parts):
                size = sum(files[name][0] for name in parts)
                sha256s = tuple(files[name][1] for name in parts)
                found.append(ModelFile(quant_of(path), path, size, None, parts, sha256s=sha256s))
    return sorted(found, key=lambda file: (file.size, file.file))


def preferred(files: Iterable[ModelFile]) -> ModelFile | None:
    """What a person means who names a model and no quant: Q4_K_M, else the nearest good one."""
    ranks = {quant: rank for rank, quant in enumerate(GOOD_QUANTS)}

    def rank(file: ModelFile) -> tuple[int, int]:
        return ranks.get(file.quant, ranks.get(file.quant.removeprefix("UD-"), len(ranks))), file.size

    return min(files, key=rank, default=None)
