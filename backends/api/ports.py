"""What the API needs of the rest of the house, fulfilled by `services/serving.py`. No web library here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from backends.chat.grounding import Grounded
from backends.core.stream import Stream
from backends.documents.types import Document, Found, SearchRequest, Status
from backends.documents.uploads import Uploads
from backends.engine.embedding import Embedded, Ranked, TextRole
from backends.engine.protocol import (
    Engine,
    Finished,
    GenerateEvent,
    GenerateRequest,
    LoadedModel,
    LoadEvent,
    Sampling,
    Tool,
    Turn,
)

Kind = Literal["chat", "embedding", "reranking"]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model of this disk, as programs see it: never with its path."""

    id: str  # "r1-0528-qwen3-8b:Q4_K_M"
    name: str
    kind: Kind
    created: int  # seconds since 1970: when its file was made
    size: int  # bytes
    digest: str  # sha256 in hex; "" where it is not known
    architecture: str
    quant: str
    context: int  # tokens that it was made for
    loaded: bool
    tools: bool  # its template knows tools
    thinks: bool
    parameters: float = 0.0  # billions; 0: not known


@dataclass(frozen=True, slots=True)
class Submitted:
    """The engine has the request: one stream for each of the answers asked for, with the model that gives them."""

    streams: tuple[Stream[GenerateEvent], ...]
    model: LoadedModel


@dataclass(frozen=True, slots=True)
class Filed:
    """A document with the name of its collection."""

    document: Document
    collection: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some of `total` documents, newest first."""

    documents: tuple[Filed, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which documents: all (`ids` None) or these, of one collection or of any. `formats`, `since` and `until` as in
    `documents.types.Scope`."""

    ids: tuple[int, ...] | None = None
    collection: str | None = None
    formats: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Searching:
    """The model is loaded; now the documents are searched."""


class DocumentDesk(Protocol):
    """Documents over the API: those of conversations are not there. The only paths are those of uploads."""

    @property
    def uploads(self) -> Uploads:
        """Where they are written; its methods write to the disk."""
        ...

    def begin(self) -> None:
        """The API is on: what was sent before and is not read yet is gone on with."""
        ...

    def close(self) -> None: ...

    def page(self, collection: str | None, status: Status | None, offset: int, limit: int) -> Stream[Page]:
        """NotFound (`no_collection`)."""
        ...

    def document(self, document_id: int) -> Stream[Filed]:
        """NotFound (`no_document`), also of one that was deleted."""
        ...

    def take_in(self, uploads: Sequence[Path], collection: str | None) -> Stream[tuple[Filed, ...]]:
        """Whole uploads become documents, which are read in the background. A collection of that name is made where
        there is none."""
        ...

    def delete(self, document_id: int) -> Stream[int]:
        """One event, its id, when it is hidden; then it is erased, with its file if that was sent to us. NotFound
        (`no_document`)."""
        ...

    def search(self, request: SearchRequest, chosen: Chosen) -> Stream[tuple[Found, Mapping[int, str]]]:
        """The last event is the best; with the names of the collections by their ids. NotFound (`no_collection`,
        `no_document`)."""
        ...

    def ground(
        self, model: ServedModel, turns: Sequence[Turn], place: int, chosen: Chosen
    ) -> Stream[LoadEvent | Searching | Grounded]:
        """Load the model and find sources for the question at that place of the turns; `Grounded` is the last event.
        Raises as `search`."""
        ...


class Desk(Protocol):
    """Everything the API does, it does through this. Every method returns at once."""

    @property
    def engine(self) -> Engine: ...

    @property
    def documents(self) -> DocumentDesk: ...

    def models(self) -> tuple[ServedModel, ...]:
        """Those that can be loaded, in order of their ids."""
        ...

    def find(self, name: str, kind: Kind = "chat") -> ServedModel:
        """By id, in any case; "" or "default" is the model that answers now or would be loaded. NotFound
        (`model_not_found`), Unavailable (`no_model`) where there is none at all."""
        ...

    def sampling(self, model: ServedModel) -> Sampling:
        """What its publisher recommends, or neutral values."""
        ...

    def loading(self) -> bool:
        """A chat model is being loaded now."""
        ...

    def submit(self, model: ServedModel, request: GenerateRequest, n: int = 1) -> Stream[LoadEvent | Submitted]:
        """Load the model if it is not loaded, then ask it; `Submitted` is the last event. No other model comes between.
        Cancelling this stream later does not touch the answers: cancel theirs."""
        ...

    def count(self, model: ServedModel, turns: Sequence[Turn], tools: Sequence[Tool] = ()) -> Stream[int]:
        """Tokens of the prompt, template included. Loads the model first."""
        ...

    def tokenize(self, model: ServedModel, text: str, *, special: bool = False) -> Stream[tuple[int, ...]]:
        """`special`: a begin-of-text token is put before it where the model has one. Loads the model first."""
        ...

    def detokenize(self, model: ServedModel, tokens: Sequence[int]) -> Stream[str]:
        """InvalidInput (`bad_token`) for one that the vocabulary does not have."""
        ...

    def unload(self) -> Stream[None]:
        """The chat model, when the answers asked for before are done."""
        ...

    def embed(self, model: ServedModel, texts: Sequence[str], role: TextRole) -> Stream[Embedded]: ...

    def rerank(self, model: ServedModel, query: str, documents: Sequence[str]) -> Stream[Ranked]: ...

    def note_answer(self, finished: Finished) -> None:
        """What an answer has taught about the speed of this machine."""
        ...
