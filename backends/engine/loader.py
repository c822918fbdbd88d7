"""The engine: one thread that owns llama.cpp, and the queue by which everybody else speaks to it.

The thread takes what was asked for in order (load, unload, count, generate) and steps the scheduler in
between, as long as somebody waits for an answer. With nothing to do it sleeps. It starts with the first
request and ends with `close()`.
"""

import queue
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from backends.core.errors import BackendError, Cancelled, Unavailable
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.engine import native
from backends.engine.loading import Loaded, load, ready
from backends.engine.protocol import (
    Adapter,
    EngineInfo,
    GenerateEvent,
    GenerateRequest,
    LoadedModel,
    LoadEvent,
    LoadFinished,
    LoadProgress,
    LoadRequest,
    Turn,
)
from backends.engine.scheduler import Scheduler
from backends.engine.sequence import Job

E = TypeVar("E")


class Journal(Protocol):
    """Marks around work in native code, which can end the process (core/crashes.CrashJournal)."""

    abort_file: Path

    def begin(self, what: str, detail: str) -> None: ...

    def end(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """Something to be done on the engine's thread; what goes wrong comes out of the stream."""

    stream: Stream[Any]
    call: Callable[[], None]


class NativeEngine:
    """Fulfils protocol.Engine with llama.cpp in this process."""

    def __init__(self, journal: Journal | None = None) -> None:
        self._journal = journal
        self._inbox: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._streams: weakref.WeakSet[Stream[Any]] = weakref.WeakSet()
        self._loaded: Loaded | None = None  # changed on the engine's thread only
        self._marked = False  # in the journal, while answers are computed

    @property
    def model(self) -> LoadedModel | None:
        loaded = self._loaded
        return loaded.model if loaded else None

    def load(self, request: LoadRequest) -> Stream[LoadEvent]:
        stream: Stream[LoadEvent] = Stream("load")
        return self._ask(stream, lambda: self._load(request, stream))

    def unload(self) -> Stream[None]:
        stream: Stream[None] = Stream("unload")

        def call() -> None:
            self._free()
            stream.close()

        return self._ask(stream, call)

    def generate(self, request: GenerateRequest) -> Stream[GenerateEvent]:
        job = Job(request)
        return self._ask(job.stream, lambda: self._scheduler().submit(job))

    def set_adapters(self, adapters: Sequence[Adapter]) -> Stream[tuple[Adapter, ...]]:
        """Compute with these LoRA adapters from now on, and no others, without loading the model again.

        Answers asked for before come to their end first; those asked for after it wait. One event: the adapters in
        use. InvalidInput `bad_adapter`, NotFound `file_missing`: the model is then as it was. If the model goes
        before it comes to that, the stream ends with nothing in it.
        """
        stream: Stream[tuple[Adapter, ...]] = Stream("set_adapters")

        def change() -> None:
            assert self._loaded is not None
            self._loaded = self._loaded.adapted(adapters, stream.token)
            stream.put(self._loaded.model.adapters)
            stream.close()

        return self._ask(stream, lambda: self._scheduler().change(stream, change))

    def count_tokens(self, turns: Sequence[Turn]) -> Stream[int]:
        stream: Stream[int] = Stream("count_tokens")

        def call() -> None:
            stream.put(self._scheduler().count(turns))
            stream.close()

        return self._ask(stream, call)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            thread, streams = self._thread, list(self._streams)
        for stream in streams:
            stream.cancel()
        if thread is not None:
            self._inbox.put(None)
            thread.join()

    def _ask(self, stream: Stream[E], call: Callable[[], None]) -> Stream[E]:
        with self._lock:
            if not self._closed:
                self._streams.add(stream)
                self._inbox.put(_Asked(stream, call))
                if self._thread is None:
                    self._thread = threading.Thread(target=self._live, name="engine", daemon=True)
                    self._thread.start()
                return stream
        stream.fail(_stopped())
        return stream

    # ---- on the engine's thread

    def _live(self) -> None:
        try:
            while True:
                self._answer()
                asked = self._inbox.get()
                if asked is None:
                    return
                self._serve(asked)
        finally:  # because it was asked to, or through a bug of ours: nobody shall wait for ever
            self._free()
            with self._lock:
                self._thread = None
                while not self._inbox.empty():
                    self._inbox.get()
                streams = list(self._streams)
            for stream in streams:
                stream.fail(_stopped())

    def _scheduler(self) -> Scheduler:
        if self._loaded is None:
            raise Unavailable(
                Phrase("No model is loaded.", "尚未加载模型。"),
                Phrase("Load a model first.", "请先加载模型。"),
                code="no_model",
            )
        return self._loaded.scheduler

    def _serve(self, asked: _Asked) -> None:
        try:
            asked.call()
        except (BackendError, Cancelled) as error:
            asked.stream.fail(error)

    def _answer(self) -> None:
        """Step the scheduler until it has nothing to do or somebody asks for something."""
        if self._loaded is None or not self._loaded.scheduler.busy:
            return
        scheduler = self._loaded.scheduler
        if self._journal and not self._marked:
            self._journal.begin("generate", self._loaded.model.alias)
            self._marked = True
        while self._inbox.empty() and scheduler.step():
            pass
        if not scheduler.busy:
            self._unmark()

    def _unmark(self) -> None:
        if self._journal and self._marked:
            self._journal.end()
            self._marked = False

    def _load(self, request: LoadRequest, stream: Stream[LoadEvent]) -> None:
        self._free()
        stream.token.check()
        told = 0.0

        def progress(fraction: float) -> None:
            nonlocal told
            if fraction - told >= 0.01:
                told = fraction
                stream.put(LoadProgress(fraction))

        ready()
        if self._journal:
            native.write_aborts_to(self._journal.abort_file)
            self._journal.begin("load", request.alias or request.path.name)
        try:
            self._loaded = load(request, progress, stream.token)
        finally:
            if self._journal:
                self._journal.end()
        stream.put(LoadFinished(self._loaded.model))
        stream.close()

    def _free(self) -> None:
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None
        self._unmark()


def engine_info() -> EngineInfo:
    """What the engine is and sees. Loads llama.cpp the first time (call it on a worker); cheap after that.

    EngineError (`engine_missing`) if it cannot be loaded.
    """
    ready()
    return native.info()


def _stopped() -> Unavailable:
    return Unavailable(
        Phrase("The engine was stopped.", "引擎已停止。"),
        Phrase("Load the model again.", "请重新加载模型。"),
        code="engine_stopped",
    )
