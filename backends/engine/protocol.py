"""What the engine is to the rest of the house: requests in, streams of events out.

Frozen data only; no llama.cpp here, so that rooms above may import it for nothing.
Times are seconds, rates tokens per second, memory bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.engine.generation import (
    Adapter,
    Finished,
    FinishReason,
    Format,
    GenerateEvent,
    GenerateRequest,
    Grammar,
    JsonSchema,
    NamedTool,
    OpeningUnknown,
    Paused,
    Priority,
    PromptProgress,
    Queued,
    ReasoningDelta,
    ReasoningReclassified,
    Resumed,
    Role,
    Said,
    Sampling,
    TextDelta,
    ThinkingClosed,
    Timings,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallDropped,
    ToolCallStarted,
    ToolChoice,
    TopLogprob,
    Turn,
    Usage,
)

__all__ = [
    "LONGEST_DRAFT",
    "MOST_CHOICES",
    "MOST_PARALLEL",
    "MOST_SEQUENCES",
    "Adapter",
    "DeviceUse",
    "Engine",
    "EngineDevice",
    "EngineInfo",
    "FinishReason",
    "Finished",
    "Format",
    "GenerateEvent",
    "GenerateRequest",
    "Grammar",
    "JsonSchema",
    "KvType",
    "LoadEvent",
    "LoadFinished",
    "LoadProgress",
    "LoadRequest",
    "LoadStepped",
    "LoadTrying",
    "LoadWaiting",
    "LoadedModel",
    "NamedTool",
    "OpeningUnknown",
    "Paused",
    "Priority",
    "PromptProgress",
    "Queued",
    "ReasoningDelta",
    "ReasoningReclassified",
    "Resumed",
    "Role",
    "Said",
    "Sampling",
    "TextDelta",
    "ThinkingClosed",
    "Timings",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallDropped",
    "ToolCallStarted",
    "ToolChoice",
    "TopLogprob",
    "Turn",
    "Usage",
]

KvType = Literal["f16", "q8_0"]

LONGEST_DRAFT = 15  # tokens guessed ahead for one answer and computed in one step
MOST_PARALLEL = 16  # answers computed together
MOST_CHOICES = 8
MOST_SEQUENCES = 32  # of a context that they share, kept prompts among them; batches of a multiple of it cost nothing


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

    `gpu_layers` -1 is all of them, the output layer counts as one. `threads` 0 is what is quickest on this machine,
    which is measured where there is a choice.
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
    adapters: tuple[Adapter, ...] = ()
    mapped: bool = True  # the weights are used as they lie in the file, where the device can; else they are read
    parallel: int = 1  # answers computed together; they share the context
    draft: Path | None = None  # a small model of the same vocabulary that guesses ahead
    lookup: bool = True  # what an answer quotes from its prompt is guessed from there
    lock_memory: bool = False  # weights in main memory are never swapped out
    numa: bool = False  # spread over the memory nodes of a machine with several processors; once a process
    gpu_sharing: Literal["layer", "tensor"] = "layer"  # several GPUs: whole layers each, or a part of every layer
    prefill_threads: int = 0  # of prompts; 0: as `threads`, or as it is quickest where that is 0 too
    states: Path | None = None  # folder of saved states; None: nothing is saved or restored
    states_budget: int = 0  # bytes that they may take


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
    parallel: int = 1
    threads: int = 0
    prefill_threads: int = 0
    draft: Path | None = None  # None too where it did not suit; then a note says so
    thinks: bool = True  # its template or its vocabulary knows of thinking
    gpu_layers_asked: int = 0  # as in the request
    expert_layers_on_cpu: int = 0
    gpu_split: tuple[int, ...] = ()  # layers that each GPU holds, the output layer among them; empty for one or none


@dataclass(frozen=True, slots=True)
class LoadProgress:
    fraction: float  # 0..1


@dataclass(frozen=True, slots=True)
class LoadWaiting:
    """So many answers are still being given by the model that was loaded before; it goes when they are done."""

    answers: int


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


LoadEvent = LoadWaiting | LoadProgress | LoadTrying | LoadStepped | LoadFinished


class Engine(Protocol):
    """One thread owns llama.cpp; every method may be called from any thread and returns at once.

    Errors come out of the streams: EngineError (`load_failed`, `out_of_memory`, `device_lost`, …), InvalidInput
    (`context_too_long` with both numbers, `unsupported_model`, `bad_sampling`, `bad_grammar`, …), Unavailable
    (`no_model`). A cancelled generation ends with `Finished(finish_reason="cancelled")`: what was said so far counts.
    """

    @property
    def model(self) -> LoadedModel | None:
        """The model that answers now; None while none is loaded."""
        ...

    def load(self, request: LoadRequest) -> Stream[LoadEvent]:
        """Unload what is there, when the answers asked for before are done, and load this. Progress, then
        LoadFinished. What is asked for after it waits for it."""
        ...

    def unload(self) -> Stream[None]:
        """When the answers asked for before are done."""
        ...

    def generate(self, request: GenerateRequest) -> Stream[GenerateEvent]: ...

    def generate_choices(self, request: GenerateRequest, n: int) -> tuple[Stream[GenerateEvent], ...]:
        """`n` answers to one prompt, which is read once; a seed counts up. InvalidInput (`bad_choices`) out of every
        stream if `n` is not 1 to MOST_CHOICES."""
        ...

    def answer_now(self, stream: Stream[GenerateEvent]) -> None:
        """Close the thinking of this running answer and go on to the answer. Nothing happens if it does not think."""
        ...

    def set_adapters(self, adapters: Sequence[Adapter]) -> Stream[tuple[Adapter, ...]]:
        """Compute with these adapters from now on, without loading again. One event: those in use."""
        ...

    def count_tokens(self, turns: Sequence[Turn], tools: Sequence[Tool] = ()) -> Stream[int]:
        """One event: the prompt's length in tokens, template included."""
        ...

    def tokenize(self, text: str, *, special: bool = False) -> Stream[tuple[int, ...]]:
        """One event: the tokens of a text, in which control tokens are read as text. `special`: after a begin-of-text
        token, where the model has one."""
        ...

    def detokenize(self, tokens: Sequence[int]) -> Stream[str]:
        """One event. InvalidInput (`bad_token`) for one that the vocabulary does not have."""
        ...

    def suspend(self) -> Stream[None]:
        """Stop between two steps, until `resume`: the machine goes to sleep. Ends when nothing is computed any more."""
        ...

    def resume(self) -> Stream[None]:
        """Go on. Looks at the devices first: if one that holds a part of the model has gone, running answers end with
        EngineError (`device_lost`) and the model is unloaded."""
        ...

    def close(self) -> None:
        """Cancel everything, free the model on its thread, join."""
        ...
