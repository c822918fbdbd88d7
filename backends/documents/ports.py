"""What this room needs of others, as Protocols; `services` brings who fulfils them. All block; all raise Cancelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backends.core.cancel import CancelToken


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """Vectors of different identities are never compared. `key` tells apart everything that changes a vector (file,
    pooling, prefixes and their version, dimensions); the others say it in words."""

    key: str
    model: str
    quant: str
    pooling: str
    prefix_version: int
    dimensions: int
    multilingual: bool  # may vote on Chinese, and between languages


class Embedder(Protocol):
    """Vectors of length 1, little-endian float32, `4 * dimensions` bytes each."""

    def identity(self, cancel: CancelToken) -> EmbedderIdentity | None:
        """Of the embedder on this disk; None: there is none. May load it."""
        ...

    def embed_passages(self, texts: Sequence[str], cancel: CancelToken) -> list[bytes]: ...
    def embed_query(self, text: str, cancel: CancelToken) -> bytes: ...


class Reranker(Protocol):
    @property
    def ready(self) -> bool:
        """There is one on this disk."""
        ...

    def scores(self, question: str, texts: Sequence[str], cancel: CancelToken) -> list[float]:
        """How well each text answers, 0..1."""
        ...


class Translator(Protocol):
    """The chat model: thinking closed, at most 64 tokens, 2 s."""

    @property
    def ready(self) -> bool: ...
    def translate(self, question: str, to: str, cancel: CancelToken) -> str:
        """In language `to` (zh or en); "" when it took too long or said nothing."""
        ...
