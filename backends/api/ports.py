"""What the API needs of the rest of the house, fulfilled by `services/serving.py`. No web library here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from backends.chat.grounding import Grounding
from backends.core.stream import Stream
from backends.documents.types import Collection, Document, Found, SearchRequest
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


class DocumentDesk(Protocol):
    """Documents over the API. Paths are those of uploads, made by the API itself; none is taken or told."""

    def collections(self) -> tuple[Collection, ...]: ...

    def documents(self, collection: str | None, offset: int, limit: int) -> tuple[tuple[Document, ...], int]:
        """A page of them, newest first, and how many there are in all. NotFound (`no_collection`)."""
        ...

    def document(self, document_id: int) -> Document:
        """NotFound (`no_document`), also of one that was deleted."""
        ...

    def take_in(self, upload: Path, name: str, collection: str | None) -> Stream[Document]:
        """Keep an uploaded file under its name and read it. One event as soon as it has an id; the reading goes on
        whether or not somebody listens. `upload` is moved away."""
        ...

    def delete(self, document_id: int) -> Stream[None]:
        """Hide it at once, and erase it. NotFound (`no_document`)."""
        ...

    def search(self, request: SearchRequest) -> Stream[Found]: ...

    def scope(self, documents: Literal[True] | Sequence[int], collection: str | None) -> Grounding:
        """How a chat request is answered from documents: all of them, or these. NotFound (`no_document`)."""
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
