"""What the engine is to the rest of the house: requests in, streams of events out.

Frozen data only; no llama.cpp here, so that rooms above may import it for nothing.
Times are seconds, rates tokens per second, memory bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from backends.core.phrase import Phrase
from backends.core.stream import Stream

Role = Literal["system", "user", "assistant"]
KvType = Literal["f16", "q8_0"]
FinishReason = Literal["stop", "length", "cancelled"]


# ---- devices and models


@dataclass(frozen=True, slots=True)
class EngineDevice:
    """A device as ggml reports it: `kind` is cpu, gpu, igpu or accel."""

    name: str  # "CUDA0", "Vulkan0", "Metal", "CPU"
    description: str
    kind: str
    memory_total: int
    memory_free: int


@dataclass(frozen=True, slots=True)
class EngineInfo:
    version: str  # of llama-cpp-python
    devices: tuple[EngineDevice, ...]
    system: str  # llama_print_system_info()


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """How to load a model.

    `gpu_layers` -1 is all of them, the output layer counts as one. `threads` 0 is one a core, or one a fast
    core where there are slow ones too.
    """

    path: Path
    context: int = 8192
    kv_type: KvType = "f16"
    gpu_layers: int = -1
    expert_layers_on_cpu: int = 0
    threads: int = 0
    batch: int = 512
    alias: str = ""  # how the model is called outside (never its path)
    gpu_split: tuple[int, ...] = ()  # layers of each GPU in the engine's order; empty: as llama.cpp likes
    adapters: tuple["Adapter", ...] = ()
    mapped: bool = True  # the weights are used as they lie in the file, where the device can; else they are read


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter (GGUF) and how strongly it is applied; 0 is off."""

    path: Path
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """What a load really took on one device, in bytes: by the growth of this process, or what the GPU has less free."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """What was really loaded, and where it really runs."""

    alias: str
    path: Path
    architecture: str
    context: int
    context_train: int
    kv_type: KvType
    layers: int
    gpu_layers: int  # of `layers`, really offloaded (the output layer aside)
    devices: tuple[str, ...]  # names of devices that hold weights, e.g. ("CUDA0", "CPU")
    size: int  # bytes of weights
    seconds: float  # the load took
    notes: tuple[Phrase, ...] = ()  # e.g. a GPU was asked for and the CPU is used
    uses: tuple[DeviceUse, ...] = ()  # measured, main memory ("CPU") among them
    adapters: tuple[Adapter, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadProgress:
    fraction: float  # 0..1


@dataclass(frozen=True, slots=True)
class LoadTrying:
    """The model is tried in a process of its own first: this file was never loaded so on this machine."""


@dataclass(frozen=True, slots=True)
class LoadStepped:
    """It could not be loaded as planned, `why`; it goes on with `change`, which costs `cost`."""

    why: Phrase
    change: Phrase
    cost: Phrase


@dataclass(frozen=True, slots=True)
class LoadFinished:
    model: LoadedModel


LoadEvent = LoadProgress | LoadTrying | LoadStepped | LoadFinished


# ---- generation


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation as the model sees it. Assistant turns carry the answer alone."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """Publisher's values come from the catalogue; these are the neutral ones. `seed` None: a random one."""

    temperature: float = 0.6
    top_p: float = 0.95
    top_k: int = 0  # 0: off
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    turns: Sequence[Turn]
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int | None = None  # None: what is left of the context
    stop: Sequence[str] = ()
    thinking: bool | None = None  # None: the model's default; only where the template has a switch


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """Prefill: `done` of `total` prompt tokens are in the cache."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningReclassified:
    """All text so far was thinking after all (a `</think>` came without its opening tag)."""


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    ttft_s: float  # time to first token, queueing included
    total_s: float


@dataclass(frozen=True, slots=True)
class Finished:
    usage: Usage
    timings: Timings
    finish_reason: FinishReason
    device: str  # "CUDA0 + CPU (12 of 36 layers)", "CPU"


GenerateEvent = PromptProgress | ReasoningDelta | TextDelta | ReasoningReclassified | Finished


class Engine(Protocol):
    """One thread owns llama.cpp; every method may be called from any thread and returns at once.

    Errors come out of the streams: EngineError (`load_failed`, `out_of_memory`, …), InvalidInput
    (`context_too_long` with both numbers, `unsupported_model`), Unavailable (`no_model`).
    A cancelled generation ends with `Finished(finish_reason="cancelled")`: what was said so far counts.
    """

    @property
    def model(self) -> LoadedModel | None:
        """The model that answers now; None while none is loaded."""
        ...

    def load(self, request: LoadRequest) -> Stream[LoadEvent]:
        """Unload what is there and load this. Progress, then LoadFinished."""
        ...

    def unload(self) -> Stream[None]: ...

    def generate(self, request: GenerateRequest) -> Stream[GenerateEvent]: ...

    def set_adapters(self, adapters: Sequence[Adapter]) -> Stream[tuple[Adapter, ...]]:
        """Compute with these adapters from now on, without loading again. One event: those in use."""
        ...

    def count_tokens(self, turns: Sequence[Turn]) -> Stream[int]:
        """One event: the prompt's length in tokens, template included."""
        ...

    def close(self) -> None:
        """Cancel everything, free the model on its thread, join."""
        ...
