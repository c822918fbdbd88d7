"""Ways in which a GGUF may be wrong, by name: the code it is refused with, and what to change in a good one.

FORMAT breaks the container, MEANING the numbers of a qwen2 in it, LATENT those of a deepseek2 (before and after it had
latent attention).
"""

import struct
from collections.abc import Callable
from pathlib import Path

from tests.kit.headers import Draft, Entry, Kind, array, text

Change = Callable[[Draft], object]
"""Changes a draft in place, or gives the bytes of the file."""

DEEP = "deepseek2.attention"


def written(path: Path, base: Path, change: Change) -> Path:
    """`base` with `change`, written to `path`."""
    draft = Draft.of(base)
    whole = change(draft)
    path.write_bytes(whole if isinstance(whole, bytes) else draft.bytes())
    return path


def put(**fields: object) -> Change:
    """Set fields of the draft itself."""

    def change(draft: Draft) -> None:
        for field, value in fields.items():
            setattr(draft, field, value)

    return change


def key(name: str, value: object, kind: Kind = Kind.UINT32) -> Change:
    """Set one value; a name without its family is one of qwen2."""
    known = name.startswith(("general.", "tokenizer.", "deepseek"))
    return lambda draft: draft.set(name if known else f"qwen2.{name}", kind, value)


def keys(name: str, values: list[object], kind: Kind = Kind.UINT32) -> Change:
    return lambda draft: draft.set_array(name, kind, values)


def raw(name: str, kind: int, value: bytes) -> Change:
    return lambda draft: draft.entries.__setitem__(name, Entry(kind, value))


def without(name: str) -> Change:
    return lambda draft: draft.entries.__delitem__(name)


def tensor(
    name: str,
    *,
    called: bytes | None = None,
    dimensions: list[int] | None = None,
    kind: int | None = None,
    offset: int | None = None,
) -> Change:
    """Change what the table says about a tensor, and nothing else."""

    def change(draft: Draft) -> None:
        found = draft.tensor(name)
        found.name = found.name if called is None else called
        found.dimensions = found.dimensions if dimensions is None else dimensions
        found.kind = found.kind if kind is None else kind
        found.offset = found.offset if offset is None else offset

    return change


def cut(count: Callable[[Draft], int]) -> Change:
    return lambda draft: draft.bytes()[: count(draft)]


def retyped(name: str, kind: int, size: int) -> Change:
    """A tensor in another type, with all offsets as they have to be then."""

    def change(draft: Draft) -> None:
        found = draft.tensors.index(draft.tensor(name))
        offsets = [*(one.offset for one in draft.tensors), len(draft.data)]
        moved = -(-size // 32) * 32 - (offsets[found + 1] - offsets[found])
        draft.tensors[found].kind = kind
        for later in draft.tensors[found + 1 :]:
            later.offset += moved
        draft.data += bytes(size)

    return change


FORMAT: dict[str, tuple[str, Change]] = {
    "an empty file": ("not_gguf", lambda _: b""),
    "a page of HTML": ("not_gguf", lambda _: b"<!DOCTYPE html><html>Not found</html>"),
    "a ZIP": ("not_gguf", lambda draft: b"PK\x03\x04" + draft.bytes()),
    "another magic": ("not_gguf", put(magic=b"GGML")),
    "only the magic": ("truncated_file", lambda _: b"GGUF"),
    "half the magic": ("truncated_file", lambda _: b"GG"),
    "big-endian": ("not_gguf", put(version=struct.pack(">I", 3))),
    "version 0": ("not_gguf", put(version=struct.pack("<I", 0))),
    "version 1": ("not_gguf", put(version=struct.pack("<I", 1))),
    "version 4": ("not_gguf", put(version=struct.pack("<I", 4))),
    "cut in the counts": ("truncated_file", cut(lambda _: 20)),
    "cut in the metadata": ("truncated_file", cut(lambda _: 300)),
    "cut in the tensor table": ("truncated_file", cut(lambda draft: len(draft.header()) - 30)),
    "cut after the header": ("truncated_file", cut(lambda draft: len(draft.header()))),
    "cut in the last tensor": ("truncated_file", cut(lambda draft: len(draft.bytes()) - 1)),
    "more entries than there are": ("damaged_file", lambda draft: put(entry_count=len(draft.entries) + 1)(draft)),
    "2^40 entries": ("damaged_file", put(entry_count=2**40)),
    "2^64 - 1 entries": ("damaged_file", put(entry_count=2**64 - 1)),
    "60,000 entries in a small file": ("truncated_file", put(entry_count=60_000)),
    "more tensors than there are": ("damaged_file", lambda draft: put(tensor_count=len(draft.tensors) + 1)(draft)),
    "2^40 tensors": ("damaged_file", put(tensor_count=2**40)),
    "2^64 - 1 tensors": ("damaged_file", put(tensor_count=2**64 - 1)),
    "an empty key": ("damaged_file", put(extra=[(b"", Entry(4, bytes(4)))])),
    "a key twice": ("damaged_file", put(extra=[(b"general.name", Entry(4, bytes(4)))])),
    "a key that is not text": ("damaged_file", put(extra=[(b"\xff\xfe\xfd", Entry(4, bytes(4)))])),
    "a value of type 13": ("damaged_file", raw("x", 13, bytes(8))),
    "a value of type 2^32 - 1": ("damaged_file", raw("x", 2**32 - 1, bytes(8))),
    "a text of 2^40 bytes": ("damaged_file", raw("x", 8, struct.pack("<Q", 2**40))),
    "a text longer than the file": ("truncated_file", raw("x", 8, struct.pack("<Q", 1_000_000))),
    "arrays in an array": ("damaged_file", raw("x", 9, struct.pack("<IQ", 9, 2) + array(Kind.UINT8, [1]) * 2)),
    "an array of unknown type": ("damaged_file", raw("x", 9, struct.pack("<IQ", 77, 2) + bytes(8))),
    "an array of 2^60 bytes": ("truncated_file", raw("x", 9, struct.pack("<IQ", 0, 2**60))),
    "an array of 2^61 doubles": ("truncated_file", raw("x", 9, struct.pack("<IQ", 12, 2**61))),
    "2^60 texts": ("damaged_file", raw("x", 9, struct.pack("<IQ", 8, 2**60))),
    "a million texts that are not there": ("truncated_file", raw("x", 9, struct.pack("<IQ", 8, 10**6))),
    "a text of 2^63 bytes in an array": (
        "damaged_file",
        raw("x", 9, struct.pack("<IQ", 8, 2) + text("a") + struct.pack("<Q", 2**63)),
    ),
    "alignment 0": ("damaged_file", key("general.alignment", 0)),
    "alignment 24": ("damaged_file", key("general.alignment", 24)),
    "alignment 2^31": ("damaged_file", key("general.alignment", 2**31)),
    "a signed alignment": ("damaged_file", key("general.alignment", 32, Kind.INT32)),
    "alignment as text": ("damaged_file", key("general.alignment", "32", Kind.STRING)),
    "a tensor without a name": ("damaged_file", tensor("output_norm.weight", called=b"")),
    "a tensor's name of 64 bytes": ("damaged_file", tensor("output_norm.weight", called=b"n" * 64)),
    "a tensor twice": ("damaged_file", tensor("output_norm.weight", called=b"output.weight")),
    "a tensor without dimensions": ("damaged_file", tensor("output_norm.weight", dimensions=[])),
    "a tensor of 5 dimensions": ("damaged_file", tensor("output_norm.weight", dimensions=[1, 1, 1, 1, 1])),
    "a dimension of 0": ("damaged_file", tensor("output.weight", dimensions=[64, 0])),
    "dimensions that overflow": ("damaged_file", tensor("output.weight", dimensions=[2**33, 2**33])),
    "dimensions that wrap to a small number": ("damaged_file", tensor("output.weight", dimensions=[2**32, 2**32 + 1])),
    "a dimension of 2^64 - 1": ("damaged_file", tensor("output_norm.weight", dimensions=[2**64 - 1])),
    "rows of half a block": ("damaged_file", tensor("output.weight", kind=12)),
    "an unknown number format": ("damaged_file", tensor("output.weight", kind=9999)),
    "intermediate results as weights": ("damaged_file", tensor("output.weight", kind=15)),
    "an offset that is not aligned": ("damaged_file", tensor("output_norm.weight", offset=33)),
    "an offset beyond the file": ("damaged_file", tensor("output_norm.weight", offset=2**40)),
    "two tensors in one place": ("damaged_file", tensor("output_norm.weight", offset=0)),
    "a tensor larger than the file": ("truncated_file", lambda draft: draft.tensors[-1].dimensions.append(10**6)),
    "a format of ik_llama.cpp": ("foreign_fork", tensor("output.weight", kind=139)),
    "a format that was withdrawn": ("foreign_fork", tensor("output.weight", kind=31)),
}

MEANING: dict[str, tuple[str, Change]] = {
    "no architecture": ("unsupported_architecture", without("general.architecture")),
    "an architecture that is a number": ("unsupported_architecture", key("general.architecture", 7)),
    "an unknown architecture": ("unsupported_architecture", key("general.architecture", "mamba", Kind.STRING)),
    "V4.1": ("unsupported_architecture", key("general.architecture", "deepseek41", Kind.STRING)),
    "an embedding model": ("unsupported_architecture", key("general.architecture", "bert", Kind.STRING)),
    "an embedding model on a chat architecture": ("unsupported_architecture", key("pooling_type", 3)),
    "a name that is a number": ("damaged_file", key("general.name", 5)),
    "0 blocks": ("damaged_file", key("block_count", 0)),
    "100,000 blocks": ("damaged_file", key("block_count", 100_000)),
    "fewer blocks than tensors": ("damaged_file", key("block_count", 1)),
    "-1 blocks": ("damaged_file", key("block_count", -1, Kind.INT32)),
    "blocks as text": ("damaged_file", key("block_count", "2", Kind.STRING)),
    "blocks as a float": ("damaged_file", key("block_count", 2.0, Kind.FLOAT32)),
    "no number of blocks": ("damaged_file", without("qwen2.block_count")),
    "no context": ("damaged_file", without("qwen2.context_length")),
    "a context of 0": ("damaged_file", key("context_length", 0)),
    "no width": ("damaged_file", without("qwen2.embedding_length")),
    "a width of 2^31": ("damaged_file", key("embedding_length", 2**31)),
    "no feed-forward": ("damaged_file", without("qwen2.feed_forward_length")),
    "0 heads": ("damaged_file", key("attention.head_count", 0)),
    "heads that do not divide the width": ("damaged_file", key("attention.head_count", 5)),
    "heads that the tensors do not have": ("damaged_file", key("attention.head_count", 8)),
    "heads for other blocks": ("damaged_file", keys("qwen2.attention.head_count", [4, 4, 4])),
    "0 key heads": ("damaged_file", key("attention.head_count_kv", 0)),
    "key heads that do not divide": ("damaged_file", key("attention.head_count_kv", 3)),
    "a key length of 0": ("damaged_file", key("attention.key_length", 0)),
    "keys longer than values": ("damaged_file", key("attention.key_length", 32)),
    "an odd rotation": ("damaged_file", key("rope.dimension_count", 15)),
    "a rotation beyond the head": ("damaged_file", key("rope.dimension_count", 64)),
    "an epsilon below 0": ("damaged_file", key("attention.layer_norm_rms_epsilon", -1.0, Kind.FLOAT32)),
    "an epsilon that is no number": (
        "damaged_file",
        key("attention.layer_norm_rms_epsilon", float("nan"), Kind.FLOAT32),
    ),
    "an infinite frequency": ("damaged_file", key("rope.freq_base", float("inf"), Kind.FLOAT32)),
    "a rotation that nobody knows": ("damaged_file", key("rope.scaling.type", "magic", Kind.STRING)),
    "a rotation named by a number": ("damaged_file", key("rope.scaling.type", 7)),
    "groups of no experts": ("damaged_file", key("expert_group_count", 1)),
    "100,000 experts": ("damaged_file", key("expert_count", 100_000)),
    "more experts used than there are": ("damaged_file", key("expert_used_count", 2)),
    "no vocabulary": ("damaged_file", without("tokenizer.ggml.tokens")),
    "an empty vocabulary": ("damaged_file", keys("tokenizer.ggml.tokens", [], Kind.STRING)),
    "tokens that are numbers": ("damaged_file", keys("tokenizer.ggml.tokens", [1] * 320, Kind.INT32)),
    "a vocabulary that is a number": ("damaged_file", key("tokenizer.ggml.tokens", 320)),
    "a token twice": ("damaged_file", keys("tokenizer.ggml.tokens", [*map(str, range(319)), "7"], Kind.STRING)),
    "a token twice as C reads it": (
        "damaged_file",
        keys("tokenizer.ggml.tokens", [*map(str, range(319)), "7\0seven"], Kind.STRING),
    ),
    "fewer tokens than rows": ("damaged_file", keys("tokenizer.ggml.tokens", [*map(str, range(300))], Kind.STRING)),
    "fewer types than tokens": ("damaged_file", keys("tokenizer.ggml.token_type", [1] * 319, Kind.INT32)),
    "types that are floats": ("damaged_file", keys("tokenizer.ggml.token_type", [1.0] * 320, Kind.FLOAT32)),
    "more scores than tokens": ("damaged_file", keys("tokenizer.ggml.scores", [0.0] * 321, Kind.FLOAT32)),
    "merges that are numbers": ("damaged_file", keys("tokenizer.ggml.merges", [1, 2], Kind.INT32)),
    "a SentencePiece vocabulary without bytes": ("damaged_file", key("tokenizer.ggml.model", "llama", Kind.STRING)),
    "an unknown tokenizer": ("unsupported_architecture", key("tokenizer.ggml.model", "magic", Kind.STRING)),
    "no tokenizer": ("unsupported_architecture", without("tokenizer.ggml.model")),
    "a norm in F16": ("damaged_file", retyped("output_norm.weight", 1, 128)),
    "a bias in BF16": ("damaged_file", retyped("blk.0.attn_q.bias", 30, 128)),
    "a matrix of integers": ("damaged_file", retyped("blk.0.ffn_up.weight", 26, 64 * 64 * 4)),
    "a tensor of block 99": ("damaged_file", tensor("blk.1.ffn_up.weight", called=b"blk.99.ffn_up.weight")),
}

LATENT: dict[str, tuple[str, str, Change]] = {
    "no key length": ("deepseek2", "damaged_file", without(f"{DEEP}.key_length")),
    "a key length that is not rank and rotation": ("deepseek2", "damaged_file", key(f"{DEEP}.key_length", 64)),
    "more than one latent head": ("deepseek2", "damaged_file", without(f"{DEEP}.head_count_kv")),
    "only half of the latent lengths": ("deepseek2", "damaged_file", without(f"{DEEP}.value_length_mla")),
    "a rank of 0": ("deepseek2", "damaged_file", key(f"{DEEP}.kv_lora_rank", 0)),
    "more experts used": ("deepseek2", "damaged_file", key("deepseek2.expert_used_count", 5)),
    "none of the experts used": ("deepseek2", "damaged_file", key("deepseek2.expert_used_count", 0)),
    "groups that do not divide the experts": ("deepseek2", "damaged_file", key("deepseek2.expert_group_count", 3)),
    "as many groups as experts": ("deepseek2", "damaged_file", key("deepseek2.expert_group_count", 4)),
    "groups of which none is used": ("deepseek2", "damaged_file", key("deepseek2.expert_group_count", 2)),
    "an unknown choice of experts": ("deepseek2", "damaged_file", key("deepseek2.expert_gating_func", 77)),
    "attention scaled by no length": (
        "deepseek2",
        "damaged_file",
        key(f"{DEEP}.temperature_scale", 0.1, Kind.FLOAT32),
    ),
    "more dense blocks than blocks": ("deepseek2", "damaged_file", key("deepseek2.leading_dense_block_count", 3)),
    "an old file with few key heads": ("legacy", "damaged_file", key(f"{DEEP}.head_count_kv", 2)),
    "an old file without rotation": ("legacy", "damaged_file", without("deepseek2.rope.dimension_count")),
}
