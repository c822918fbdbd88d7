"""Models at their real shapes: real keys, tensors, quants and vocabulary sizes; the weights are holes, or noise.

    path = shaped_model(folder / "m.gguf", REAL["r1-distill-qwen-7b"])            # 4.7 GB of which 6 MB are on the disk
    path = shaped_model(folder / "m.gguf", REAL["v3"].small(), weights="noise")   # loads and computes

Sizes are those of the published files to a per cent: the mix of types is that of llama.cpp's quantiser for Q4_K_M
(or Q8_0, F16, and MXFP4 for V4's experts with Q8_0 for the rest).
"""

import functools
import struct
from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
from gguf import GGML_QUANT_SIZES
from gguf import GGMLQuantizationType as Quant

from tests.kit.headers import Draft, Entry, Kind, TensorInfo, array, scalar
from tests.kit.real_models import Real
from tests.kit.vocabulary import BOS, EOS, Vocabulary

Mix = Literal["Q4_K_M", "Q8_0", "F16", "MXFP4"]
Weights = Literal["holes", "noise"]
_FILE_TYPES: dict[Mix, int] = {"Q4_K_M": 15, "Q8_0": 7, "F16": 1, "MXFP4": 38}
_ALIGNMENT = 32


def shaped_model(path: Path, model: Real, mix: Mix = "Q4_K_M", *, weights: Weights = "holes") -> Path:
    """Write it; with `holes` only the header takes room on the disk, and reads as zeros behind it."""
    if model.ratios and mix == "Q4_K_M":
        mix = "MXFP4"
    listed = [(name, dimensions, kind_of(model, mix, name, dimensions)) for name, dimensions in tensors(model)]
    infos, end = [], 0
    for name, dimensions, kind in listed:
        infos.append(TensorInfo(name.encode(), list(dimensions), int(kind), end))
        end += -(-size_of(dimensions, kind) // _ALIGNMENT) * _ALIGNMENT
    head = Draft(dict(_entries(model, mix)), infos, b"").header()
    head += bytes(-len(head) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(head)
        if weights == "noise":
            noise = np.random.default_rng(0)
            for info, (_, dimensions, kind) in zip(infos, listed, strict=True):
                file.seek(len(head) + info.offset)
                for part in _noise(noise, size_of(dimensions, kind), kind):
                    file.write(part)
        file.truncate(len(head) + end)
    return path


def size_of(dimensions: Iterable[int], kind: Quant) -> int:
    """Bytes of a tensor."""
    block, size = GGML_QUANT_SIZES[kind]
    return prod(dimensions) // block * size


# ---- what is in the file


def tensors(model: Real) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and dimensions as llama.cpp counts them, the row first; in the order of its converter."""
    yield "token_embd.weight", (model.width, model.vocabulary)
    if model.architecture == "bert":
        yield from _bert_ends(model)
    else:
        yield "output_norm.weight", (model.width,)
        if not model.tied:
            yield "output.weight", (model.width, model.vocabulary)
    if model.ratios:
        yield "output_hc_fn.weight", (4 * model.width, 4)
        yield "output_hc_base.weight", (4,)
        yield "output_hc_scale.weight", (1,)
    for number in range(model.layers):
        block = f"blk.{number}."
        for name, dimensions in _block(model, number):
            yield block + name, dimensions


def _block(model: Real, number: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    if model.architecture == "bert":
        yield from _bert(model)
    elif model.ratios:
        yield from _v4(model, number)
    else:
        yield "attn_norm.weight", (model.width,)
        yield "ffn_norm.weight", (model.width,)
        yield from _latent(model) if model.kv_rank else _plain(model)
        if model.experts and number >= model.dense:
            yield from _experts(model)
        else:
            yield from _feed_forward(model.width, model.ff, "weight")


def _plain(model: Real) -> Iterator[tuple[str, tuple[int, ...]]]:
    for part, heads in (("q", model.heads), ("k", model.kv_heads), ("v", model.kv_heads)):
        yield f"attn_{part}.weight", (model.width, heads * model.head)
        if model.architecture == "qwen2":
            yield f"attn_{part}.bias", (heads * model.head,)
        if model.architecture == "qwen3" and part != "v":
            yield f"attn_{part}_norm.weight", (model.head,)
    yield "attn_output.weight", (model.heads * model.head, model.width)


def _latent(model: Real) -> Iterator[tuple[str, tuple[int, ...]]]:
    key = model.head + model.rope
    if model.q_rank:
        yield "attn_q_a.weight", (model.width, model.q_rank)
        yield "attn_q_a_norm.weight", (model.q_rank,)
        yield "attn_q_b.weight", (model.q_rank, model.heads * key)
    else:
        yield "attn_q.weight", (model.width, model.heads * key)
    yield "attn_kv_a_mqa.weight", (model.width, model.kv_rank + model.rope)
    yield "attn_kv_a_norm.weight", (model.kv_rank,)
    if model.mla:
        yield "attn_k_b.weight", (model.head, model.kv_rank, model.heads)
        yield "attn_v_b.weight", (model.kv_rank, model.value, model.heads)
    else:
        yield "attn_kv_b.weight", (model.kv_rank, model.heads * (model.head + model.value))
    yield "attn_output.weight", (model.heads * model.value, model.width)
    if model.indexer:
        yield "indexer.k_norm.weight", (128,)
        yield "indexer.k_norm.bias", (128,)
        yield "indexer.proj.weight", (model.width, model.indexer)
        yield "indexer.attn_k.weight", (model.width, 128)
        yield "indexer.attn_q_b.weight", (model.q_rank, model.indexer * 128)


def _experts(model: Real) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "ffn_gate_inp.weight", (model.width, model.experts)
    if model.architecture != "deepseek2" or model.experts > 160:
        yield "exp_probs_b.bias", (model.experts,)
    for part in ("gate", "up"):
        yield f"ffn_{part}_exps.weight", (model.width, model.expert_ff, model.experts)
    yield "ffn_down_exps.weight", (model.expert_ff, model.width, model.experts)
    for name, dimensions in _feed_forward(model.width, model.expert_ff * model.shared, "weight"):
        yield name.replace(".", "_shexp."), dimensions


def _feed_forward(width: int, ff: int, end: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"ffn_gate.{end}", (width, ff)
    yield f"ffn_up.{end}", (width, ff)
    yield f"ffn_down.{end}", (ff, width)


def _v4(model: Real, number: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    width, head, groups, rank = model.width, model.head, 8, 1024
    yield "attn_norm.weight", (width,)
    yield "attn_sinks.weight", (model.heads,)
    yield "attn_q_a.weight", (width, model.q_rank)
    yield "attn_q_a_norm.weight", (model.q_rank,)
    yield "attn_q_b.weight", (model.q_rank, model.heads * head)
    yield "attn_kv.weight", (width, head)
    yield "attn_kv_a_norm.weight", (head,)
    yield "attn_output_a.weight", (model.heads * head // groups, rank * groups)
    yield "attn_output_b.weight", (groups * rank, width)
    for part in ("attn", "ffn"):
        yield f"hc_{part}_fn.weight", (4 * width, 24)
        yield f"hc_{part}_base.weight", (24,)
        yield f"hc_{part}_scale.weight", (3,)
    ratio = model.ratios[number]
    if ratio:
        wide = head * (2 if ratio == 4 else 1)
        yield "attn_compressor_kv.weight", (width, wide)
        yield "attn_compressor_gate.weight", (width, wide)
        yield "attn_compressor_ape.weight", (wide, ratio)
        yield "attn_compressor_norm.weight", (head,)
    if ratio == 4:
        yield "indexer.proj.weight", (width, model.indexer)
        yield "indexer.attn_q_b.weight", (model.q_rank, model.indexer * 128)
        yield "indexer_compressor_kv.weight", (width, 256)
        yield "indexer_compressor_gate.weight", (width, 256)
        yield "indexer_compressor_ape.weight", (256, ratio)
        yield "indexer_compressor_norm.weight", (128,)
    yield "ffn_norm.weight", (width,)
    if number < model.hashed:
        yield "ffn_gate_tid2eid.weight", (model.used, model.vocabulary)
    for name, dimensions in _experts(model):
        if name != "exp_probs_b.bias" or number >= model.hashed:
            yield name, dimensions


def _bert_ends(model: Real) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "token_types.weight", (model.width, 1)
    yield "position_embd.weight", (model.width, model.context)
    yield "token_embd_norm.weight", (model.width,)
    yield "token_embd_norm.bias", (model.width,)
    if model.classes:
        yield "cls.weight", (model.width, model.width)
        yield "cls.bias", (model.width,)
        yield "cls.output.weight", (model.width, 1)
        yield "cls.output.bias", (1,)


def _bert(model: Real) -> Iterator[tuple[str, tuple[int, ...]]]:
    width = model.width
    for part in ("q", "k", "v", "output"):
        yield f"attn_{part}.weight", (width, width)
        yield f"attn_{part}.bias", (width,)
    for name, one, two in (("up", width, model.ff), ("down", model.ff, width)):
        yield f"ffn_{name}.weight", (one, two)
        yield f"ffn_{name}.bias", (two,)
    for name in ("attn_output_norm", "layer_output_norm"):
        yield f"{name}.weight", (width,)
        yield f"{name}.bias", (width,)


# ---- in which type


def kind_of(model: Real, mix: Mix, name: str, dimensions: tuple[int, ...]) -> Quant:
    """What llama.cpp's quantiser makes of it: more bits for half of the values and the ways down."""
    part = name.split(".", 2)[-1] if name.startswith("blk.") else name
    if part.startswith("ffn_gate_tid2eid"):
        return Quant.I32
    plain = ("norm", "bias", "hc_", "sinks", "ffn_gate_inp", "_ape", "token_types", "position_embd", "cls.")
    if len(dimensions) == 1 or any(word in part for word in plain):
        return Quant.F32
    if mix == "F16":
        return Quant.F16
    if mix == "MXFP4":
        kind = Quant.MXFP4 if "_exps" in part else Quant.Q8_0
    elif mix == "Q8_0":
        kind = Quant.Q8_0
    else:
        kind = _q4_k_m(model, name, part)
    return _that_divides(kind, dimensions[0])


def _q4_k_m(model: Real, name: str, part: str) -> Quant:
    if name == "output.weight" or (name == "token_embd.weight" and model.tied):
        return Quant.Q6_K
    if part.startswith(("attn_v.", "ffn_down", "attn_v_b", "attn_kv_b")):
        number, eighth = int(name.split(".")[1]), model.layers // 8
        if number < eighth or number >= 7 * model.layers // 8 or (number - eighth) % 3 == 2:
            return Quant.Q6_K
        if part.startswith("attn_v.") and model.layers == 80:
            return Quant.Q5_K
    return Quant.Q4_K


def _that_divides(kind: Quant, row: int) -> Quant:
    """Rows that are not a multiple of 256 take the type beside it; those that are none of 32 are not quantised."""
    if row % GGML_QUANT_SIZES[kind][0] == 0:
        return kind
    beside = {Quant.Q4_K: Quant.Q5_0, Quant.Q5_K: Quant.Q5_1, Quant.Q6_K: Quant.Q8_0}.get(kind, Quant.F16)
    return beside if row % GGML_QUANT_SIZES[beside][0] == 0 else Quant.F16


# ---- keys


def _entries(model: Real, mix: Mix) -> Iterator[tuple[str, Entry]]:
    def entry(kind: Kind, value: Any) -> Entry:
        if isinstance(value, (list, tuple)):
            return Entry(int(Kind.ARRAY), array(kind, list(value)))
        return Entry(int(kind), scalar(kind, value))

    yield "general.architecture", entry(Kind.STRING, model.architecture)
    yield "general.name", entry(Kind.STRING, f"Shaped {model.architecture}")
    yield "general.file_type", entry(Kind.UINT32, _FILE_TYPES[mix])
    yield "general.quantization_version", entry(Kind.UINT32, 2)
    for key, value in _numbers(model).items():
        kinds = {bool: Kind.BOOL, float: Kind.FLOAT32, str: Kind.STRING}
        kind = Kind.UINT32 if isinstance(value, tuple) else kinds.get(type(value), Kind.UINT32)
        yield f"{model.architecture}.{key}", entry(kind, value)
    yield from _vocabulary(model.architecture == "bert", model.pre, model.vocabulary, model.merges or model.vocabulary)


def _numbers(model: Real) -> dict[str, Any]:
    found: dict[str, Any] = {
        "block_count": model.layers,
        "context_length": model.context,
        "embedding_length": model.width,
        "feed_forward_length": model.ff,
        "attention.head_count": model.heads,
        "vocab_size": model.vocabulary,
    }
    if model.pooling:
        found["pooling_type"] = model.pooling
    if model.architecture == "bert":
        return found | {"attention.layer_norm_epsilon": 1e-5, "attention.causal": False}
    found |= {"attention.layer_norm_rms_epsilon": 1e-6, "rope.freq_base": 10000.0}
    key, value, kv_heads, rope = model.head, model.value or model.head, model.kv_heads, model.rope or model.head
    if model.kv_rank:
        key, value, kv_heads = model.head + model.rope, model.value, model.heads
        found["attention.kv_lora_rank"] = model.kv_rank
        if model.mla:
            found |= {"attention.key_length_mla": key, "attention.value_length_mla": value}
            key, value, kv_heads = model.kv_rank + model.rope, model.kv_rank, 1
    found |= {
        "attention.head_count_kv": kv_heads,
        "attention.key_length": key,
        "attention.value_length": value,
        "rope.dimension_count": rope,
    }
    if model.q_rank:
        found["attention.q_lora_rank"] = model.q_rank
    if model.experts:
        found |= {
            "expert_count": model.experts,
            "expert_used_count": model.used,
            "expert_shared_count": model.shared,
            "expert_feed_forward_length": model.expert_ff,
            "expert_weights_scale": 2.5,
            "expert_weights_norm": True,
            "leading_dense_block_count": model.dense,
            "expert_gating_func": 4 if model.ratios else 2 if model.experts > 160 else 1,
        }
    if model.indexer:
        found |= {
            "attention.indexer.head_count": model.indexer,
            "attention.indexer.key_length": 128,
            "attention.indexer.top_k": model.top_k,
        }
    if model.ratios:
        found |= {
            "attention.sliding_window": 128,
            "attention.output_group_count": 8,
            "attention.output_lora_rank": 1024,
            "attention.compress_rope_freq_base": 160000.0,
            "attention.compress_ratios": model.ratios,
            "hyper_connection.count": 4,
            "hyper_connection.sinkhorn_iterations": 20,
            "hyper_connection.epsilon": 1e-6,
            "hash_layer_count": model.hashed,
            "swiglu_clamp_exp": 10.0,
        }
    return found


@functools.cache
def _vocabulary(bert: bool, pre: str, size: int, merges: int) -> tuple[tuple[str, Entry], ...]:
    def texts(values: Iterable[str]) -> Entry:
        encoded = [value.encode() for value in values]
        joined = b"".join(struct.pack("<Q", len(value)) + value for value in encoded)
        return Entry(int(Kind.ARRAY), struct.pack("<IQ", int(Kind.STRING), len(encoded)) + joined)

    def number(value: int) -> Entry:
        return Entry(int(Kind.UINT32), struct.pack("<I", value))

    def text(value: str) -> Entry:
        return Entry(int(Kind.STRING), scalar(Kind.STRING, value))

    if bert:
        tokens = ["<s>", "<pad>", "</s>", "<unk>", *(f"▁w{n}" for n in range(size - 4))]
        kinds = [3, 3, 3, 2, *[1] * (size - 4)]
        scores = np.linspace(0, -20, size, dtype="<f4").tobytes()
        return (
            ("tokenizer.ggml.model", text("t5")),
            ("tokenizer.ggml.tokens", texts(tokens)),
            ("tokenizer.ggml.token_type", _signed(kinds)),
            ("tokenizer.ggml.scores", Entry(int(Kind.ARRAY), struct.pack("<IQ", int(Kind.FLOAT32), size) + scores)),
            ("tokenizer.ggml.token_type_count", number(1)),
            ("bert.token_type_count", number(1)),
            *((f"tokenizer.ggml.{name}_token_id", number(n)) for n, name in enumerate(("bos", "padding", "eos"))),
            ("tokenizer.ggml.unknown_token_id", number(3)),
        )
    vocabulary = Vocabulary.make(size=size)
    return (
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text(pre)),
        ("tokenizer.ggml.tokens", texts(vocabulary.tokens)),
        ("tokenizer.ggml.token_type", _signed([int(kind) for kind in vocabulary.types])),
        ("tokenizer.ggml.merges", texts(f"left{n} right{n}" for n in range(merges))),
        ("tokenizer.ggml.bos_token_id", number(vocabulary.special(BOS))),
        ("tokenizer.ggml.eos_token_id", number(vocabulary.special(EOS))),
        ("tokenizer.ggml.padding_token_id", number(vocabulary.special(EOS))),
    )


def _signed(values: list[int]) -> Entry:
    packed = np.array(values, dtype="<i4").tobytes()
    return Entry(int(Kind.ARRAY), struct.pack("<IQ", int(Kind.INT32), len(values)) + packed)


# ---- weights that can be computed with

_SCALES = {  # kind -> where a block has its factors in f16, so that no noise is an infinity there
    Quant.Q4_K: (0, 2), Quant.Q5_K: (0, 2), Quant.Q6_K: (208,), Quant.Q8_0: (0,), Quant.Q5_0: (0,), Quant.Q5_1: (0, 2),
}  # fmt: skip
_PART = 64 << 20  # bytes


def _noise(random: np.random.Generator, size: int, kind: Quant) -> Iterator[bytes]:
    width = GGML_QUANT_SIZES[kind][1]
    count, part = size // width, max(1, _PART // width)
    for begin in range(0, count, part):
        rows = min(part, count - begin)
        if kind == Quant.F32:
            yield np.ones(rows, "<f4").tobytes()
        elif kind == Quant.F16:
            yield (random.standard_normal(rows, dtype=np.float32) * 0.02).astype("<f2").tobytes()
        elif kind == Quant.I32:
            yield random.integers(0, 4, rows, dtype=np.int32).astype("<i4").tobytes()
        else:
            made = np.frombuffer(bytearray(random.bytes(rows * width)), np.uint8).reshape(rows, width)
            for at in _SCALES.get(kind, ()):
                made[:, at : at + 2] = np.frombuffer(np.float16(2e-4).tobytes(), np.uint8)
            if kind == Quant.MXFP4:
                made[:, 0] = 115  # 2 to the power of -12
            yield made.tobytes()
