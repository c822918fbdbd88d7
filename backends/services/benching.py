"""How fast a model is here: reading a prompt, decoding, several streams at once; one way beside another.

The model is loaded as each way says, measured through the engine as any answer is, and the one that was loaded before
comes back afterwards. Prompts are random tokens, so that nothing of them is known already; an answer goes on through
its end. Answers that are being given come to their end first. Whoever starts it has the turn (`Services.turns`), so
that nobody's question goes to a model that is only here to be measured.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, EngineError, InvalidInput
from backends.core.phrase import Phrase
from backends.core.setting_groups import EngineSettings
from backends.core.stream import Runner, Stream
from backends.engine.protocol import (
    Finished,
    GenerateEvent,
    GenerateRequest,
    LoadedModel,
    LoadEvent,
    LoadFinished,
    LoadProgress,
    Sampling,
)
from backends.models import gguf
from backends.models.types import LocalModel
from backends.services.descent import within
from backends.services.foundation import Foundation
from backends.services.loading import LoadingServices

ROUNDS = 3  # of which the median counts
LEAST_CONTEXT = 512  # tokens


@dataclass(frozen=True, slots=True)
class Way:
    """A model and how it is to run. `label`: what tells it from the other one."""

    model: LocalModel
    engine: EngineSettings
    label: str


@dataclass(frozen=True, slots=True)
class BenchAsked:
    """Tokens of a prompt and of an answer; how many answers at once, one after another."""

    prompt: int = 512
    generate: int = 128
    streams: tuple[int, ...] = (1, 4, 8)

    @property
    def context(self) -> int:
        """Tokens for all that is in the memory at once."""
        return max(LEAST_CONTEXT, max(self.streams, default=1) * (self.prompt + self.generate + 1))


@dataclass(frozen=True, slots=True)
class BenchStep:
    """What is being done now; `fraction` of a load, 0..1."""

    doing: Phrase
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class StreamsFigures:
    """`streams` answers at once, asked for at the same moment. `tokens_per_s`: of all together, from the asking to the
    end of the last one, prompts included. `ttft_p50_s`: to the first token. `gap_p95_s`: between two tokens."""

    streams: int
    tokens_per_s: float
    ttft_p50_s: float
    gap_p95_s: float


@dataclass(frozen=True, slots=True)
class BenchFigures:
    """`loaded`: what it was in the end, which a ladder may have changed; its `uses` are the memory."""

    way: Way
    asked: BenchAsked
    loaded: LoadedModel
    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    streams: tuple[StreamsFigures, ...]
    device: str


BenchEvent = BenchStep | LoadEvent | StreamsFigures | BenchFigures


class BenchServices:
    """Its thread: `bench`."""

    def __init__(self, foundation: Foundation, loading: LoadingServices) -> None:
        self._base = foundation
        self._loading = loading
        self._runner = Runner("bench")
        self._closed = False

    def close(self) -> None:
        self._closed = True
        self._runner.close()

    def run(self, ways: Sequence[Way], asked: BenchAsked) -> Stream[BenchEvent]:
        """Measure each way: steps, what its load has to say, rows, and its figures when it is done.

        InvalidInput (`prompt_too_long`) if a model was not trained for so much; what `LoadingServices.load` raises.
        """
        return self._runner.start(self._run, tuple(ways), asked)

    def _run(self, ways: tuple[Way, ...], asked: BenchAsked, *, cancel: CancelToken) -> Iterator[BenchEvent]:
        vocabularies = [_check(way.model, asked) for way in ways]
        former = self._base.engine.model
        if former is not None:
            yield BenchStep(
                Phrase(
                    f"Unloading {former.alias}, after the answers it is giving",
                    f"正在卸载 {former.alias}（等待其回答结束）",
                )
            )
        try:
            for way, vocabulary in zip(ways, vocabularies, strict=True):
                yield from self._measure(way, asked, vocabulary, cancel)
        finally:
            self._give_back(former)

    def _give_back(self, former: LoadedModel | None) -> None:
        """Have the model of before again; what was measured does not stay."""
        if self._closed:
            return
        for _ in self._loading.unload():
            pass
        if former is None:
            return
        try:
            model = self._base.library.find(former.path)
            for _ in self._loading.load(model, context=former.context, remember=False):
                pass
        except BackendError:
            return  # it has gone meanwhile; the next question says so
        finally:
            self._base.changed("model")

    def _measure(self, way: Way, asked: BenchAsked, vocabulary: int, cancel: CancelToken) -> Iterator[BenchEvent]:
        loaded: LoadedModel | None = None
        name = way.label
        context = min(asked.context, way.model.context_train or asked.context)
        load = self._loading.load(way.model, context=context, remember=False, engine=way.engine)
        for event in within(load, cancel):
            if isinstance(event, LoadProgress):
                yield BenchStep(Phrase(f"Loading {name}", f"正在加载 {name}"), event.fraction)
                continue
            if isinstance(event, LoadFinished):
                loaded = event.model
            yield event
        if loaded is None:
            raise _gone()
        player = _Player(self._base.engine.generate, vocabulary, asked, cancel)
        yield BenchStep(Phrase(f"{name}: reading", f"{name}：正在读取"))
        player.warm_up()
        prefill = percentile([player.prefill() for _ in range(ROUNDS)], 50)
        yield BenchStep(Phrase(f"{name}: decoding", f"{name}：正在生成"))
        decode = percentile([player.decode() for _ in range(ROUNDS)], 50)
        rows = []
        for count in asked.streams:
            yield BenchStep(Phrase(f"{name}: {count} at once", f"{name}：{count} 路并发"))
            rows.append(player.together(count))
            yield rows[-1]
        yield BenchFigures(way, asked, loaded, prefill, decode, tuple(rows), player.device)


class _Player:
    """Asks the engine for answers that say nothing, and listens when they come."""

    def __init__(
        self,
        generate: Callable[[GenerateRequest], Stream[GenerateEvent]],
        vocabulary: int,
        asked: BenchAsked,
        cancel: CancelToken,
    ) -> None:
        self._generate, self._vocabulary, self._asked, self._cancel = generate, vocabulary, asked, cancel
        self._chance = random.Random(1)
        self.device = ""

    def warm_up(self) -> None:
        self._one(min(self._asked.prompt, 64), min(self._asked.generate, 8))

    def prefill(self) -> float:
        """Tokens a second."""
        return self._one(self._asked.prompt, 1).timings.prefill_tokens_per_s

    def decode(self) -> float:
        """Tokens a second, behind an empty prompt."""
        return self._one(1, self._asked.generate).timings.decode_tokens_per_s

    def _one(self, prompt: int, generate: int) -> Finished:
        (finished,) = self._finished([self._generate(self._request(prompt, generate))])
        return finished

    def together(self, count: int) -> StreamsFigures:
        requests = [self._request(self._asked.prompt, self._asked.generate) for _ in range(count)]
        began = time.perf_counter()
        streams = [self._generate(request) for request in requests]
        heard = [_Heard() for _ in streams]
        for stream, one in zip(streams, heard, strict=True):
            stream.on_wake(one.note)
        endings = self._finished(streams)
        took = max(one.times[-1] for one in heard) - began
        gaps = [
            gap for one, ending in zip(heard, endings, strict=True) for gap in one.gaps(began + ending.timings.ttft_s)
        ]
        return StreamsFigures(
            count,
            sum(ending.usage.completion_tokens for ending in endings) / took,
            percentile([ending.timings.ttft_s for ending in endings], 50),
            percentile(gaps, 95),
        )

    def _request(self, prompt: int, generate: int) -> GenerateRequest:
        """With a seed: so no answer takes over what another one has read."""
        tokens = tuple(self._chance.randrange(self._vocabulary) for _ in range(prompt))
        sampling = Sampling(seed=self._chance.randrange(2**31))
        return GenerateRequest((), sampling, generate, priority="api", tokens=tokens, ignore_end=True)

    def _finished(self, streams: Sequence[Stream[GenerateEvent]]) -> list[Finished]:
        endings: list[Finished] = []
        try:
            for stream in streams:
                forget = self._cancel.on_cancel(stream.cancel)
                try:
                    endings += [event for events in stream.gulps() for event in events if isinstance(event, Finished)]
                finally:
                    forget()
                self._cancel.check()
        finally:
            for stream in streams:
                stream.cancel()
        if len(endings) < len(streams) or any(ending.finish_reason == "cancelled" for ending in endings):
            raise _gone()
        self.device = endings[-1].device
        return endings


class _Heard:
    """When a stream said something: noted where it is said, since whoever wakes for it takes a processor from that."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def note(self) -> None:
        self.times.append(time.perf_counter())

    def gaps(self, first: float) -> list[float]:
        """Between two tokens, in seconds. `first`: when the first one came; the last two times are the end."""
        said = [moment for moment in self.times[:-2] if moment >= first]
        return [later - sooner for sooner, later in pairwise(said)]


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many per cent are not above; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0


def _check(model: LocalModel, asked: BenchAsked) -> int:
    """The size of its vocabulary. InvalidInput (`prompt_too_long`, and what `gguf.check` raises)."""
    shape = gguf.check(model.path).shape
    longest = asked.prompt + asked.generate + 1
    if longest > shape.context_train:
        raise InvalidInput(
            Phrase(
                f"{asked.prompt} tokens of prompt and {asked.generate} of answer are more than the "
                f"{shape.context_train} that {model.name} was trained for.",
                f"提示词 {asked.prompt} 个 token 加上生成 {asked.generate} 个 token，"
                f"超过了 {model.name} 训练时的上下文长度（{shape.context_train}）。",
            ),
            Phrase("Name fewer with --prompt and --generate.", "请用 --prompt 和 --generate 指定更小的值。"),
            code="prompt_too_long",
        )
    return shape.vocabulary


def _gone() -> EngineError:
    return EngineError(
        Phrase("The model was unloaded while it was measured.", "测试过程中模型被卸载。"),
        Phrase("Run it again.", "请重新运行。"),
        code="bench_stopped",
    )
