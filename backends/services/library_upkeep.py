"""What follows when documents come and go, in the background: full text, vectors, compaction, erasing.

Each kind of work has at most one turn that runs and one that waits, however often it is asked for. It waits for answers
(`Gate`), and what fails is logged and tried again with the next document or the next start.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError
from backends.core.stream import Runner, Stream
from backends.documents.embedding_work import embed_missing
from backends.documents.gate import Gate
from backends.documents.index import Progress, SearchIndex
from backends.documents.ports import Embedder
from backends.documents.store import DocumentStore

log = logging.getLogger(__name__)

FOLLOWED = 512  # passages with new vectors, after which the index takes them
PATIENCE = 2.0  # seconds for which a step of the full text waits for an answer: searches need it
GATHER = 0.5  # seconds for which documents gather while they come one after another
IDLE = 30.0  # seconds without a change after which the index is compacted


class Upkeep:
    """Its threads: `index`, `vectors` and `erasing`. `changed` is called when there is something new to see;
    `forget_states` erases saved engine states by their labels, `forget_files` the files of documents that lie with
    us. `busy`: an answer is computed; `gate`: where vectors wait, which the person may pause; `coming`: documents are
    being taken in."""

    def __init__(
        self,
        store: DocumentStore,
        index: SearchIndex,
        embedder: Embedder | None,
        busy: Callable[[], bool],
        gate: Gate,
        changed: Callable[[], None],
        forget_states: Callable[[set[str]], Stream[None]],
        forget_files: Callable[[Sequence[int]], None],
        coming: Callable[[], bool] = lambda: False,
        idle: float = IDLE,
    ) -> None:
        self._store, self._index, self._embedder = store, index, embedder
        self._gate, self._vectors_gate = Gate(busy, PATIENCE), gate
        self._changed, self._coming, self._idle = changed, coming, idle
        self._forget_states, self._forget_files = forget_states, forget_files
        self._runners = {name: Runner(name) for name in ("index", "vectors", "erasing")}
        self._lock = threading.Lock()
        self._waiting: set[str] = set()
        self._timer: threading.Timer | None = None
        self._closed = False

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
        for runner in self._runners.values():
            runner.close()

    # ---- what can be wanted

    def catch_up(self) -> None:
        """Documents came or went."""
        self._want("index", self._catch_up)

    def embed(self) -> None:
        """Passages came, or an embedder."""
        if self._embedder is not None:
            self._want("vectors", self._embed)

    def settle(self) -> Stream[None]:
        """Until full text and vectors of all there is can be searched. What the embedder cannot do comes out."""
        return self._runners["vectors"].start(self._settle)

    def rebuild(self) -> Stream[Progress]:
        """The full text made anew."""
        return self._runners["index"].start(self._rebuild)

    def erase_hidden(self) -> Stream[int]:
        """For good, with all that was made of them. One event: how many documents."""
        return self._runners["erasing"].start(self._erase, None)

    def erase(self, ids: Sequence[int]) -> Stream[int]:
        return self._runners["erasing"].start(self._erase, tuple(ids))

    # ---- how

    def _want(self, runner: str, task: Callable[..., Iterator[None]]) -> None:
        with self._lock:
            if self._closed or task.__name__ in self._waiting:
                return
            self._waiting.add(task.__name__)
            self._runners[runner].start(self._turn, task)

    def _turn(self, task: Callable[..., Iterator[None]], *, cancel: CancelToken) -> Iterator[None]:
        if task == self._catch_up and self._coming():
            cancel.wait(GATHER)
        with self._lock:
            self._waiting.discard(task.__name__)
        try:
            yield from task(cancel=cancel)
        except BackendError as error:
            log.warning("%s: %s", task.__name__.strip("_"), error)

    def _catch_up(self, *, cancel: CancelToken) -> Iterator[None]:
        for _ in self._index.catch_up(cancel=cancel):
            self._gate.wait(cancel)
        self._changed()
        self._compact_later()
        self.embed()
        yield None

    def _rebuild(self, *, cancel: CancelToken) -> Iterator[Progress]:
        for progress in self._index.rebuild(cancel=cancel):
            self._gate.wait(cancel)
            yield progress
        self._changed()

    def _compact(self, *, cancel: CancelToken) -> Iterator[None]:
        if self._index.pending:
            self._gate.wait(cancel)
            for _ in self._index.compact(cancel=cancel):
                self._gate.wait(cancel)
            self._changed()
        yield None

    def _embed(self, *, cancel: CancelToken) -> Iterator[None]:
        assert self._embedder is not None
        followed = 0
        for progress in embed_missing(self._store, self._embedder, cancel=cancel, pause=self._vectors_gate.wait):
            if progress.passages - followed >= FOLLOWED or progress.swapped:
                followed = progress.passages
                self._want("index", self._follow)
        self._changed()
        yield None

    def _follow(self, *, cancel: CancelToken) -> Iterator[None]:
        """New vectors can be searched."""
        for _ in self._index.catch_up(cancel=cancel):
            self._gate.wait(cancel)
        yield None

    def _settle(self, *, cancel: CancelToken) -> Iterator[None]:
        for _ in self._index.catch_up(cancel=cancel):
            yield None
        if self._embedder is not None:
            for _ in embed_missing(self._store, self._embedder, cancel=cancel, pause=self._vectors_gate.wait):
                yield None
            for _ in self._index.catch_up(cancel=cancel):
                yield None

    def _compact_later(self) -> None:
        """When nothing has changed for a while."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._closed:
                return
            self._timer = threading.Timer(self._idle, self._want, ["index", self._compact])
            self._timer.name, self._timer.daemon = "compaction", True
            self._timer.start()

    def _erase(self, chosen: tuple[int, ...] | None, *, cancel: CancelToken) -> Iterator[int]:
        """States and files first: after a kill in between, the documents are still there to say which."""
        hidden = self._store.hidden()
        ids = hidden if chosen is None else tuple(self._store.hide(chosen)) + tuple(set(chosen) & set(hidden))
        if ids:
            for _ in self._forget_states({f"document:{each}" for each in ids}):
                pass
            self._forget_files(ids)
            self._store.erase(ids, cancel=cancel)
        if chosen is None:
            self._store.erase_hidden(cancel=cancel)
        self.catch_up()
        self._changed()
        yield len(ids)
