"""Vectors for passages that have none, in the background, from where the last run ended.

    for progress in embed_missing(store, embedder, cancel=token, pause=gate.wait): ...

Runs are saved a batch at a time, so a kill costs one batch. Another embedder begins beside the vectors of the one
before, which stay until it has all; then they go. A passage that the embedder cannot read gets a vector of zeros, near
to nothing, and its document says so; if it can read none, its error is raised.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, EngineError, NotFound
from backends.core.phrase import Phrase
from backends.documents.late import text_of
from backends.documents.matrix import halves
from backends.documents.ports import Embedder, EmbedderIdentity
from backends.documents.store import DocumentStore
from backends.documents.types import Document, Passage, Problem

BATCH = 16  # passages; after each, an answer may go first
_DOCUMENTS = 200
_TRIED = 3  # passages alone, before the embedder itself is to blame


@dataclass(frozen=True, slots=True)
class EmbedProgress:
    """Of this run: passages and whole documents that got vectors; documents that are known to wait (200 at most).
    `swapped`: all have them, and those of other embedders are gone."""

    passages: int
    documents: int
    waiting: int
    swapped: bool = False


def embed_missing(
    store: DocumentStore,
    embedder: Embedder,
    *,
    cancel: CancelToken,
    pause: Callable[[CancelToken], None] = CancelToken.check,
) -> Iterator[EmbedProgress]:
    """Nothing, if there is no embedder. `pause` is called before each batch and returns when it may be computed.
    Raises what the embedder does, and Cancelled."""
    identity = embedder.identity(cancel)
    if identity is None:
        return
    work = _Work(store, embedder, identity, cancel, pause)
    after = 0
    while missing := store.vectors_missing(identity, _DOCUMENTS, after):
        for place, (document_id, first) in enumerate(missing):
            for _ in work.embed(document_id, first):
                yield EmbedProgress(work.passages, work.documents, len(missing) - place)
            after = document_id
    if store.vectors_missing(identity, 1):
        return  # read anew meanwhile: the next run
    others = [other.key for other in store.embedders() if other.key != identity.key]
    if any(one.key == identity.key for one in store.embedders()):
        for key in others:
            cancel.check()
            store.drop_embedder(key)
        yield EmbedProgress(work.passages, work.documents, 0, swapped=True)


class _Work:
    def __init__(
        self,
        store: DocumentStore,
        embedder: Embedder,
        identity: EmbedderIdentity,
        cancel: CancelToken,
        pause: Callable[[CancelToken], None],
    ) -> None:
        self._store, self._embedder, self._identity = store, embedder, identity
        self._cancel, self._pause = cancel, pause
        self._works = False  # it has read something
        self.passages = self.documents = 0

    def embed(self, document_id: int, first: int) -> Iterator[None]:
        """The rest of one document; a turn for each batch."""
        version = self._store.version(document_id)
        try:
            document = self._store.document(document_id)
        except NotFound:
            return
        passages = self._store.passages_of(document_id, first)
        while batch := list(islice(passages, BATCH)):
            self._pause(self._cancel)
            self._cancel.check()
            data, problem = self._vectors(document, batch)
            if not self._store.save_vectors(self._identity, document_id, batch[0].number, data, version):
                return
            if problem is not None:
                self._store.fail(document_id, problem, keep=True)
            self.passages += len(batch)
            yield
        self.documents += 1

    def _vectors(self, document: Document, passages: Sequence[Passage]) -> tuple[bytes, Problem | None]:
        texts = [text_of(document, passage) for passage in passages]
        try:
            data = self._read(texts)
        except BackendError as error:
            return self._one_by_one(texts, error)
        self._works = True
        return data, None

    def _one_by_one(self, texts: Sequence[str], error: BackendError) -> tuple[bytes, Problem]:
        made: list[bytes] = []
        failed = 0
        for text in texts:
            self._cancel.check()
            try:
                made.append(self._read([text]))
                self._works = True
            except BackendError as one:
                error = one
                failed += 1
                if not self._works and failed >= min(_TRIED, len(texts)):
                    raise
                made.append(bytes(2 * self._identity.dimensions))
        hint = Phrase("They are found by their words.", "仍可按字词找到。")
        message = Phrase(
            f"{failed} passages could not be read by the embedding model: {error.message.en}",
            f"有 {failed} 个段落无法由向量模型读取：{error.message.zh}",
        )
        return b"".join(made), Problem("not_embedded", message, hint)

    def _read(self, texts: Sequence[str]) -> bytes:
        vectors = self._embedder.embed_passages(texts, self._cancel)
        data = halves(vectors, self._identity.dimensions)
        if data is None or len(vectors) != len(texts):
            raise EngineError(
                Phrase("The embedding model gave no usable vector.", "向量模型没有给出可用的向量。"),
                Phrase("Load it again, or choose another one.", "请重新加载，或选择其他模型。"),
                code="bad_vector",
            )
        return data
