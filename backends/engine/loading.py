"""From a file to a model that answers: read, load, make the context, and look at what really came of it."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, EngineError, InvalidInput, NotFound
from backends.core.phrase import Phrase
from backends.engine import memory, native, warm
from backends.engine.abilities import abilities
from backends.engine.adapters import Adapters
from backends.engine.aside import allowance
from backends.engine.context import Context, ContextOptions
from backends.engine.drafting import load_draft
from backends.engine.native_log import Told
from backends.engine.placement import Placement
from backends.engine.protocol import Adapter, EngineInfo, KvType, LoadedModel, LoadRequest
from backends.engine.room import outputs, sequences
from backends.engine.scheduler import Scheduler
from backends.engine.speculation import Speculation
from backends.engine.template import ChatTemplate
from backends.engine.threads import Threads, apply, choose
from backends.engine.threads import usual as threads
from backends.engine.trial import NO_MEMORY
from backends.engine.uses import Meter
from backends.hardware import cpu

_CHUNK = 1 << 20  # bytes; larger ones stay with the process when they are freed
_READING = 0.7  # of the progress; the rest is llama.cpp's part


@dataclass(frozen=True, slots=True)
class Loaded:
    """What `load` made; freed on the engine's thread."""

    model: LoadedModel
    scheduler: Scheduler
    _context: Context
    _native: native.Model
    _adapters: Adapters
    _speculation: Speculation

    def adapted(self, adapters: Sequence[Adapter], cancel: CancelToken) -> "Loaded":
        """The same with these adapters and no others, between answers; what was computed with others is forgotten.

        Raises as `Adapters.use` does, and is then as it was.
        """
        try:
            changed = self._adapters.use(adapters, cancel)
        except BackendError:
            self.scheduler.forget()
            raise
        if changed:
            self.scheduler.forget()
        return replace(self, model=replace(self.model, adapters=tuple(adapters)))

    def exercise(self, prompt: int, answer: int) -> None:
        """Compute so many tokens at once and so many one by one. EngineError `load_failed`."""
        with native.library().log.keep() as told:
            try:
                self._context.exercise(max(self._native.vocabulary.bos, 0), prompt, answer)
            except RuntimeError:
                raise _no_context(self.model.context, told) from None

    def close(self) -> None:
        self.scheduler.close()
        self._speculation.close()
        self._context.close()
        self._native.close()


def ready() -> None:
    """Bring llama.cpp into the process. EngineError (`engine_missing`) if that cannot be done."""
    try:
        native.library()
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineError(
            Phrase(f"The engine cannot be started: {error}.", f"无法启动引擎：{error}。"),
            Phrase("Set DeskSeek up again.", "请重新运行 DeskSeek 的安装程序。"),
            code="engine_missing",
        ) from error


def engine_info() -> EngineInfo:
    """What the engine is and sees. Loads llama.cpp the first time (call it on a worker); cheap after that.

    EngineError (`engine_missing`) if it cannot be loaded.
    """
    ready()
    return native.info()


def load(
    request: LoadRequest,
    progress: Callable[[float], None],
    cancel: CancelToken,
    *,
    isolated: bool = False,
    wake: Callable[[], None] = lambda: None,
) -> Loaded:
    """Load on the calling thread. `progress` gets 0..1, never going back. `isolated`: this process may die of it.
    `wake`: let the scheduler look again, from any thread.

    NotFound (`file_missing`), EngineError (`out_of_memory`, `load_failed`), InvalidInput
    (`unsupported_model`, `bad_adapter`); Cancelled when `cancel` goes up. Nothing is left behind by a load that fails.
    """
    started = time.perf_counter()
    files = parts(request.path)
    meter, log = Meter(native.devices()), native.library().log
    with log.keep() as told:
        spread = tuple(memory.spread(request))
        if not (request.numa and request.mapped):  # there each node is to read what it will need
            _read(files, lambda done: progress(_READING * done), cancel)

        def go_on(fraction: float) -> bool:
            progress(_READING + (1 - _READING) * fraction)
            return not cancel.cancelled

        try:
            model = native.Model(
                request.path,
                gpu_layers=request.gpu_layers,
                experts_on_cpu=request.expert_layers_on_cpu,
                progress=go_on,
                gpu_split=request.gpu_split if any(request.gpu_split) else (),
                mapped=request.mapped,
                locked=request.lock_memory and not isolated,
                tensor=request.gpu_sharing == "tensor",
            )
        except native.LoadFailed:
            cancel.check()
            raise _refused(request, told) from None
    with _freed_on_error(model):
        cancel.check()
        placement = Placement.read(told.layers, native.devices(), model.layers)
        context = _context(request, model, meter)
        with _freed_on_error(context):
            cancel.check()
            adapters = Adapters(request.path, model, context, isolated=isolated)
            adapters.use(request.adapters, cancel)
            template, template_note = _template(model)
            split_notes = placement.notes(request.gpu_layers, request.gpu_split)
            count = Threads(threads(), threads()) if isolated else _threads(request, model, context, placement, cancel)
            draft, draft_note = load_draft(request, model, context, count.decode, cancel)
            loaded = LoadedModel(
                alias=request.alias or model.metadata("general.name") or request.path.stem,
                path=request.path,
                architecture=model.architecture,
                context=context.size,
                context_train=model.context_train,
                kv_type=context.kv_type,
                layers=model.layers,
                gpu_layers=placement.on_gpu,
                devices=placement.devices,
                size=model.size,
                seconds=time.perf_counter() - started,
                notes=(
                    *_lowered(request, model, context.kv_type),
                    *split_notes,
                    *spread,
                    *memory.locked(request, told),
                    *template_note,
                    *draft_note,
                ),
                uses=meter.uses(native.devices()),
                adapters=tuple(request.adapters),
                parallel=request.parallel,
                threads=count.decode,
                prefill_threads=count.prefill,
                draft=request.draft if draft else None,
                thinks="think" in (model.chat_template or "") or "<think>" in model.vocabulary.marks,
                gpu_layers_asked=request.gpu_layers,
                expert_layers_on_cpu=request.expert_layers_on_cpu,
                gpu_split=tuple(count for _, count in placement.split) if len(placement.split) > 1 else (),
            )
            slice_size = _slice(model, placement, request.batch)
            speculation = Speculation(request.lookup, draft)
            aside = 0 if placement.offloaded else allowance(model.size)  # a GPU looks at idle cells for next to nothing
            scheduler = Scheduler(
                model, context, template, placement.label, slice_size, request.parallel, speculation, adapters, aside
            )
            if not isolated:
                warm.keep(request, files, model, context, scheduler, wake)
            return Loaded(loaded, scheduler, context, model, adapters, speculation)


def _context(request: LoadRequest, model: native.Model, meter: Meter) -> Context:
    """As large as asked for and as the model was trained for, and warm. EngineError `out_of_memory`, `load_failed`."""
    size, kv_type = min(request.context or model.context_train, model.context_train), request.kv_type
    can = abilities(model.architecture)
    if not can.quantised_cache:
        kv_type = "f16"
    _check_room(model, size, kv_type)
    options = ContextOptions(
        size,
        kv_type,
        request.threads or threads(),
        request.batch,
        sequences(can, request.parallel),
        outputs(can, request.parallel),
    )
    with native.library().log.keep() as made:
        try:
            context = Context(model, options)
        except native.LoadFailed:
            raise _no_context(size, made) from None
        with _freed_on_error(context):
            meter.context_made(made)
            context.flash_attention = not made.says("Flash Attention not supported")
            try:
                context.warm_up(max(model.vocabulary.bos, 0))
            except RuntimeError:
                raise _no_context(size, made) from None
            return context


def _threads(
    request: LoadRequest, model: native.Model, context: Context, placement: Placement, cancel: CancelToken
) -> Threads:
    """As asked for; else what is quickest, measured where the processor computes, the context being empty."""
    if request.threads:
        found = Threads(request.threads, request.prefill_threads or request.threads)
        apply(context, found)
        return found
    if placement.offloaded > placement.layers:
        return Threads(threads(), threads())
    return choose(context, max(model.vocabulary.bos, 0), cpu.read(), cancel)


def parts(path: Path) -> list[Path]:
    """The files of a model, which may be split in `…-00001-of-00003.gguf`. NotFound if one is missing."""
    match = re.fullmatch(r"(.+)-(\d{5})-of-(\d{5})\.gguf", path.name)
    names = [path.name]
    if match and int(match[3]) <= 1000:
        names = [f"{match[1]}-{number:05}-of-{match[3]}.gguf" for number in range(1, int(match[3]) + 1)]
    for name in names:
        if not path.with_name(name).is_file():
            raise NotFound(
                Phrase(f"The model file {name} is not there any more.", f"模型文件 {name} 已不存在。"),
                Phrase("Download it again, or pick another model.", "请重新下载，或选择其他模型。"),
                code="file_missing",
            )
    return [path.with_name(name) for name in names]


def _read(files: list[Path], progress: Callable[[float], None], cancel: CancelToken) -> None:
    """Bring the files into the system's cache, where llama.cpp maps them from: there it could not be followed
    or stopped. What does not fit into memory is not worth reading ahead."""
    total = sum(file.stat().st_size for file in files)
    if total > psutil.virtual_memory().available:
        return
    buffer, done = memoryview(bytearray(_CHUNK)), 0
    for path in files:
        try:
            with path.open("rb", buffering=0) as file:
                while count := file.readinto(buffer):
                    cancel.check()
                    done += count
                    progress(done / total)
        except OSError as error:
            raise EngineError(
                Phrase(f"The model file cannot be read: {error.strerror}.", f"无法读取模型文件：{error.strerror}。"),
                Phrase("Check the disk it is on.", "请检查文件所在的磁盘。"),
                code="load_failed",
            ) from error


@contextmanager
def _freed_on_error(resource: native.Model | Context) -> Iterator[None]:
    done = False
    try:
        yield
        done = True
    finally:
        if not done:
            resource.close()


def _slice(model: native.Model, placement: Placement, batch: int) -> int:
    """How many prompt tokens are computed at a time: a CPU with a large model is to tell of progress in between."""
    if placement.offloaded > placement.layers or model.parameters < 3e9:
        return batch
    return min(batch, 256 if model.parameters < 10e9 else 128)


def _template(model: native.Model) -> tuple[ChatTemplate, tuple[Phrase, ...]]:
    try:
        return ChatTemplate(model.chat_template, model.vocabulary), ()
    except EngineError as error:
        note = Phrase(f"{error.message.en} A plain one is used.", f"{error.message.zh}已改用通用模板。")
        return ChatTemplate(None, model.vocabulary), (note,)


def _lowered(request: LoadRequest, model: native.Model, kv_type: KvType) -> Iterator[Phrase]:
    if request.context > model.context_train:
        yield Phrase(
            f"The context is {model.context_train} tokens: the model was not trained for {request.context}.",
            f"上下文为 {model.context_train} 个 token：该模型的训练长度不支持 {request.context}。",
        )
    if kv_type != request.kv_type:
        yield Phrase(
            "The cache is kept in f16: this model does not bear a quantised one.",
            "缓存保持 f16：该模型不支持量化缓存。",
        )


def _check_room(model: native.Model, context: int, kv_type: KvType) -> None:
    """Refuse a cache that is larger than all free memory. llama.cpp would try, and the system end the process."""
    needed = _cache_per_token(model, kv_type) * context
    free = psutil.virtual_memory().available + sum(d.memory_free for d in native.devices() if d.kind == "gpu")
    if needed > free:
        gib = f"{needed / 2**30:.1f} GiB", f"{free / 2**30:.1f} GiB"
        raise EngineError(
            Phrase(
                f"A context of {context} tokens needs {gib[0]} of memory, but {gib[1]} are free.",
                f"{context} 个 token的上下文需要 {gib[0]} 内存，但仅有 {gib[1]} 可用。",
            ),
            Phrase("Load the model with a smaller context.", "请用更小的上下文加载模型。"),
            code="out_of_memory",
        )


def _cache_per_token(model: native.Model, kv_type: KvType) -> float:
    """Bytes at least. With latent attention (MLA) the values are a view of the keys; architectures that keep
    less than all tokens (deepseek4) count as nothing. 16 bytes are llama.cpp's book-keeping of a cell."""

    def number(key: str, default: int = 0) -> int:
        return int(model.metadata(f"{model.architecture}.{key}") or default)

    if model.architecture == "deepseek4":
        return 16
    heads = number("attention.head_count", 1)
    head = number("embedding_length") // heads
    key, value = number("attention.key_length", head), number("attention.value_length", head)
    if number("attention.key_length_mla"):
        value = 0
    numbers = number("block_count") * number("attention.head_count_kv", heads) * (key + value)
    return 16 + numbers * (2 if kv_type == "f16" else 34 / 32)


def _refused(request: LoadRequest, told: Told) -> BackendError:
    words = told.reason.replace(str(request.path.parent), "…") or "no reason given"
    if told.says(*NO_MEMORY):
        return EngineError(
            Phrase(
                f"There is not enough memory for {request.path.name} ({words}).",
                f"内存不足，无法加载 {request.path.name}（{words}）。",
            ),
            Phrase(
                "Close other programs, choose a smaller quant or model, or keep fewer layers on the GPU.",
                "请关闭其他程序、选择更小的量化或模型，或减少放在 GPU 上的层数。",
            ),
            code="out_of_memory",
        )
    if told.says("unknown model architecture"):
        return InvalidInput(
            Phrase(
                f"This engine cannot run {request.path.name}: {words}.",
                f"此引擎无法运行 {request.path.name}：{words}。",
            ),
            Phrase("Pick a model from the catalogue.", "请从目录中选择模型。"),
            code="unsupported_model",
        )
    return EngineError(
        Phrase(
            f"The engine cannot load {request.path.name}: {words}.",
            f"引擎无法加载 {request.path.name}：{words}。",
        ),
        Phrase("The file may be damaged: download it again.", "文件可能已损坏：请重新下载。"),
        code="load_failed",
    )


def _no_context(size: int, told: Told) -> EngineError:
    words = told.reason or "no reason given"
    if told.says(*NO_MEMORY):
        return EngineError(
            Phrase(
                f"There is not enough memory for a context of {size} tokens ({words}).",
                f"内存不足，无法使用 {size} 个 token的上下文（{words}）。",
            ),
            Phrase("Load the model with a smaller context.", "请用更小的上下文加载模型。"),
            code="out_of_memory",
        )
    return EngineError(
        Phrase(
            f"The engine cannot make a context of {size} tokens: {words}.",
            f"引擎无法创建 {size} 个 token的上下文：{words}。",
        ),
        Phrase("Load the model with other settings.", "请更改设置后重新加载模型。"),
        code="load_failed",
    )
