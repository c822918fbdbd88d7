"""What is asked of a model and what it says: requests, and the events of an answer. Frozen data only.

Times are seconds, rates tokens per second. `backends.engine.protocol` holds these names too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from backends.core.phrase import Phrase

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "cancelled", "tool_calls"]
Priority = Literal["person", "api", "background"]
"""Who asks: the person at the window, a program, or work that nobody waits for. In this order they are served."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter (GGUF) and how strongly it is applied; 0 is off."""

    path: Path
    scale: float = 1.0


# ---- what is asked


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a tool to be used. `arguments`: a JSON object, parsed (templates want it so)."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """Something the model may call. `parameters`: a JSON schema of an object."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NamedTool:
    """The model has to call this one."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation as the model sees it. Assistant turns carry the answer alone; `reasoning` only
    where the template wants it back (V3.2 and V4, inside a loop of tool calls). A `tool` turn is a tool's result for
    the call `tool_call_id`."""

    role: Role
    content: str
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn. Publisher's values come from the catalogue; these are the neutral ones.

    `seed` None: a random one. Off are: temperature 0 (takes the likeliest), top_k 0, top_p 1, min_p 0, typical_p 1,
    repeat_penalty 1, frequency_penalty and presence_penalty 0, dry_multiplier 0, xtc_probability 0, mirostat 0.
    `repeat_last_n`, `dry_last_n` in tokens, -1: the whole context. `logit_bias`: added to the logits of tokens by id,
    -inf forbids one. What is out of range is an InvalidInput (`bad_sampling`) of the request.
    """

    temperature: float = 0.6
    top_p: float = 0.95
    top_k: int = 0
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    seed: int | None = None
    typical_p: float = 1.0
    repeat_last_n: int = 64
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_last_n: int = -1
    dry_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    mirostat: Literal[0, 1, 2] = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    logit_bias: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grammar:
    """The answer is a word of this grammar (GBNF, `grammars/README.md` of llama.cpp; the start is `root`)."""

    gbnf: str


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """The answer is JSON that this schema describes; an empty schema: any JSON object."""

    schema: Mapping[str, Any] = field(default_factory=dict)


Format = Grammar | JsonSchema


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer that was cut off had said: the model goes on from there, and says only what is new.

    `closed`: the thinking was over. Text without reasoning counts as closed.
    """

    reasoning: str = ""
    text: str = ""
    closed: bool = False


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One answer to be computed. Where a field is empty or None, the model's or the engine's default holds."""

    turns: Sequence[Turn]
    sampling: Sampling = field(default_factory=Sampling)
    max_tokens: int | None = None  # None: what is left of the context
    stop: Sequence[str] = ()
    thinking: bool | None = None  # None: the model's default; only where the template has a switch
    effort: str = ""  # `reasoning_effort` of templates that know it (V4: "high", "max")
    thinking_budget: int | None = None  # tokens of thinking, then it is closed and the answer begins; 0: at once
    priority: Priority = "person"
    format: Format | None = None  # of the answer, never of the thinking
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = "auto"
    logprobs: int | None = None  # so many likeliest tokens beside each sampled one, 0..20; None: none at all
    adapters: tuple[Adapter, ...] | None = None  # for this answer; None: those that are on for all
    labels: frozenset[str] = frozenset()  # "conversation:12", "document:5": what its saved state was read from
    keep: bool = False  # its state is worth saving to disk when the engine is idle (a conversation, a document)
    said: Said | None = None
    tokens: tuple[int, ...] = ()  # the prompt as tokens, in place of `turns` (benchmarks); begins in the answer
    ignore_end: bool = False  # goes on until `max_tokens` (benchmarks)


# ---- what comes back


@dataclass(frozen=True, slots=True)
class Queued:
    """It waits for its turn; `before` are served first. Told again when that changes."""

    before: int


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """Prefill: `done` of `total` prompt tokens are in the cache."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class TopLogprob:
    token: int
    text: bytes
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token that was sampled, the logarithm of its probability before any sampling setting, and its rivals'."""

    token: int
    text: bytes
    logprob: float
    top: tuple[TopLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class OpeningUnknown:
    """Nobody knows whether this model thinks first: text that comes before any reasoning may turn out to be thinking
    (`ReasoningReclassified`). Told before anything is said."""


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str
    logprobs: tuple[TokenLogprob, ...] = ()  # of the tokens since the delta before, where asked for


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ReasoningReclassified:
    """All text so far was thinking after all (a `</think>` came without its opening tag)."""


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """The model begins to call a tool: the `index`-th call of this answer, from 0."""

    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A part of the call's arguments, as JSON text; the parts together are an object."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDropped:
    """The call with this index is none after all: its tool's arguments are no JSON, or it was never ended. What was
    told of it is void, its JSON incomplete; what the model said follows as text."""

    index: int


@dataclass(frozen=True, slots=True)
class ThinkingClosed:
    """The thinking was ended before the model did: its budget was spent (`by` "budget"), or a person said so."""

    by: Literal["budget", "person"]


@dataclass(frozen=True, slots=True)
class Paused:
    """Its place in the cache is given to others; it goes on later from where it is."""

    why: Phrase


@dataclass(frozen=True, slots=True)
class Resumed:
    """It goes on after `Paused`."""


@dataclass(frozen=True, slots=True)
class Usage:
    """In tokens. `cached_tokens` of the prompt were not computed again. `completion_tokens` counts thinking too, which
    is `reasoning_tokens`."""

    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Timings:
    """`drafted` tokens were guessed ahead (prompt lookup, a draft model) and `accepted` of them right. `restored`:
    tokens of the prompt that came from a state on disk."""

    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    ttft_s: float  # time to first token, queueing included
    total_s: float
    drafted: int = 0
    accepted: int = 0
    restored: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    usage: Usage
    timings: Timings
    finish_reason: FinishReason
    device: str  # "CUDA0 + CPU (12 of 36 layers)", "CPU"
    stop: str = ""  # the stop string that ended it, if one did


GenerateEvent = (
    Queued
    | PromptProgress
    | OpeningUnknown
    | ReasoningDelta
    | TextDelta
    | ReasoningReclassified
    | ToolCallStarted
    | ToolCallDelta
    | ToolCallDropped
    | ThinkingClosed
    | Paused
    | Resumed
    | Finished
)
