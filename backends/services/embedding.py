"""The embedder and the reranker of this disk, beside the chat model: loaded when first asked, gone when idle.

    for embedded in services.embedding.embed(["a text"], "query"): ...
    for ranked in services.embedding.rerank("a question", ["a passage", "another"]): ...

Both are planned into what the chat model leaves free, a file that is new here is tried in a process of its own first,
and what fails on the GPU is loaded on the processor.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, EngineError, InvalidInput, NotFound, ResourceError, Unavailable
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.core.turns import Turns
from backends.engine.embedder import EmbedderThread, NativeEmbedder
from backends.engine.embedder_trial import attempt_embedder
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
from backends.engine.protocol import LoadTrying
from backends.models import gguf
from backends.models.budget import Budget
from backends.models.experience import RunKey, identity
from backends.models.footprint import WITHOUT_CACHE
from backends.models.gguf import Header
from backends.models.planner import Asked
from backends.models.types import EmbeddingSpec, Kind, LocalModel, Plan
from backends.services.descent import within
from backends.services.foundation import Foundation, engine_version
from backends.services.machine import MachineServices

__all__ = ["EmbeddingLoadEvent", "EmbeddingServices"]

E = TypeVar("E")
EmbeddingLoadEvent = EmbedderLoadEvent | LoadTrying

BATCH = 512  # tokens; more at a time is no faster on a processor, and a query waits for its end
MOST_ROWS = 1 << 30  # bytes of the logits that llama.cpp keeps for every token of a text, where it has no cache
_MINUTE = 60.0  # seconds
_ENDING = 5.0  # seconds for an unloading under way to end


@dataclass(slots=True)
class _Place:
    """Where one model is loaded. `is_going`: it was asked to unload and not to load since."""

    kind: Kind
    native: NativeEmbedder
    turns: Turns = field(default_factory=Turns)  # of who loads
    is_going: bool = False
    timer: threading.Timer | None = None


class EmbeddingServices:
    """Its threads: `embedder`, which owns the models; `embedding`, on which loads are planned. `minute` in seconds."""

    def __init__(
        self, foundation: Foundation, machine: MachineServices, journal: Journal | None = None, minute: float = _MINUTE
    ) -> None:
        self._base, self._machine, self.minute = foundation, machine, minute
        self._thread = EmbedderThread(journal, lambda: foundation.engine.busy)
        self._embedder = _Place("embedding", self._thread.embedder())
        self._reranker = _Place("reranking", self._thread.embedder())
        self._runner = Runner("embedding", threads=4)
        self._chosen: dict[Kind, str] = {}
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        self._runner.close()
        with self._lock:
            self._closed = True
            timers = [place.timer for place in (self._embedder, self._reranker) if place.timer is not None]
            for timer in timers:
                timer.cancel()
        self._thread.close()
        for timer in timers:
            timer.join(_ENDING)

    # ---- what there is

    @property
    def model(self) -> LocalModel | None:
        """The embedder that is used: of those on this disk the best of the catalogue, else the largest."""
        return self._best("embedding")

    @property
    def reranker(self) -> LocalModel | None:
        return self._best("reranking")

    @property
    def loaded(self) -> LoadedEmbedder | None:
        """Its `identity` belongs beside every vector that is kept."""
        return self._embedder.native.model

    @property
    def loaded_reranker(self) -> LoadedEmbedder | None:
        return self._reranker.native.model

    @property
    def takes_memory(self) -> bool:
        """One of them is loaded."""
        return self.loaded is not None or self.loaded_reranker is not None

    # ---- what can be asked

    def embed(self, texts: Sequence[str], role: TextRole = "document") -> Stream[Embedded]:
        """Vectors in order; the model is loaded first if it is not. Unavailable (`no_embedder`), ResourceError
        (`out_of_memory`), and what engine/embedding.Embedder raises."""
        texts = tuple(texts)
        return self._ask(self._embedder, lambda: self._embedder.native.embed(texts, role))

    def rerank(self, query: str, documents: Sequence[str]) -> Stream[Ranked]:
        """Scores in order of the documents. Unavailable (`no_reranker`); else as `embed`."""
        documents = tuple(documents)
        return self._ask(self._reranker, lambda: self._reranker.native.rerank(query, documents))

    def load(self, kind: Kind = "embedding") -> Stream[EmbeddingLoadEvent]:
        """Have the embedder (or "reranking": the reranker) ready before it is needed. Nothing happens if it is."""
        return self._runner.start(self._load, self._embedder if kind == "embedding" else self._reranker)

    def unload(self) -> Stream[None]:
        """Both, when what was asked of them before is done."""
        return self._runner.start(self._unload, (self._embedder, self._reranker))

    def make_room(self, *, cancel: CancelToken) -> Iterator[None]:
        """Unload those that nobody waits for: the chat model needs their memory. A task, for who loads it."""
        yield from self._unload(
            [place for place in (self._embedder, self._reranker) if not place.native.busy], cancel=cancel
        )

    # ---- how

    def _ask(self, place: _Place, ask: Callable[[], Stream[E]]) -> Stream[E]:
        with self._lock:
            if place.native.model is not None and not place.is_going:
                stream = ask()
                self._watch_locked(place)
                return stream
        return self._runner.start(self._load_and, place, ask)

    def _load_and(self, place: _Place, ask: Callable[[], Stream[E]], *, cancel: CancelToken) -> Iterator[E]:
        while True:
            for _ in self._load(place, cancel=cancel):
                pass
            with self._lock:
                if place.is_going:
                    continue
                stream = ask()
                self._watch_locked(place)
            yield from within(stream, cancel)
            return

    def _unload(self, places: Sequence[_Place], *, cancel: CancelToken) -> Iterator[None]:
        for place in places:
            with self._lock:
                place.is_going = True
                stream = place.native.unload()
            yield from within(stream, cancel)

    def _load(self, place: _Place, *, cancel: CancelToken) -> Iterator[EmbeddingLoadEvent]:
        with place.turns.mine(cancel):
            if place.native.model is not None and not place.is_going:
                return
            model = self._best(place.kind)
            if model is None:
                raise _none(place.kind)
            header = gguf.check(model.path, (place.kind,))  # what makes llama.cpp abort never gets near it
            yield from self._descend(place, model, header, cancel)

    def _descend(
        self, place: _Place, model: LocalModel, header: Header, cancel: CancelToken
    ) -> Iterator[EmbeddingLoadEvent]:
        """As it is planned; if that fails on a GPU, on the processor."""
        engine, error = self._base.settings.current.engine, None
        budget = self._machine.beside(next(self._machine.look(cancel=cancel)))
        for layers in (None, 0) if budget.gpus and engine.gpu_layers != 0 else (0,):
            plan = self._plan(model, header, budget, layers, cancel)
            if not plan.fits:
                error = error or _too_large(model, plan, budget)
                continue
            key = self._key(model, plan, budget)
            if layers is None and self._base.experience.failed(key, budget.host.free):
                continue
            try:
                if engine.try_first and not self._base.experience.worked(key):
                    yield LoadTrying()
                    yield from attempt_embedder(self._request(model, plan), cancel=cancel)
                for event in within(place.native.load(self._request(model, plan)), cancel):
                    if isinstance(event, EmbedderLoaded):
                        self._base.experience.record_worked(key)
                        with self._lock:
                            place.is_going = False
                            self._watch_locked(place)
                    yield event
                return
            except (EngineError, ResourceError) as caught:
                if caught.code == "engine_missing":
                    raise
                self._base.experience.record_failed(key, caught.code, budget.host.free)
                error = caught
        assert error is not None
        raise error

    def _plan(self, model: LocalModel, header: Header, budget: Budget, layers: int | None, cancel: CancelToken) -> Plan:
        context = min(budget.figures.companions.context, header.context_train or BATCH)
        row = 4 * header.shape.vocabulary
        if header.architecture in WITHOUT_CACHE:
            context = min(context, max(BATCH, MOST_ROWS // row // BATCH * BATCH))
        rows = row * (context if header.architecture in WITHOUT_CACHE else BATCH)
        budget = replace(budget, host=replace(budget.host, free=max(0, budget.host.free - rows)))
        asked = Asked(context=context, kv_type="f16", gpu_layers=layers, batch=BATCH, embeddings=True)
        if header.architecture in WITHOUT_CACHE:
            asked = replace(asked, batch=context)
        return self._machine.planner.plan(model.path, header, budget, asked, cancel=cancel)

    def _request(self, model: LocalModel, plan: Plan) -> EmbedderRequest:
        spec, options = self._spec(model), plan.options
        return EmbedderRequest(
            path=model.path,
            pooling=spec.pooling if spec else None,
            context=options.context,
            batch=BATCH,
            query_prefix=spec.query_prefix if spec else "",
            document_prefix=spec.document_prefix if spec else "",
            gpu_layers=options.gpu_layers,
            threads=self._base.settings.current.engine.threads,
            alias=model.id,
            gpu_split=options.gpu_split,
            mapped=options.mapped,
        )

    def _spec(self, model: LocalModel) -> EmbeddingSpec | None:
        return self._base.catalog.find(model.catalog_id).spec if model.catalog_id else None

    def _key(self, model: LocalModel, plan: Plan, budget: Budget) -> RunKey:
        try:
            file = identity(model.path, model.sha256)
        except OSError as error:
            raise NotFound(
                Phrase(f"The model file {model.path.name} is not there.", f"模型文件 {model.path.name} 不存在。"),
                Phrase("Check the disk it is on.", "请检查文件所在的磁盘。"),
                code="file_missing",
            ) from error
        devices = tuple(gpu.label for gpu in budget.gpus) if plan.options.gpu_layers else (budget.host.label,)
        return RunKey(file, plan.options, devices, engine_version(), plan.architecture, model.name)

    def choose(self, model: LocalModel) -> None:
        """Use this one, as long as this process runs. InvalidInput (`wrong_kind`) for one of another kind."""
        if model.kind == "chat":
            raise InvalidInput(
                Phrase(f"{model.name} makes no vectors.", f"{model.name} 不能生成向量。"), code="wrong_kind"
            )
        self._chosen[model.kind] = model.id

    def _best(self, kind: Kind) -> LocalModel | None:
        here = [model for model in self._base.library.models() if model.kind == kind and model.current]

        def worth(model: LocalModel) -> tuple[float, int]:
            return (self._base.catalog.find(model.catalog_id).base_score if model.catalog_id else 0.0, model.size)

        chosen = next((model for model in here if model.id == self._chosen.get(kind)), None)
        return chosen or max((model for model in here if not model.problem.en), key=worth, default=None)

    # ---- idle

    def _watch_locked(self, place: _Place) -> None:
        """Look again when the time is up in which it may be idle."""
        if place.timer:
            place.timer.cancel()
        minutes, place.timer = self._base.settings.current.engine.idle_unload, None
        if minutes and not self._closed:
            place.timer = threading.Timer(minutes * self.minute, self._idle, [place])
            place.timer.name, place.timer.daemon = "embedder idle", True
            place.timer.start()

    def _idle(self, place: _Place) -> None:
        """On the timer's thread."""
        with self._lock:
            if self._closed or place.timer is not threading.current_thread():  # too late
                return
            if place.native.busy:
                self._watch_locked(place)
                return
            place.is_going = True
            gone = place.native.unload()
        gone.wait()
        self._base.changed("model")


def _none(kind: Kind) -> BackendError:
    if kind == "reranking":
        return Unavailable(
            Phrase("There is no model on this computer that ranks passages.", "这台电脑上没有重新排序模型。"),
            Phrase("Download a reranker on the Models page.", "请在“模型”页面下载一个重新排序模型。"),
            code="no_reranker",
        )
    return Unavailable(
        Phrase(
            "There is no model on this computer that finds passages by their meaning.",
            "这台电脑上没有按含义查找段落的嵌入模型。",
        ),
        Phrase("Download an embedding model on the Models page.", "请在“模型”页面下载一个嵌入模型。"),
        code="no_embedder",
    )


def _too_large(model: LocalModel, plan: Plan, budget: Budget) -> ResourceError:
    needed, free = plan.total / 2**30, budget.memory / 2**30
    return ResourceError(
        Phrase(
            f"{model.name} needs about {needed:.1f} GiB beside the chat model; {free:.1f} GiB are free.",
            f"{model.name} 需要在对话模型之外约 {needed:.1f} GiB 内存；当前空闲 {free:.1f} GiB。",
        ),
        Phrase(
            "Close other programs, load the chat model with a shorter context, or use a smaller one.",
            "请关闭其他程序、缩短对话模型的上下文，或使用更小的模型。",
        ),
        code="out_of_memory",
    )
