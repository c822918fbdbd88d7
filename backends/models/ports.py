"""What this room needs from the engine. The engine fulfils it in child processes; `services` marries the two.

Types are structural, so that the engine need not know this room: a frozen dataclass with the same names will do.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from backends.core.cancel import CancelToken
from backends.models.types import KvType


class Allocation(Protocol):
    """What llama.cpp would put on one device beside weights, in bytes. `kind` as ggml names it: cpu, gpu, igpu."""

    @property
    def device(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def kv(self) -> int: ...
    @property
    def compute(self) -> int: ...


class DryRun(Protocol):
    """llama.cpp asked with `no_alloc`, in a child process: exact sizes in milliseconds, nothing allocated."""

    def measure(
        self,
        model: Path,
        *,
        context: int,
        kv_type: KvType,
        gpu_layers: int,
        expert_layers_on_cpu: int,
        gpu_split: Sequence[int],
        batch: int,
        sequences: int,
        outputs: int,
        embeddings: bool,
        cancel: CancelToken,
    ) -> Sequence[Allocation]:
        """`model`: a file whose header is real; the rest of it may be a hole. EngineError, InvalidInput, Cancelled."""
        ...


class QuantiseStep(Protocol):
    """`done` of `total` tensors; `size` of the result in bytes, known at the end (and from a dry run)."""

    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def size(self) -> int | None: ...


class Quantiser(Protocol):
    """llama.cpp's quantiser, in a child process."""

    def quantise(
        self, source: Path, target: Path, quant: str, *, threads: int, dry_run: bool, cancel: CancelToken
    ) -> Iterator[QuantiseStep]:
        """Write `target` (or, with `dry_run`, only tell its size). A cancel ends the child and removes `target`.

        EngineError (`quantise_failed`), ResourceError (`disk_full`), InvalidInput, Cancelled.
        """
        ...
