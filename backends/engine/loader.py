"""The engine: one thread that owns llama.cpp, and the queue by which everybody else speaks to it.

The thread takes what was asked for in order (load, unload, count, generate) and steps the scheduler in
between, as long as somebody waits for an answer. A load and an unload wait until the answers asked for before are
done, and what is asked for after them waits for them. With nothing to do the thread sleeps. It starts with the first
request and ends with `close()`.
"""

import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from typing import Any, TypeVar

from backends.core.errors import BackendError, Cancelled
from backends.core.stream import Stream
from backends.engine import native
from backends.engine.asked import CLOSE, LOOK, Asked, Journal, bad_choices, no_model, stopped
from backends.engine.figures import EngineFigures, Ledger
from backends.engine.loading import Loaded, engine_info, load, ready
from backends.engine.lost import Gone, device_lost, gone
from backends.engine.preparing import Preparations
from backends.engine.protocol import (
    MOST_CHOICES,
    Adapter,
    Finished,
    GenerateEvent,
    GenerateRequest,
    LoadedModel,
    LoadEvent,
    LoadFinished,
    LoadProgress,
    LoadRequest,
    Timings,
    Tool,
    Turn,
    Usage,
)
from backends.engine.scheduler import Scheduler
from backends.engine.sequence import Job

__all__ = ["NativeEngine", "engine_info"]

E = TypeVar("E")


class NativeEngine:
    """Fulfils protocol.Engine with llama.cpp in this process."""

    def __init__(self, journal: Journal | None = None, *, gone: Gone = gone) -> None:
        """`gone`: says which of the devices that hold a model are not there any more."""
        self._journal, self._gone = journal, gone
        self._inbox: queue.SimpleQueue[Asked | str] = queue.SimpleQueue()
        self._asked: deque[Asked] = deque()  # what comes later; on the engine's thread only
        self._another = False  # a model is on its way, though it was not asked for yet
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._streams: weakref.WeakSet[Stream[Any]] = weakref.WeakSet()
        self._hurried: weakref.WeakSet[Stream[Any]] = weakref.WeakSet()  # those to be answered at once
        self._loaded: Loaded | None = None  # changed on the engine's thread only
        self._preparations = Preparations(self._inbox.put)
        self._marked = False  # in the journal, while answers are computed
        self._suspended = False
        self._abandoned: list[Loaded] = []  # with a device that is gone: to free them would end the process
        self._used, self._ledger = time.monotonic(), Ledger()

    @property
    def model(self) -> LoadedModel | None:
        loaded = self._loaded
        return loaded.model if loaded else None

    @property
    def busy(self) -> bool:
        """Somebody waits for an answer."""
        loaded = self._loaded
        return loaded is not None and loaded.scheduler.busy

    def figures(self) -> EngineFigures:
        """Of this moment; any thread may ask, and waits for nobody."""
        loaded = self._loaded
        return self._ledger.read(loaded.model.alias, loaded.scheduler.figures()) if loaded else self._ledger.read()

    @property
    def answers(self) -> int:
        """How many answers were asked for and are not complete."""
        with self._lock:
            return sum(stream.name == "generate" and not stream.wait(0) for stream in list(self._streams))

    @property
    def idle(self) -> float:
        """Seconds since anybody wanted an answer; 0 while somebody does."""
        return 0.0 if self.answers else time.monotonic() - self._used

    def touch(self) -> None:
        """Somebody is about to ask: it counts as use."""
        self._used = time.monotonic()

    def load(self, request: LoadRequest, *, last: bool = True) -> Stream[LoadEvent]:
        """Not the `last`: if it fails, who asks meanwhile waits for another one, or for `unload()`."""
        stream: Stream[LoadEvent] = Stream("load")
        return self._ask(Asked(stream, lambda: self._load(request, stream, last), alone=True))

    def unload(self, *, another: bool = False, idle: float = 0.0) -> Stream[None]:
        """`another`: a `load` follows, for which who asks meanwhile waits. `idle`: if unused for so many seconds."""
        stream: Stream[None] = Stream("unload")

        def call() -> None:
            stream.token.check()
            if not idle or (self.idle >= idle and not self._suspended):
                self._another = another
                self._free()
            stream.close()

        return self._ask(Asked(stream, call, alone=not idle, urgent=idle > 0))

    def generate(self, request: GenerateRequest) -> Stream[GenerateEvent]:
        return self._submit(Job(request))

    def generate_choices(self, request: GenerateRequest, n: int) -> tuple[Stream[GenerateEvent], ...]:
        if not 1 <= n <= MOST_CHOICES:
            refused: Stream[GenerateEvent] = Stream("generate")
            refused.fail(bad_choices(n))
            return (refused,)
        seed, first = request.sampling.seed, Job(request)
        jobs = [replace(first, family=first.number)]
        for number in range(1, n):
            sampling = request.sampling if seed is None else replace(request.sampling, seed=seed + number)
            jobs.append(Job(replace(request, sampling=sampling), family=first.number))
        return tuple(self._submit(job) for job in jobs)

    def _submit(self, job: Job) -> Stream[GenerateEvent]:
        def call() -> None:
            answer = self._scheduler().submit(job)
            if self._loaded is not None:
                self._preparations.start(answer, self._loaded.scheduler, self._loaded.model.path)
            if job.stream in self._hurried:
                self._scheduler().answer_now(job.stream)

        self.touch()
        return self._ask(Asked(job.stream, call, needs_model=True, submitted=job.submitted))

    def answer_now(self, stream: Stream[GenerateEvent]) -> None:
        def call() -> None:
            self._hurried.add(stream)  # it may still wait for a model
            if self._loaded is not None:
                self._loaded.scheduler.answer_now(stream)

        self._ask(Asked(Stream("answer_now"), call, urgent=True))

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

        return self._ask(Asked(stream, lambda: self._scheduler().change(stream, change), needs_model=True))

    def count_tokens(self, turns: Sequence[Turn], tools: Sequence[Tool] = ()) -> Stream[int]:
        return self._answered("count_tokens", lambda: self._scheduler().count(turns, tools))

    def tokenize(self, text: str, *, special: bool = False) -> Stream[tuple[int, ...]]:
        return self._answered("tokenize", lambda: self._scheduler().tokens(text, special=special))

    def detokenize(self, tokens: Sequence[int]) -> Stream[str]:
        return self._answered("detokenize", lambda: self._scheduler().text(tokens))

    def _answered(self, name: str, ask: Callable[[], E]) -> Stream[E]:
        """One event: what the model's vocabulary has to say."""
        stream: Stream[E] = Stream(name)

        def call() -> None:
            stream.put(ask())
            stream.close()

        return self._ask(Asked(stream, call, needs_model=True))

    def erase_states(self, labels: Set[str] | None, *, for_good: bool = False) -> Stream[None]:
        """Forget what read any of these (None: all that was read): in the cache, and what is saved where the loaded
        model saves. `for_good`: it saves no more. Without a model nothing happens. StorageError if a file cannot be
        removed."""
        stream: Stream[None] = Stream("erase_states")

        def call() -> None:
            if self._loaded is None:
                stream.close()
            else:
                self._loaded.scheduler.erase(labels, stream, for_good=for_good)

        return self._ask(Asked(stream, call, urgent=True))

    def suspend(self) -> Stream[None]:
        stream: Stream[None] = Stream("suspend")

        def call() -> None:
            self._suspended = True
            stream.close()

        return self._ask(Asked(stream, call, urgent=True))

    def resume(self) -> Stream[None]:
        stream: Stream[None] = Stream("resume")

        def call() -> None:
            if self._suspended:
                lost = self._gone(self.model.devices if self.model else (), cancel=stream.token)
                self._suspended = False
                self.touch()
                if lost:
                    self._lose(lost)
            stream.close()

        return self._ask(Asked(stream, call, urgent=True))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            thread, streams = self._thread, list(self._streams)
        for stream in streams:
            stream.cancel()
        if thread is not None:
            self._inbox.put(CLOSE)
            thread.join()
        self._preparations.close()

    def _ask(self, asked: Asked) -> Stream[Any]:
        stream = asked.stream
        with self._lock:
            if not self._closed:
                self._streams.add(stream)
                self._inbox.put(asked)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._live, name="engine", daemon=True)
                    self._thread.start()
        if self._closed:
            stream.fail(stopped())
        elif not asked.urgent:
            stream.token.on_cancel(lambda: self._inbox.put(LOOK))
        return stream

    # ---- on the engine's thread

    def _live(self) -> None:
        try:
            while self._take():
                if (asked := self._ready()) is not None:
                    self._asked.remove(asked)
                    self._serve(asked)
                else:
                    self._answer()
        finally:  # because it was asked to, or through a bug of ours: nobody shall wait for ever
            self._free()
            with self._lock:
                self._thread = None
                while not self._inbox.empty():
                    self._inbox.get()
                self._asked.clear()
                streams = list(self._streams)
            for stream in streams:
                stream.fail(stopped())

    def _take(self) -> bool:
        """Bring in what was asked for; wait for it if there is nothing else to do. False: it is all over."""
        while not (self._inbox.empty() and (self._able or self._ready())):
            if self._inbox.empty() and self._save_one():
                continue
            asked = self._inbox.get()
            if self._loaded is not None:
                self._loaded.scheduler.stalled = False  # something has changed
            if asked is CLOSE:
                return False
            if isinstance(asked, Asked):
                if asked.urgent:
                    self._serve(asked)
                else:
                    self._asked.append(asked)
            else:
                self._drop_cancelled()
        return True

    @property
    def _busy(self) -> bool:
        return self._loaded is not None and self._loaded.scheduler.busy

    @property
    def _able(self) -> bool:
        """There is something to compute, now."""
        return self._busy and not self._suspended and self._loaded is not None and not self._loaded.scheduler.stalled

    def _save_one(self) -> bool:
        """Nobody wants anything: copy the state of one idle sequence, if there is one to be saved."""
        able = self._loaded is not None and not self._busy and not self._suspended
        return able and self._loaded is not None and self._loaded.scheduler.save_one()

    def _ready(self) -> Asked | None:
        """What is to be done next, if its time has come."""
        for asked in () if self._suspended else self._asked:
            if asked.needs_model and self._another and self._loaded is None:
                continue
            return None if asked.alone and self._busy else asked
        return None

    def _drop_cancelled(self) -> None:
        """Who waits for a model, or for others to be done, need not wait for the end of that."""
        for asked in [asked for asked in self._asked if asked.stream.cancelled]:
            self._asked.remove(asked)
            if asked.submitted is not None:
                waited = time.perf_counter() - asked.submitted
                asked.stream.put(Finished(Usage(0, 0, 0), Timings(0, 0, waited, waited), "cancelled", ""))
            asked.stream.close()

    def _scheduler(self) -> Scheduler:
        if self._loaded is None:
            raise no_model()
        return self._loaded.scheduler

    def _serve(self, asked: Asked) -> None:
        try:
            asked.call()
        except (BackendError, Cancelled) as error:
            asked.stream.fail(error)

    def _answer(self) -> None:
        """A step for those who wait for answers."""
        assert self._loaded is not None
        scheduler = self._loaded.scheduler
        if self._journal and not self._marked:
            self._journal.begin("generate", self._loaded.model.alias)
            self._marked = True
        scheduler.step()
        if not scheduler.busy:
            self.touch()
            self._unmark()

    def _unmark(self) -> None:
        if self._journal and self._marked:
            self._journal.end()
            self._marked = False

    def _load(self, request: LoadRequest, stream: Stream[LoadEvent], last: bool) -> None:
        stream.token.check()
        self._another = not last
        self._free()
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
            self._loaded = load(request, progress, stream.token, wake=lambda: self._inbox.put(LOOK))
        finally:
            if self._journal:
                self._journal.end()
        self._loaded.scheduler.tally = self._ledger.of(self._loaded.model.alias)
        self.touch()
        stream.put(LoadFinished(self._loaded.model))
        stream.close()

    def _lose(self, names: Sequence[str]) -> None:
        """What is on a device that is gone is left as it is, and the device, too. EngineError `device_lost`."""
        native.give_up(names)
        error = device_lost(names)
        for asked in [asked for asked in self._asked if asked.needs_model]:
            self._asked.remove(asked)
            asked.stream.fail(error)
        with self._lock:
            streams = [stream for stream in self._streams if stream.name == "generate"]
        for stream in streams:
            stream.fail(error)
        if self._loaded is not None:
            self._abandoned.append(self._loaded)
            self._loaded = None
        self._unmark()
        raise error

    def _free(self) -> None:
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None
        self._unmark()
