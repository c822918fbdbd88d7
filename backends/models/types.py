"""The words of this room as data: what the catalogue knows, what a plan says, what is on disk. Bytes everywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from backends.core.phrase import NOTHING, Phrase

Verdict = Literal["fits", "tight", "partial", "too_large", "unsupported"]
KvType = Literal["f16", "q8_0"]
Kind = Literal["chat", "embedding", "reranking"]
KINDS: tuple[Kind, ...] = ("chat", "embedding", "reranking")
Use = Literal["chat", "documents", "code", "maths"]
USES: tuple[Use, ...] = ("chat", "documents", "code", "maths")
Origin = Literal["downloaded", "own", "lm-studio", "ollama", "jan", "hub-cache", "llama.cpp", "quantised"]
"""Where a file on this disk came from; everything but `downloaded` and `quantised` is used where it lies."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers of an architecture that memory and speed depend on (GGUF metadata, or the catalogue)."""

    architecture: str
    layers: int
    embedding: int
    feed_forward: int
    heads: int
    kv_heads: int
    key_length: int
    value_length: int
    vocabulary: int
    context_train: int
    experts: int = 0
    experts_used: int = 0
    expert_feed_forward: int = 0
    dense_layers: int = 0  # leading blocks without experts
    kv_lora_rank: int = 0
    rope_dimensions: int = 0
    mla: bool = False  # False for legacy deepseek2 files, which cache full keys and values
    indexer_key_length: int = 0  # deepseek32: a second cache of so many values a token and layer
    sliding_window: int = 0  # deepseek4
    compress_ratios: tuple[int, ...] = ()  # deepseek4: tokens a cache cell stands for, per layer; 0: the window only

    @property
    def own_caches(self) -> bool:
        """Each sequence has a cache of its own, even in a unified one."""
        return bool(self.compress_ratios)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One quant of a model: the file to load (the first of a split) and all files to fetch."""

    quant: str
    file: str  # path inside the repository
    size: int  # all parts
    sha256: str | None = None  # of a single file, when it is known
    parts: tuple[str, ...] = ()  # all files of a split, in order
    divergence: float = 0.0  # KLD of the quant to f16: what it costs in quality
    embedding_bits: float = 0.0  # bits per weight of the token embedding, which stays in main memory; 0: not known
    dense_size: int | None = None  # mixture of experts: bytes of all that is not a routed expert
    approximate: bool = False  # the size has not been seen in a listing yet
    sha256s: tuple[str | None, ...] = ()  # of each part of a split, where the hub publishes them


@dataclass(frozen=True, slots=True)
class EmbeddingSpec:
    """How texts become vectors (kind `embedding`) or a pair a score (`reranking`): what the publisher asks for."""

    dimensions: int
    pooling: Literal["mean", "cls", "last", "rank"]
    query_prefix: str = ""
    document_prefix: str = ""


@dataclass(frozen=True, slots=True)
class CatalogModel:
    id: str  # "r1-0528-qwen3-8b"
    name: str  # "DeepSeek R1-0528 Qwen3 8B"
    summary: Phrase
    repo: str  # "unsloth/DeepSeek-R1-0528-Qwen3-8B-GGUF"
    parameters: float  # billions, total
    active_parameters: float
    shape: Shape
    license: str
    base_score: float  # quality at f16 relative to the others
    quant_sensitivity: float  # how much a quant's divergence costs: small models suffer more
    reasoning: bool
    temperature: float
    top_p: float
    system_prompt: bool  # False: the publisher wants instructions in the user's turn
    files: tuple[ModelFile, ...]
    kind: Kind = "chat"
    scores: Mapping[Use, float] = field(default_factory=dict)  # where a use is not as `base_score` says
    spec: EmbeddingSpec | None = None  # of an embedder or a reranker
    released: str = ""  # "2025-05"; "" where nobody told


@dataclass(frozen=True, slots=True)
class Slots:
    """Answers that are computed together, and what a context is made for because of them.

    `held`: sequences of a context whose memory they share, prompts that are kept among them; where each has a cache of
    its own (deepseek4) there are as many as answers. `drafted`: tokens guessed ahead for each answer and computed in
    one step, a row of output each.
    """

    answers: int = 1
    held: int = 0
    drafted: int = 0

    def sequences(self, shape: Shape) -> int:
        """n_seq_max"""
        return self.answers if shape.own_caches else max(self.answers, self.held)

    def outputs(self, shape: Shape) -> int:
        """n_outputs_max; llama.cpp insists on a row for each sequence."""
        return max(self.answers * (1 + self.drafted), self.sequences(shape))


ONE = Slots()


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a model is run, as far as memory depends on it.

    `gpu_layers` counts as llama.cpp does (the output layer is one). `gpu_split`: how many of them each GPU holds, in
    the engine's order of devices; empty for one GPU or none. `batch`: tokens computed at once (n_batch and n_ubatch).
    `parallel`: answers computed together; `sequences` share the context, kept prompts among them; `outputs`: rows of
    logits in one batch. `mapped`: the weights are used as they lie in the file; not where the processor wants them in
    an order of its own, and would have them twice. `gpu_sharing`: several GPUs have whole layers each, or a part of
    every layer.
    """

    context: int
    kv_type: KvType = "f16"
    gpu_layers: int = 0
    expert_layers_on_cpu: int = 0
    gpu_split: tuple[int, ...] = ()
    batch: int = 512
    sequences: int = 1
    outputs: int = 1
    mapped: bool = True
    parallel: int = 1
    gpu_sharing: Literal["layer", "tensor"] = "layer"


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """What lies on one device, in bytes. `kind` cpu, gpu or igpu; `free`: what it can give, None if nobody looked."""

    name: str
    kind: str
    weights: int
    kv: int
    compute: int
    overhead: int
    free: int | None = None

    @property
    def total(self) -> int:
        return self.weights + self.kv + self.compute + self.overhead


@dataclass(frozen=True, slots=True)
class Plan:
    """What running a model so takes. `exact`: llama.cpp said so itself; else by formula, and `notes` says why.

    `corrected`: what this machine's own measurements add to (or take from) the prediction, in bytes; not in the parts.
    """

    architecture: str
    options: RunOptions
    devices: tuple[DevicePlan, ...]
    exact: bool
    fits: bool
    corrected: int = 0
    notes: tuple[Phrase, ...] = ()

    @property
    def total(self) -> int:
        return sum(device.total for device in self.devices)


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Where the bytes go. `weights + kv + compute + overhead = total`; per device beside it."""

    weights: int
    kv: int
    compute: int
    overhead: int
    total: int
    per_gpu: tuple[int, ...]  # bytes on each GPU
    host: int  # bytes in main memory


@dataclass(frozen=True, slots=True)
class Choice:
    """One model, one quant, one way to run it here: what the advisor weighs."""

    model: CatalogModel
    file: ModelFile
    context: int
    kv_type: KvType
    gpu_layers: int  # as llama.cpp counts them: the output layer is one, so all of them are `layers + 1`
    expert_layers_on_cpu: int  # the experts of the blocks 0…n-1 stay in main memory
    memory: MemoryPlan
    tokens_per_s: float
    seconds_to_answer: float
    verdict: Verdict
    score: float
    note: Phrase = NOTHING
    gpu_split: tuple[int, ...] = ()
    warnings: tuple[Phrase, ...] = ()  # what may disappoint: thinking cut short, a legacy cache, few bits, a licence


@dataclass(frozen=True, slots=True)
class Advice:
    """The advisor's answer. `pick` None: nothing runs here, and `reason` says why.

    `better`: the next better model, which this machine cannot run (well), and what it would need.
    """

    pick: Choice | None
    reason: Phrase
    others: tuple[Choice, ...]  # the best choice of every other model, best first
    better: Phrase = NOTHING


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A GGUF on this disk that may be loaded."""

    id: str  # catalogue id + quant ("r1-0528-qwen3-8b:Q4_K_M"), or the stem of the file
    name: str
    path: Path
    size: int
    architecture: str
    quant: str
    context_train: int
    catalog_id: str | None
    sha256: str | None
    source: str  # repository it came from, or "" for the user's own file
    verified: bool
    problem: Phrase = NOTHING  # why it cannot be loaded, empty if it can
    kind: Kind = "chat"
    origin: Origin = "own"
    version: str = ""  # the first 8 digits of the publisher's commit; "" where nobody told
    current: bool = True  # of several versions of one model, the one that `id` alone means


@dataclass(frozen=True, slots=True)
class LocalAdapter:
    """A LoRA adapter on this disk, for models of one architecture and width."""

    id: str
    name: str
    path: Path
    size: int
    architecture: str
    problem: Phrase = NOTHING


@dataclass(frozen=True, slots=True)
class Deleted:
    """A model that was deleted and can be put back until its files are erased."""

    key: str
    name: str
    size: int
    when: float  # seconds since 1970
    file: str = ""  # its name, which tells one quant from another


@dataclass(frozen=True, slots=True)
class HubModel:
    """A repository that a search on a hub found."""

    repo: str
    endpoint: str
    downloads: int | None
    updated: str  # ISO date, "" where the hub does not tell
    catalog_id: str | None = None
    gated: bool = False
