"""One load, from the plan down the ladder: tried apart where it is new here, loaded, and what came of it remembered.

What failed here before is passed over, and said; what worked before is loaded at once. A failure is told in the
engine's own words, with what it goes on with and what that costs. When nothing is left, the first error comes out.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, EngineError, InvalidInput, NotFound, ResourceError
from backends.core.phrase import NOTHING, Phrase
from backends.core.stream import Stream
from backends.engine import trial
from backends.engine.loader import NativeEngine
from backends.engine.protocol import Adapter, LoadedModel, LoadEvent, LoadFinished, LoadRequest, LoadStepped, LoadTrying
from backends.models import ladder
from backends.models.budget import Budget
from backends.models.experience import Experience, RunKey, identity
from backends.models.ladder import Failed, Fixed, OnDisk, Rung, Step

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Landed:
    """How it was loaded in the end."""

    step: Step
    key: RunKey
    loaded: LoadedModel


@dataclass(frozen=True, slots=True)
class Descent:
    """`unfit`: why the plan is not even tried. `strict`: the context is not given up, whatever happens.

    `room`: bytes that are free. `request` makes the engine's request for a step, without adapters.
    """

    engine: NativeEngine
    experience: Experience
    version: str
    start: Step
    budget: Budget
    others: tuple[OnDisk, ...]
    fixed: Fixed
    request: Callable[[Step], LoadRequest]
    room: int
    try_first: bool = True
    strict: bool = False
    unfit: BackendError | None = None
    adapters: tuple[Adapter, ...] = ()

    def go(self, cancel: CancelToken) -> Iterator[LoadEvent | Landed]:
        """Events of the load; Landed comes last. Raises what the first failure was, or what cannot be mended: then
        the engine is to be told (`unload`) that no model will come, for it lets others wait for one."""
        if self.start.options.gpu_sharing == "tensor":
            if not (yield from self._together(cancel)):
                yield from replace(self, start=_apart(self.start)).go(cancel)
            return
        here = said = self.start
        failed: list[Failed] = []
        first: BackendError | None = None  # what it failed of
        why, tried = NOTHING, False
        while True:
            error = self._passed_over(here, failed)
            if error is None:
                if here is not said:
                    yield LoadStepped(why, ladder.change(said, here), ladder.cost(said, here))
                    said, why = here, NOTHING
                try:
                    tried = True
                    yield from self._attempt(here, cancel)
                    return
                except (EngineError, ResourceError) as caught:
                    if caught.code == "engine_missing":
                        raise
                    error = caught
                    self.experience.record_failed(self._key(here), error.code, self.room)
            first, why = first or error, why if why != NOTHING else error.message
            failed.append(Failed(here, ladder.failure_of(here, error.code, error.message.en, self.budget)))
            rung = next(ladder.rungs(self.start, failed, self.budget, self.others, self.fixed), None)
            if rung is None or (self.strict and rung.options.context < self.start.options.context):
                if tried or self.unfit is not None:
                    raise self._final(first, rung) from error
                yield LoadStepped(first.message, _ONCE_MORE, NOTHING)
                yield from self._attempt(self.start, cancel)
                return
            here = rung.step

    def _together(self, cancel: CancelToken) -> Generator[LoadEvent | Landed, None, bool]:
        """With a part of every layer on each card, if that works; whether it did. Nothing is given up for it."""
        why = _BEFORE_TOGETHER
        if not self.experience.failed(self._key(self.start)):
            try:
                yield from self._attempt(self.start, cancel)
                return True
            except (EngineError, ResourceError) as error:
                if error.code == "engine_missing":
                    raise
                self.experience.record_failed(self._key(self.start), error.code)
                why = error.message
        yield LoadStepped(why, _APART, _APART_COST)
        return False

    def _passed_over(self, step: Step, failed: list[Failed]) -> BackendError | None:
        """Why this step is not tried."""
        if self.unfit is not None and not failed:
            return self.unfit
        code = self.experience.failed(self._key(step), self.room)
        return EngineError(_BEFORE.get(code, _FAILED_BEFORE), code=code) if code else None

    def _attempt(self, step: Step, cancel: CancelToken) -> Iterator[LoadEvent | Landed]:
        adapters = tuple(one for one in self.adapters if one.path.is_file())
        if len(adapters) < len(self.adapters):
            names = ", ".join(one.path.name for one in self.adapters if one not in adapters)
            gone = Phrase(f"The adapter {names} is not there any more.", f"适配器 {names} 已不存在。")
            yield LoadStepped(gone, _WITHOUT, _AS_MADE)
        try:
            yield from self._load(step, adapters, cancel)
        except (InvalidInput, NotFound) as error:
            of_adapter = error.code == "bad_adapter" or (error.code == "file_missing" and step.model.path.is_file())
            if not adapters or not of_adapter:
                raise
            yield LoadStepped(error.message, _WITHOUT, _AS_MADE)
            yield from self._load(step, (), cancel)

    def _load(self, step: Step, adapters: tuple[Adapter, ...], cancel: CancelToken) -> Iterator[LoadEvent | Landed]:
        key, request = self._key(step), replace(self.request(step), adapters=adapters)
        together = request.gpu_sharing == "tensor"  # llama.cpp calls it experimental
        if (self.try_first or together) and not self.experience.worked(key):
            yield LoadTrying()
            yield from trial.attempt(replace(request, adapters=()), cancel=cancel)
        for event in within(self.engine.load(request, last=False), cancel):
            yield event
            if isinstance(event, LoadFinished):
                self.experience.record_worked(key)
                yield Landed(step, key, event.model)

    def _key(self, step: Step) -> RunKey:
        try:
            file = identity(step.model.path, step.model.sha256)
        except OSError as error:
            raise NotFound(
                Phrase(
                    f"The model file {step.model.path.name} is not there.", f"模型文件 {step.model.path.name} 不存在。"
                ),
                Phrase("Check the disk it is on.", "请检查文件所在的磁盘。"),
                code="file_missing",
            ) from error
        devices = tuple(gpu.label for gpu in self.budget.gpus) if step.on_gpus else ()
        return RunKey(
            file,
            step.options,
            devices or (self.budget.host.label,),
            self.version,
            step.file.shape.architecture,
            step.model.name,
        )

    def _final(self, first: BackendError, rung: Rung | None) -> BackendError:
        """The first error; where the person's own choice stood in the way, with what would fit instead."""
        if rung is None:
            return first
        instead = ladder.change(self.start, rung.step)
        en = instead.en.removeprefix("It goes on with ")
        hint = Phrase(f"This would fit: {en}", f"以下设置可行：{instead.zh.removeprefix('改为：')}")
        return type(first)(first.message, hint, first.code)


def _apart(step: Step) -> Step:
    return replace(step, options=replace(step.options, gpu_sharing="layer"))


_APART = Phrase("Each card holds whole layers instead.", "改为每块显卡存放完整的若干层。")
_APART_COST = Phrase("One answer may be slower.", "单个回答可能较慢。")
_BEFORE_TOGETHER = Phrase(
    "Parts of every layer on each card did not work here before.", "此前在本机按张量分配到多块显卡未能成功。"
)
_ONCE_MORE = Phrase("Nothing else is left, so it is tried once more.", "没有其他方案，将再试一次。")
_WITHOUT = Phrase("The model is loaded without it.", "模型将在不使用它的情况下加载。")
_AS_MADE = Phrase("It answers as it was published.", "回答与原始模型一致。")
_FAILED_BEFORE = Phrase("It could not be loaded so here before.", "此前在本机以该方式加载失败。")
_BEFORE = {
    "out_of_memory": Phrase("There was not enough memory for that here before.", "此前在本机以该方式加载时内存不足。"),
    "engine_crashed": Phrase("The engine broke down over that here before.", "此前在本机以该方式加载时引擎崩溃。"),
}


def within(stream: Stream[E], cancel: CancelToken) -> Iterator[E]:
    """The events of a stream that is cancelled with us."""
    forget = cancel.on_cancel(stream.cancel)
    try:
        yield from stream
        cancel.check()
    finally:
        forget()
