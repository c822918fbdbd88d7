"""What is asked of an embedder and a reranker, and what comes back. Frozen data only; the engine is `embedder.py`.

What a text may be: anything. An empty one has the vector of what the model puts around a text; a lone surrogate is read
as "?"; what is longer than the context is cut at its end, and how much is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from backends.core.stream import Stream
from backends.engine.protocol import DeviceUse, LoadProgress

Pooling = Literal["mean", "cls", "last", "rank"]
TextRole = Literal["query", "document"]


@dataclass(frozen=True, slots=True)
class EmbedderRequest:
    """How to load an embedder (`pooling` mean, cls, last) or a reranker (rank).

    `pooling` None: what the file says. `context` is the longest text in tokens, at most what the model was trained for;
    `batch`: texts of so many tokens are computed together. `query_prefix` and `document_prefix` are put before texts of
    that role. `dimensions` 0: all; of fewer the first are taken and normed again (Matryoshka). `threads` 0: as the chat
    model; while that answers, half of them. `gpu_split` and `mapped` as in LoadRequest.
    """

    path: Path
    pooling: Pooling | None = None
    context: int = 2048
    batch: int = 512
    query_prefix: str = ""
    document_prefix: str = ""
    dimensions: int = 0
    gpu_layers: int = -1
    threads: int = 0
    alias: str = ""
    parallel: int = 32  # texts computed together
    gpu_split: tuple[int, ...] = ()
    mapped: bool = True


@dataclass(frozen=True, slots=True)
class LoadedEmbedder:
    """`identity` tells apart vectors that must not be compared: what is in the file, pooling, prefixes, dimensions."""

    alias: str
    path: Path
    architecture: str
    pooling: Pooling
    dimensions: int  # 0 of a reranker
    context: int
    devices: tuple[str, ...]
    size: int
    seconds: float
    identity: str
    uses: tuple[DeviceUse, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbedderLoaded:
    model: LoadedEmbedder


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors of the next texts, in order, from the `first` on: little-endian float32, of length 1, one bytes object a
    text. `cut`: of how many tokens each text's end was left out, where it was longer than the context."""

    first: int
    vectors: tuple[bytes, ...]
    cut: tuple[int, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """How well the documents from `first` on answer the query, 0..1 each (the sigmoid of the model's score)."""

    first: int
    scores: tuple[float, ...]
    cut: tuple[int, ...]
    tokens: int


EmbedderLoadEvent = LoadProgress | EmbedderLoaded


class Embedder(Protocol):
    """An embedder or a reranker on a thread and in a context of its own, beside the chat model. As `Engine`, every
    method may be called from any thread, returns at once, and errors come out of the streams: EngineError
    (`load_failed`, `out_of_memory`, `decode_failed`), InvalidInput (`unsupported_model`, `no_pooling`, `wrong_model`),
    NotFound (`file_missing`), Unavailable (`no_model`). A cancelled stream ends with what was computed."""

    @property
    def model(self) -> LoadedEmbedder | None: ...

    def load(self, request: EmbedderRequest) -> Stream[EmbedderLoadEvent]:
        """Unload what is there, when what was asked of it before is done, and load this."""
        ...

    def unload(self) -> Stream[None]:
        """When what was asked for before is done."""
        ...

    def embed(self, texts: Sequence[str], role: TextRole = "document") -> Stream[Embedded]:
        """InvalidInput (`wrong_model`) from a reranker. Between two batches queries go before documents that wait."""
        ...

    def rerank(self, query: str, documents: Sequence[str]) -> Stream[Ranked]:
        """InvalidInput (`wrong_model`) from an embedder. Goes before documents, as a query does."""
        ...
