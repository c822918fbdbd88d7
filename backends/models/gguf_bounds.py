"""What must hold between the numbers of a GGUF before llama.cpp may see it (SEC-21).

llama.cpp checks a good part of this itself, but some of it with assertions, which end the whole process: a
`block_count` of 0 or 100,000, heads that do not divide, arrays of the wrong type, a norm that is not F32. The keys
are those of `src/llama-arch.cpp` and `src/models/*.cpp` of llama.cpp, as of llama-cpp-python 0.3.36.

Embedders (`gguf_embedders`) are held against the same rules and their own.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from math import isfinite
from typing import Any

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.models.gguf_embedders import check_embedder
from backends.models.gguf_format import LARGEST_VOCABULARY, ArrayOf, Container, Tensor, bad_entry, damaged, foreign
from backends.models.types import Kind

CHAT_ARCHITECTURES = frozenset(
    {"qwen2", "qwen3", "llama", "deepseek", "deepseek2", "deepseek2-ocr", "deepseek32", "deepseek4"}
)
EMBEDDING_ARCHITECTURES = frozenset(
    {"bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "modern-bert", "eurobert"}
    | {"neo-bert", "gemma-embedding"}
)
EMBEDDERS = frozenset({"bert", "qwen3"})  # of them, those that can be held against rules here
MOST_BLOCKS = 512
MOST_EXPERTS = 512
MOST_ITERATIONS = 1000
LARGEST_WIDTH = 1 << 20
LARGEST_CONTEXT = 1 << 30
TOKENIZERS = ("gpt2", "llama")  # BPE and SentencePiece; all DeepSeek models use the first
_TOKENIZERS_OF = {"bert": ("t5", "bert")}  # Unigram (XLM-R: the BGE M3 family) and WordPiece
RANKING_HEAD = "cls.output.weight"
_RANK = 4  # LLAMA_POOLING_TYPE_RANK

_NO_CHAT = (
    "This model turns texts into vectors for searching; it cannot chat.",
    "该模型用于将文本转换为检索向量，不能对话。",
)
_ANOTHER_STEP: Mapping[Kind, tuple[str, str]] = {
    "embedding": (
        "This model turns texts into vectors; it cannot rank passages.",
        "该模型用于将文本转换为向量，不能对段落排序。",
    ),
    "reranking": (
        "This model ranks passages; it cannot turn texts into vectors.",
        "该模型用于对段落排序，不能将文本转换为向量。",
    ),
}
_FORKS_OF_V4 = ("attention.compress_ratios", "hyper_connection.count")
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "deepseek": ("leading_dense_block_count", "expert_feed_forward_length", "expert_shared_count"),
    "deepseek2": ("attention.kv_lora_rank", "rope.dimension_count", "leading_dense_block_count"),
    "deepseek2-ocr": ("leading_dense_block_count", "expert_feed_forward_length", "expert_shared_count"),
    "deepseek32": (
        "attention.kv_lora_rank",
        "attention.q_lora_rank",
        "rope.dimension_count",
        "leading_dense_block_count",
        "attention.indexer.head_count",
        "attention.indexer.key_length",
        "attention.indexer.top_k",
    ),
    "deepseek4": (
        "attention.q_lora_rank",
        "attention.sliding_window",
        "attention.output_group_count",
        "attention.output_lora_rank",
        "attention.indexer.head_count",
        "attention.indexer.key_length",
        "attention.indexer.top_k",
        "expert_feed_forward_length",
        "expert_shared_count",
        "hyper_connection.count",
    ),
}
_MAY_BE_ZERO = {"leading_dense_block_count", "expert_shared_count"}
_ARRAY_KINDS = {"tokens": ("str",), "merges": ("str",), "scores": ("f32",), "token_type": ("i32", "u32")}
_TEXT_KEYS = ("general.architecture", "general.name", "tokenizer.ggml.model", "tokenizer.ggml.pre")
_PLAIN_HEADS = {
    "qwen2",
    "qwen3",
    "llama",
    "deepseek",
    "deepseek2-ocr",
    "bert",
}  # keys, values and rotation of one length
_BLOCK = re.compile(r"blk\.(\d+)\.")
_ATTENTION = re.compile(r"blk\.(\d+)\.attn_(q|k|v|output)\.weight")
_NOT_IN_A_PRODUCT = {"I32"}
_RATIOS = {0, 4, 128}
_ROPE_SCALINGS = ("none", "linear", "yarn", "longrope")  # LLAMA_ROPE_SCALING_TYPES
_GATINGS = {"deepseek2": (0, 4), "deepseek2-ocr": (0, 4), "deepseek32": (1, 4), "deepseek4": (4, 4)}
"""Smallest and largest `llama_expert_gating_func_type` of each; 0 is taken as softmax where older files lack it."""
_V4_STREAMS = 4  # hyper-connections: llama.cpp computes with no other number
_ROTATED_BY = 64  # an indexer's keys are turned by Hadamard matrices of this size or its doubles


def unsupported(en: str, zh: str) -> InvalidInput:
    return InvalidInput(
        Phrase(en, zh),
        Phrase("Choose another model.", "请选择其他模型。"),
        code="unsupported_architecture",
    )


def kind_of(architecture: str, metadata: Mapping[str, Any], tensors: Iterable[str] = ()) -> Kind:
    """What a model is for, by its metadata and the names of its tensors."""
    pooling = metadata.get(f"{architecture}.pooling_type", 0)
    if pooling == _RANK or RANKING_HEAD in tensors:
        return "reranking"
    return "embedding" if pooling not in (0, None) or architecture in EMBEDDING_ARCHITECTURES else "chat"


def check_architecture(
    architecture: str,
    metadata: Mapping[str, Any],
    kinds: Collection[Kind] = ("chat",),
    tensors: Iterable[str] = (),
) -> None:
    """Refuse, in plain words, what this engine cannot run, and what is of another kind than is wanted."""
    kind = kind_of(architecture, metadata, tensors)
    if kind not in kinds and kind != "chat":
        raise unsupported(*(_NO_CHAT if "chat" in kinds else _ANOTHER_STEP[kind]))
    if architecture == "deepseek41":
        raise unsupported(
            "This is a DeepSeek V4.1 model (deepseek41); this version of the engine cannot run it.",
            "这是 DeepSeek V4.1 模型（deepseek41），当前版本的引擎无法运行它。",
        )
    if architecture not in (CHAT_ARCHITECTURES if kind == "chat" else EMBEDDERS):
        shown = ascii(architecture[:40])[1:-1]
        raise unsupported(
            f"This engine cannot run models of the kind “{shown}”.", f"当前引擎无法运行“{shown}”类型的模型。"
        )
    if kind not in kinds:
        raise unsupported("This model chats; it cannot search in documents.", "该模型用于对话，不能用于文档检索。")


def check_bounds(architecture: str, container: Container) -> None:
    """Everything that must hold for an architecture of the allow-list; InvalidInput if it does not."""
    rules = _Rules(architecture, container)
    rules.keys()
    rules.vocabulary()
    rules.tensors()
    kind = kind_of(architecture, container.metadata, (tensor.name for tensor in container.tensors))
    if kind != "chat":
        check_embedder(architecture, kind, container)


class _Rules:
    def __init__(self, architecture: str, container: Container) -> None:
        self._architecture = architecture
        self._metadata = container.metadata
        self._kinds = container.kinds
        self._tensors = container.tensors

    def keys(self) -> None:
        if self._architecture == "deepseek4":
            for key in _FORKS_OF_V4:
                if f"deepseek4.{key}" not in self._metadata:
                    raise foreign(
                        "it is a DeepSeek V4 file from before llama.cpp supported V4",
                        "它是 llama.cpp 支持 V4 之前制作的 DeepSeek V4 文件",
                    )
        for key in _TEXT_KEYS:
            if self._kinds.get(key, "str") != "str":
                raise bad_entry(key)
        blocks = self._number("block_count", 1, MOST_BLOCKS)
        self._number("context_length", 1, LARGEST_CONTEXT)
        width = self._number("embedding_length", 1, LARGEST_WIDTH)
        heads = self._per_layer("attention.head_count", blocks)
        kv_heads = self._per_layer("attention.head_count_kv", blocks, default=heads)
        if self._architecture != "deepseek4":
            self._per_layer("feed_forward_length", blocks)
        for head, kv_head in zip(heads, kv_heads, strict=True):
            if head % kv_head:
                raise bad_entry("attention.head_count_kv")
            if "attention.key_length" not in self._of_architecture() and width % head:
                raise bad_entry("attention.head_count")
        for key in ("attention.key_length", "attention.value_length"):
            self._optional(key, 1, LARGEST_WIDTH)
        self._floats()
        self._head(width // heads[0])
        self._experts(blocks)
        self._latent(kv_heads)
        for key in _REQUIRED.get(self._architecture, ()):
            self._number(key, 0 if key in _MAY_BE_ZERO else 1, LARGEST_WIDTH)
        self._scalings()
        self._indexer()
        self._v4(blocks, heads, kv_heads)

    def _head(self, head: int) -> None:
        rotated = self._optional("rope.dimension_count", 1, LARGEST_WIDTH)
        key = self._optional("attention.key_length", 1, LARGEST_WIDTH) or head
        value = self._optional("attention.value_length", 1, LARGEST_WIDTH) or head
        if rotated is not None and (rotated % 2 or rotated > key):
            raise bad_entry("rope.dimension_count")
        if self._architecture in _PLAIN_HEADS and (value != key or rotated not in (None, key)):
            raise bad_entry("attention.key_length")

    def _floats(self) -> None:
        for key, kind in self._kinds.items():
            if kind not in ("f32", "f64") or not key.startswith(f"{self._architecture}."):
                continue
            value = self._metadata[key]
            if not isfinite(value) or (key.endswith("epsilon") and value < 0):
                raise bad_entry(key)

    def _experts(self, blocks: int) -> None:
        experts = self._optional("expert_count", 0, MOST_EXPERTS) or 0
        used = self._optional("expert_used_count", 0, MOST_EXPERTS) or 0
        if used > experts or (experts and not used):
            raise bad_entry("expert_used_count")
        groups = self._optional("expert_group_count", 0, MOST_EXPERTS) or 0
        if groups and (groups >= experts or experts % groups):
            raise bad_entry("expert_group_count")
        if groups > 1:
            self._number("expert_group_used_count", 1, groups - 1)
        if self._architecture in _GATINGS:
            self._optional("expert_gating_func", *_GATINGS[self._architecture])
        self._optional("leading_dense_block_count", 0, blocks)
        self._optional("nextn_predict_layers", 0, blocks - 1)

    def _latent(self, kv_heads: tuple[int, ...]) -> None:
        """Latent attention keeps one head of `kv_lora_rank + rope` values; older files keep them all."""
        if self._architecture not in ("deepseek2", "deepseek32"):
            return
        rank, rotated = (
            self._number("attention.kv_lora_rank", 1, LARGEST_WIDTH),
            self._number("rope.dimension_count", 2, LARGEST_WIDTH),
        )
        key, value = (self._number(f"attention.{name}_length", 1, LARGEST_WIDTH) for name in ("key", "value"))
        latent = [self._optional(f"attention.{name}_length_mla", 0, LARGEST_WIDTH) or 0 for name in ("key", "value")]
        if not all(latent):
            if self._architecture == "deepseek32" or any(latent):
                raise bad_entry("attention.key_length_mla")
            heads = self._per_layer("attention.head_count", len(kv_heads))
            if key <= rotated or kv_heads != heads:
                raise bad_entry("attention.key_length")
        elif (key, value, set(kv_heads)) != (rank + rotated, rank, {1}) or latent[0] <= rotated:
            raise bad_entry("attention.key_length")

    def _scalings(self) -> None:
        """Of the rotation, and of attention by how far a text has come."""
        given = self._metadata.get(f"{self._architecture}.rope.scaling.type", "linear")
        if given not in _ROPE_SCALINGS:
            raise bad_entry("rope.scaling.type")
        by_length = self._metadata.get(f"{self._architecture}.attention.temperature_scale", 0)
        if self._architecture == "deepseek2" and by_length:
            self._number("attention.temperature_length", 1, LARGEST_CONTEXT)

    def _indexer(self) -> None:
        if self._architecture not in ("deepseek32", "deepseek4"):
            return
        key = self._number("attention.indexer.key_length", 1, LARGEST_WIDTH)
        if key % _ROTATED_BY or key < (self._optional("rope.dimension_count", 1, LARGEST_WIDTH) or key):
            raise bad_entry("attention.indexer.key_length")

    def _v4(self, blocks: int, heads: tuple[int, ...], kv_heads: tuple[int, ...]) -> None:
        if self._architecture != "deepseek4":
            return
        self._number("hyper_connection.count", _V4_STREAMS, _V4_STREAMS)
        self._optional("hash_layer_count", 0, blocks)
        self._optional("hyper_connection.sinkhorn_iterations", 1, MOST_ITERATIONS)
        ratios = self._metadata["deepseek4.attention.compress_ratios"]
        if not isinstance(ratios, tuple) or not blocks <= len(ratios) <= MOST_BLOCKS or not set(ratios) <= _RATIOS:
            raise bad_entry("attention.compress_ratios")
        drafting = self._optional("nextn_predict_layers", 0, blocks - 1) or 0
        if not _RATIOS - {0} <= set(ratios[: blocks - drafting]):  # a division by the cells of a cache that is empty
            raise bad_entry("attention.compress_ratios")
        groups = self._number("attention.output_group_count", 1, LARGEST_WIDTH)
        if any(head % groups for head in heads):
            raise bad_entry("attention.output_group_count")
        if set(kv_heads) != {1}:
            raise bad_entry("attention.head_count_kv")
        width = self._number("embedding_length", 1, LARGEST_WIDTH) // heads[0]
        lengths = [self._optional(f"attention.{name}_length", 1, LARGEST_WIDTH) or width for name in ("key", "value")]
        if lengths[0] != lengths[1]:
            raise bad_entry("attention.value_length")
        for name in ("attention.key_length", "attention.value_length", "rope.dimension_count"):
            own = self._metadata.get(f"deepseek4.{name}_swa")  # all its layers have a sliding window
            if own is not None and own != self._metadata.get(f"deepseek4.{name}"):
                raise bad_entry(f"{name}_swa")

    def vocabulary(self) -> None:
        """As many scores and types as tokens, each list of its type, and an embedding for every token."""
        lists: dict[str, int] = {}
        for key, kinds in _ARRAY_KINDS.items():
            value = self._metadata.get(f"tokenizer.ggml.{key}")
            if value is None:
                continue
            kind, length = self._array(f"tokenizer.ggml.{key}", value)
            if length and kind not in kinds:
                raise bad_entry(f"tokenizer.ggml.{key}")
            lists[key] = length
        tokens = lists.get("tokens", 0)
        if not 1 <= tokens <= LARGEST_VOCABULARY:
            raise damaged("it has no vocabulary", "缺少词表")
        for key in ("scores", "token_type"):
            if lists.get(key, tokens) != tokens:
                raise damaged("its vocabulary is not as long as the table beside it", "词表长度与相应表格不一致")
        known = _TOKENIZERS_OF.get(self._architecture, TOKENIZERS)
        if self._metadata.get("tokenizer.ggml.model") not in known:
            raise unsupported(
                "This engine does not know the tokenizer of this model.", "当前引擎不支持该模型的分词器。"
            )
        spelt = self._metadata["tokenizer.ggml.tokens"]
        if self._metadata["tokenizer.ggml.model"] == "llama" and isinstance(spelt, ArrayOf) and spelt.bytes < 256:
            raise damaged("its vocabulary cannot spell every text", "词表无法表示所有文本")  # an exception through C
        for tensor in self._tensors:
            if tensor.name in ("token_embd.weight", "output.weight") and tensor.dimensions[1:] != (tokens,):
                raise damaged("its vocabulary is not as long as its embedding", "词表长度与嵌入矩阵不一致")

    def tensors(self) -> None:
        """Weights in types that llama.cpp computes with, vectors in F32, blocks within their number."""
        blocks = self._metadata[f"{self._architecture}.block_count"]
        for tensor in self._tensors:
            found = _BLOCK.match(tensor.name)
            if found and int(found[1]) >= blocks:
                raise damaged(f"the tensor {tensor.name!a} is one too many", f"张量 {tensor.name!a} 多余")
            if not self._is_of_its_heads(tensor):
                raise damaged(
                    f"the tensor {tensor.name!a} does not fit its number of heads",
                    f"张量 {tensor.name!a} 与注意力头数不符",
                )
            if not self._computes(tensor):
                raise damaged(
                    f"the tensor {tensor.name!a} is of a type it cannot have",
                    f"张量 {tensor.name!a} 的类型不正确",
                )

    def _is_of_its_heads(self, tensor: Tensor) -> bool:
        """Whether queries, keys and values are as many as the heads want: llama.cpp reshapes them by that."""
        found = _ATTENTION.fullmatch(tensor.name)
        if not found or self._architecture not in _PLAIN_HEADS or len(tensor.dimensions) != 2:
            return True
        blocks = self._metadata[f"{self._architecture}.block_count"]
        heads = self._per_layer("attention.head_count", blocks)
        counts = (
            heads if found[2] in ("q", "output") else self._per_layer("attention.head_count_kv", blocks, default=heads)
        )
        width = self._number("embedding_length", 1, LARGEST_WIDTH) // heads[0]
        wanted = counts[int(found[1])] * (self._optional("attention.key_length", 1, LARGEST_WIDTH) or width)
        return tensor.dimensions[0 if found[2] == "output" else 1] == wanted

    def _computes(self, tensor: Tensor) -> bool:
        if tensor.kind in _NOT_IN_A_PRODUCT:
            return self._architecture == "deepseek4" and "tid2eid" in tensor.name
        vector = len(tensor.dimensions) == 1 or "norm" in tensor.name or tensor.name.endswith(".bias")
        return tensor.kind == "F32" or not vector

    # ---- reading one key

    def _of_architecture(self) -> set[str]:
        start = len(self._architecture) + 1
        return {key[start:] for key in self._metadata if key.startswith(f"{self._architecture}.")}

    def _optional(self, key: str, least: int, most: int) -> int | None:
        return self._number(key, least, most) if f"{self._architecture}.{key}" in self._metadata else None

    def _number(self, key: str, least: int, most: int) -> int:
        value = self._metadata.get(f"{self._architecture}.{key}")
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise bad_entry(key)
        return value

    def _per_layer(self, key: str, blocks: int, *, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        value = self._metadata.get(f"{self._architecture}.{key}")
        if value is None and default is not None:
            return default
        if not isinstance(value, tuple):
            return (self._number(key, 1, LARGEST_WIDTH),) * blocks
        whole = all(isinstance(number, int) and 1 <= number <= LARGEST_WIDTH for number in value)
        if len(value) != blocks or not whole:
            raise bad_entry(key)
        return value

    def _array(self, key: str, value: Any) -> tuple[str, int]:
        if isinstance(value, ArrayOf):
            return value.kind, value.length
        if isinstance(value, tuple):
            return self._kinds[key].removeprefix("array of "), len(value)
        raise bad_entry(key)
