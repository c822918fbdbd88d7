"""What the reader of one file is told, and what reading it may take."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """`memory`: bytes the child may map; `recognising`: with pictures of pages being read. `seconds` of processor time
    a file, and `seconds_per_mib` of its size more; `seconds_per_step`: more for each page or piece that is done,
    `recognising_step` if its picture is read; `silence`: seconds without a word, as from a drive that is gone.
    `characters` of text in all."""

    memory: int = 2048 * MIB
    recognising: int = 4096 * MIB
    seconds: float = 60.0
    seconds_per_mib: float = 2.0
    seconds_per_step: float = 1.0
    recognising_step: float = 60.0
    silence: float = 300.0
    characters: int = 2_200_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """`format` "": whoever reads finds out. `password` "" if none is known. `recognise`: read pages that are only
    pictures, too (OCR)."""

    format: str = ""
    password: str = ""
    recognise: bool = False
    limits: Limits = field(default_factory=Limits)

    def told(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def heard(cls, told: Mapping[str, Any]) -> "Asked":
        """What `told` made this of."""
        return cls(told["format"], told["password"], told["recognise"], Limits(**told["limits"]))
