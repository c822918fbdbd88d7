"""Embedding and reranking: one thread that owns these models and their contexts, beside the chat model's.

    thread = EmbedderThread()
    embedder, reranker = thread.embedder(), thread.embedder()      # each fulfils embedding.Embedder
    for event in embedder.load(EmbedderRequest(path)): ...
    for embedded in embedder.embed(["a text", "another"]): ...

Texts are computed in batches of many. Between two batches the thread looks who waits: queries and what is to be ranked
go before documents, whichever model they are for; within that, first come first served. A batch is filled with texts
further behind where they fit, results come in order all the same.

While the chat model computes, half of the threads are used here, so that it keeps its pace.
"""

import queue
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from backends.core.errors import BackendError, Cancelled, EngineError, InvalidInput, Unavailable
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.engine import native
from backends.engine.embedder_loading import LoadedPooled, load_embedder
from backends.engine.embedding import (
    Embedded,
    EmbedderLoaded,
    EmbedderLoadEvent,
    EmbedderRequest,
    LoadedEmbedder,
    Ranked,
    TextRole,
)
from backends.engine.loader import Journal
from backends.engine.loading import ready
from backends.engine.pooled import Interrupted
from backends.engine.protocol import LoadProgress
from backends.engine.text_jobs import Job
from backends.engine.text_tokens import Tokens

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class _Change:
    """A load or an unload: comes when what was asked for before it is done, and what comes after it waits."""

    stream: Stream[Any]
    call: Callable[[], None]


class NativeEmbedder:
    """Fulfils embedding.Embedder. Made by EmbedderThread."""

    def __init__(self, thread: "EmbedderThread") -> None:
        self._thread = thread
        self.loaded: LoadedPooled | None = None  # changed on the thread only
        self.waiting: deque[_Change | Job] = deque()  # the thread's

    @property
    def model(self) -> LoadedEmbedder | None:
        loaded = self.loaded
        return loaded.model if loaded else None

    @property
    def busy(self) -> bool:
        """Somebody waits for it."""
        return bool(self.waiting)

    def load(self, request: EmbedderRequest) -> Stream[EmbedderLoadEvent]:
        stream: Stream[EmbedderLoadEvent] = Stream("load embedder")
        return self._thread.ask(self, _Change(stream, lambda: self._load(request, stream)))

    def unload(self) -> Stream[None]:
        stream: Stream[None] = Stream("unload embedder")

        def call() -> None:
            self.free()
            stream.close()

        return self._thread.ask(self, _Change(stream, call))

    def embed(self, texts: Sequence[str], role: TextRole = "document") -> Stream[Embedded]:
        return self._thread.ask(self, Job(texts, role, None, self._thread.next_number()))

    def rerank(self, query: str, documents: Sequence[str]) -> Stream[Ranked]:
        return self._thread.ask(self, Job(documents, "document", query, self._thread.next_number()))

    # ---- on the thread

    @property
    def jobs(self) -> list[Job]:
        """Those that no change stands before."""
        found: list[Job] = []
        for item in self.waiting:
            if isinstance(item, _Change):
                break
            found.append(item)
        return found

    def step(self) -> None:
        """Let go of who is cancelled, make the changes whose turn it is, refuse what cannot be done."""
        for item in [item for item in self.waiting if item.stream.cancelled]:
            self.waiting.remove(item)
            item.stream.close()
        while self.waiting:
            item = self.waiting[0]
            if isinstance(item, Job):
                if not any(self._refused(job) for job in self.jobs):
                    return
                continue
            self.waiting.popleft()
            try:
                item.call()
            except (BackendError, Cancelled) as error:
                item.stream.fail(error)

    def _refused(self, job: Job) -> bool:
        if self.loaded is None:
            error: BackendError = Unavailable(
                Phrase("No model for this is loaded.", "尚未加载所需的模型。"),
                Phrase("Load one first.", "请先加载。"),
                code="no_model",
            )
        elif (job.query is not None) != (self.loaded.model.pooling == "rank"):
            error = _wrong_model(self.loaded.model)
        elif not job.texts:
            self.waiting.remove(job)
            job.stream.close()
            return True
        else:
            return False
        self.waiting.remove(job)
        job.stream.fail(error)
        return True

    def compute(self, threads_share: int) -> None:
        """One batch of the jobs whose turn it is."""
        assert self.loaded is not None
        order = min(job.rank for job in self.jobs)[0]
        jobs = sorted((job for job in self.jobs if job.rank[0] == order), key=lambda job: job.rank)
        batch = self._gathered(jobs)
        if not batch:
            return
        context = self.loaded.context
        context.use_threads(max(1, self.loaded.threads // threads_share))
        asked = {job for job, _, _ in batch}
        try:
            with self._interrupted_by(asked):
                rows = context.compute([tokens.ids for _, _, tokens in batch])
        except Interrupted:
            return
        except RuntimeError as error:
            for job in asked:
                self._fail(job, error)
            return
        for (job, index, _), row in zip(batch, rows, strict=True):
            job.computed(index, row)
        for job in asked:
            self._tell(job)

    def _gathered(self, jobs: Sequence[Job]) -> list[tuple[Job, int, Tokens]]:
        assert self.loaded is not None
        context, batch = self.loaded.context, []
        room = context.most
        for job in jobs:
            try:
                for index, tokens in job.ahead(self.loaded.tokens):
                    if len(batch) == context.options.texts or room <= 0:
                        return batch
                    if not batch or len(tokens.ids) <= room:
                        batch.append((job, index, tokens))
                        room -= len(tokens.ids)
            except Cancelled:
                batch = [one for one in batch if one[0] is not job]
        return batch

    @contextmanager
    def _interrupted_by(self, asked: set[Job]) -> Iterator[None]:
        """Who is alone in a batch can stop it in its middle."""
        assert self.loaded is not None
        context = self.loaded.context
        context.rearm()
        forget = [job.stream.token.on_cancel(context.interrupt) for job in asked if len(asked) == 1]
        try:
            yield
        finally:
            for one in forget:
                one()

    def _tell(self, job: Job) -> None:
        assert self.loaded is not None
        loaded = self.loaded
        try:
            job.tell(loaded.model.dimensions, loaded.context.is_probability)
        except RuntimeError as error:
            self._fail(job, error)
            return
        if job.is_done:
            self.waiting.remove(job)

    def _fail(self, job: Job, cause: RuntimeError) -> None:
        self.waiting.remove(job)
        job.stream.fail(
            EngineError(
                Phrase(f"The engine failed while it read a text ({cause}).", f"引擎在读取文本时出错（{cause}）。"),
                Phrase("Try again. If it fails again, use another model.", "请重试。若仍然失败，请使用其他模型。"),
                code="decode_failed",
            )
        )

    def _load(self, request: EmbedderRequest, stream: Stream[EmbedderLoadEvent]) -> None:
        self.free()
        stream.token.check()
        told = 0.0

        def progress(fraction: float) -> None:
            nonlocal told
            if fraction - told >= 0.01:
                told = fraction
                stream.put(LoadProgress(fraction))

        with self._thread.marked(request.alias or request.path.name):
            self.loaded = load_embedder(request, progress, stream.token)
        stream.put(EmbedderLoaded(self.loaded.model))
        stream.close()

    def free(self) -> None:
        if self.loaded is not None:
            self.loaded.close()
            self.loaded = None


class EmbedderThread:
    """Begins with the first request and ends with `close()`. `chat_busy`: whether the chat model computes."""

    def __init__(self, journal: Journal | None = None, chat_busy: Callable[[], bool] = lambda: False) -> None:
        self._journal = journal
        self._chat_busy = chat_busy
        self._inbox: queue.SimpleQueue[tuple[NativeEmbedder, _Change | Job] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._number = 0
        self._streams: weakref.WeakSet[Stream[Any]] = weakref.WeakSet()
        self._embedders: list[NativeEmbedder] = []

    def embedder(self) -> NativeEmbedder:
        """One for each model that is to be loaded at the same time."""
        embedder = NativeEmbedder(self)
        with self._lock:
            self._embedders.append(embedder)
        return embedder

    def close(self) -> None:
        """Cancel everything, free the models on their thread, join."""
        with self._lock:
            self._closed = True
            thread, streams = self._thread, list(self._streams)
        for stream in streams:
            stream.cancel()
        if thread is not None:
            self._inbox.put(None)
            thread.join()

    def next_number(self) -> int:
        with self._lock:
            self._number += 1
            return self._number

    def ask(self, embedder: NativeEmbedder, item: _Change | Job) -> Stream[Any]:
        with self._lock:
            if not self._closed:
                self._streams.add(item.stream)
                self._inbox.put((embedder, item))
                if self._thread is None:
                    self._thread = threading.Thread(target=self._live, name="embedder", daemon=True)
                    self._thread.start()
                return item.stream
        item.stream.fail(_stopped())
        return item.stream

    @contextmanager
    def marked(self, name: str) -> Iterator[None]:
        """llama.cpp is there, and a mark in the journal while it loads. EngineError `engine_missing`."""
        ready()
        if self._journal is None:
            yield
            return
        native.write_aborts_to(self._journal.abort_file)
        self._journal.begin("load", name)
        try:
            yield
        finally:
            self._journal.end()

    # ---- on the thread

    def _live(self) -> None:
        try:
            while self._take():
                for embedder in self._embedders:
                    embedder.step()
                ready_ones = [embedder for embedder in self._embedders if embedder.jobs]
                if ready_ones:
                    first = min(ready_ones, key=lambda embedder: min(job.rank for job in embedder.jobs))
                    first.compute(2 if self._chat_busy() else 1)
        finally:  # because it was asked to, or through a bug of ours: nobody shall wait for ever
            for embedder in self._embedders:
                embedder.waiting.clear()
                embedder.free()
            with self._lock:
                self._thread = None
                while not self._inbox.empty():
                    self._inbox.get()
                streams = list(self._streams)
            for stream in streams:
                stream.fail(Cancelled() if stream.cancelled else _stopped())

    def _take(self) -> bool:
        """Everything that was asked for since; waits if there is nothing to do. False: the end."""
        while not self._inbox.empty() or not any(embedder.waiting for embedder in self._embedders):
            asked = self._inbox.get()
            if asked is None:
                return False
            embedder, item = asked
            embedder.waiting.append(item)
        return True


def _wrong_model(model: LoadedEmbedder) -> InvalidInput:
    if model.pooling == "rank":
        return InvalidInput(
            Phrase(
                f"{model.alias} ranks passages; it makes no vectors.", f"{model.alias} 用于重新排序，不能生成向量。"
            ),
            code="wrong_model",
        )
    return InvalidInput(
        Phrase(f"{model.alias} makes vectors; it cannot rank passages.", f"{model.alias} 用于生成向量，不能重新排序。"),
        code="wrong_model",
    )


def _stopped() -> Unavailable:
    return Unavailable(
        Phrase("The engine was stopped.", "引擎已停止。"),
        Phrase("Start DeskSeek again.", "请重新启动 DeskSeek。"),
        code="engine_stopped",
    )
