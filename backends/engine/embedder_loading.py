"""From a file to a model that turns texts into vectors or ranks passages."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, EngineError, InvalidInput
from backends.core.phrase import Phrase
from backends.engine import native
from backends.engine.embedding import EmbedderRequest, LoadedEmbedder, Pooling
from backends.engine.loading import parts, threads
from backends.engine.native_log import Told
from backends.engine.placement import Placement
from backends.engine.pooled import POOLINGS, PooledContext, PooledOptions
from backends.engine.text_tokens import TextTokens
from backends.engine.trial import NO_MEMORY
from backends.engine.uses import Meter

_VERSION = 1  # of how texts are read and vectors made: others do not compare
_ENDS = 1 << 20  # bytes at both ends of a file by which it is known


@dataclass(frozen=True, slots=True)
class LoadedPooled:
    """What `load_embedder` made; used and freed on the embedder's thread. `threads`: when nobody else computes."""

    model: LoadedEmbedder
    request: EmbedderRequest
    threads: int
    tokens: TextTokens
    context: PooledContext
    _native: native.Model

    def exercise(self) -> None:
        """Compute two short texts, and one that is longer than a batch, or the longest. EngineError `load_failed`."""
        longest = min(self.model.context, self.context.at_once if self.context.is_whole else self.context.at_once + 32)
        with native.library().log.keep() as told:
            try:
                self.context.compute([[0] * min(32, self.model.context // 2 or 1)] * min(2, self.request.parallel))
                self.context.compute([[0] * longest])
            except RuntimeError:
                raise _failed(self.model.path, told) from None

    def close(self) -> None:
        self.context.close()
        self._native.close()


def load_embedder(request: EmbedderRequest, progress: Callable[[float], None], cancel: CancelToken) -> LoadedPooled:
    """Load on the calling thread. `progress` gets 0..1.

    NotFound (`file_missing`), EngineError (`out_of_memory`, `load_failed`), InvalidInput (`unsupported_model`,
    `no_pooling`); Cancelled. Nothing is left behind by a load that fails.
    """
    started = time.perf_counter()
    parts(request.path)
    meter = Meter(native.devices())

    def go_on(fraction: float) -> bool:
        progress(fraction)
        return not cancel.cancelled

    with native.library().log.keep() as told:
        try:
            model = native.Model(
                request.path,
                gpu_layers=request.gpu_layers,
                experts_on_cpu=0,
                progress=go_on,
                gpu_split=request.gpu_split if any(request.gpu_split) else (),
                mapped=request.mapped,
            )
        except native.LoadFailed:
            cancel.check()
            raise _failed(request.path, told) from None
        try:
            context = _context(request, model, told, cancel)
        except (BackendError, native.LoadFailed) as error:
            model.close()
            if isinstance(error, native.LoadFailed):
                raise _failed(request.path, told) from None
            raise
        meter.context_made(told)
    pooling, size = context.options.pooling, context.options.context
    dimensions = context.dimensions if pooling != "rank" else 0
    loaded = LoadedEmbedder(
        alias=request.alias or model.metadata("general.name") or request.path.stem,
        path=request.path,
        architecture=model.architecture,
        pooling=pooling,
        dimensions=min(request.dimensions or dimensions, dimensions),
        context=size,
        devices=Placement.read(told.layers, native.devices(), model.layers).devices,
        size=model.size,
        seconds=time.perf_counter() - started,
        identity=_identity(request, pooling, dimensions),
        uses=meter.uses(native.devices()),
    )
    tokens = TextTokens(model, request, pooling, size)
    return LoadedPooled(loaded, request, context.options.threads, tokens, context, model)


def _context(request: EmbedderRequest, model: native.Model, told: Told, cancel: CancelToken) -> PooledContext:
    cancel.check()
    pooling = request.pooling or _pooling_of(model)
    if pooling is None:
        raise InvalidInput(
            Phrase(
                f"{request.path.name} does not say how the vector of a text is made from those of its words.",
                f"{request.path.name} 未说明如何由各个词的向量得到文本向量（池化方式）。",
            ),
            Phrase("Use an embedding model of the catalogue.", "请使用目录中的嵌入模型。"),
            code="no_pooling",
        )
    size = max(1, min(request.context, model.context_train or request.context))
    batch, texts = max(1, request.batch), max(1, request.parallel)
    return PooledContext(model, PooledOptions(pooling, size, batch, texts, request.threads or threads()))


def _pooling_of(model: native.Model) -> Pooling | None:
    told = model.metadata(f"{model.architecture}.pooling_type")
    return POOLINGS[int(told)] if told.isdigit() and int(told) < len(POOLINGS) else None


def _identity(request: EmbedderRequest, pooling: Pooling, dimensions: int) -> str:
    """The same for the same file under any name; another one for everything by which vectors differ."""
    digest = hashlib.sha256()
    for part in parts(request.path):
        size = part.stat().st_size
        digest.update(b"%d " % size)
        with part.open("rb") as file:
            digest.update(file.read(_ENDS))
            file.seek(max(0, size - _ENDS))
            digest.update(file.read(_ENDS))
    for word in (_VERSION, pooling, request.query_prefix, request.document_prefix, request.dimensions or dimensions):
        digest.update(f"{word}\0".encode("utf-8", "replace"))
    return digest.hexdigest()[:32]


def _failed(path: Path, told: Told) -> BackendError:
    words = told.reason.replace(str(path.parent), "…") or "no reason given"
    if told.says(*NO_MEMORY):
        return EngineError(
            Phrase(
                f"There is not enough memory for {path.name} ({words}).", f"内存不足，无法加载 {path.name}（{words}）。"
            ),
            Phrase("Close other programs, or use a smaller quant.", "请关闭其他程序，或使用更小的量化。"),
            code="out_of_memory",
        )
    if told.says("unknown model architecture"):
        return InvalidInput(
            Phrase(f"This engine cannot run {path.name}: {words}.", f"此引擎无法运行 {path.name}：{words}。"),
            Phrase("Pick a model from the catalogue.", "请从目录中选择模型。"),
            code="unsupported_model",
        )
    return EngineError(
        Phrase(f"The engine cannot load {path.name}: {words}.", f"引擎无法加载 {path.name}：{words}。"),
        Phrase("The file may be damaged: download it again.", "文件可能已损坏：请重新下载。"),
        code="load_failed",
    )
