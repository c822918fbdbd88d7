"""What must hold, beside the rules for all, for a GGUF that turns texts into vectors or ranks passages (SEC-21).

As with chat models, some of it llama.cpp checks with assertions only, and its tokenizers throw behind a C interface;
both end the process. Sources: `src/models/bert.cpp`, `src/models/qwen3.cpp`, `build_pooling` in `src/llama-graph.cpp`
and `src/llama-vocab.cpp` of llama.cpp, as of llama-cpp-python 0.3.36.
"""

from collections.abc import Mapping
from typing import Any

from backends.models.charsmap import is_sound
from backends.models.gguf_format import CHARSMAP_KEY, ArrayOf, Container, bad_entry, damaged
from backends.models.types import Kind

MOST_TOKEN_TYPES = 16
LARGEST_HEADER = 24 << 20  # bytes: a Unigram tokenizer builds a tree with a node for every letter of every token
_POOLING = range(5)  # none, mean, cls, last, rank
_DEFAULTS: Mapping[str, tuple[int | None, int | None, int | None, bool, bool, bool]] = {
    # tokenizer.ggml.model: the ids of BOS, EOS and SEP, and whether each is put around a text
    "t5": (None, 1, None, False, True, False),
    "bert": (101, None, 102, True, False, True),
    "gpt2": (11, 11, None, True, True, False),
    "llama": (1, 2, None, True, False, False),
}
_SPECIAL = ("bos", "eos", "seperator")
_ADDED = ("add_bos_token", "add_eos_token", "add_sep_token")


def check_embedder(architecture: str, kind: Kind, container: Container) -> None:
    """InvalidInput (`damaged_file`) for what would end llama.cpp when it reads a text."""
    metadata = container.metadata
    for key in ("pooling_type", "classifier.pooling_type"):
        _within(metadata.get(f"{architecture}.{key}", 0), _POOLING, key)
    if kind == "reranking" and not any(tensor.name == "cls.output.weight" for tensor in container.tensors):
        raise damaged("the head that ranks is missing", "缺少用于排序的输出层")
    if architecture == "bert":
        _check_bert(container)
    _check_special_tokens(metadata)
    if metadata["tokenizer.ggml.model"] == "t5":
        _check_unigram(container)


def _check_bert(container: Container) -> None:
    metadata = container.metadata
    width, heads = metadata["bert.embedding_length"], metadata["bert.attention.head_count"]
    if not isinstance(heads, int) or metadata.get("bert.attention.head_count_kv", heads) != heads:
        raise bad_entry("attention.head_count_kv")
    if metadata.get("bert.attention.key_length", width // heads) * heads != width:
        raise bad_entry("attention.key_length")
    if metadata.get("bert.attention.causal") is not False:
        raise bad_entry("attention.causal")
    if metadata.get("bert.expert_count", 0) != 0:
        raise bad_entry("expert_count")
    _within(metadata.get("tokenizer.ggml.token_type_count"), range(1, MOST_TOKEN_TYPES + 1), "token_type_count")
    for tensor in container.tensors:  # added to F32 as it is
        if tensor.name == "token_types.weight" and tensor.kind != "F32":
            raise damaged(
                f"the tensor {tensor.name!a} is of a type it cannot have", f"张量 {tensor.name!a} 的类型不正确"
            )


def _check_special_tokens(metadata: Mapping[str, Any]) -> None:
    """What is put around every text has to be a token of the vocabulary: llama.cpp asserts it."""
    known = metadata["tokenizer.ggml.tokens"]
    tokens = known.length if isinstance(known, ArrayOf) else 0
    defaults = _DEFAULTS[metadata["tokenizer.ggml.model"]]
    for name, default, added, key in zip(_SPECIAL, defaults[:3], defaults[3:], _ADDED, strict=True):
        own = metadata.get(f"tokenizer.ggml.{name}_token_id")
        told = own if isinstance(own, int) and 0 <= own < tokens else default
        is_added = added or metadata.get(f"tokenizer.ggml.{key}") not in (None, False)
        if is_added and (told is None or told >= tokens):
            raise bad_entry(f"{name}_token_id")


def _check_unigram(container: Container) -> None:
    if container.data_start > LARGEST_HEADER:
        raise damaged("its vocabulary is impossibly large", "词表过大")
    table = container.metadata.get(CHARSMAP_KEY)
    if table is not None and not (isinstance(table, bytes) and is_sound(table)):
        raise damaged("the table by which it normalises text is not whole", "文本规范化表不完整")


def _within(value: Any, allowed: range, key: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
        raise bad_entry(key)
