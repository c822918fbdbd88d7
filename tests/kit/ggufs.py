"""Made models: small GGUF files that the real llama.cpp loads and runs.

A *scripted* model says a known text, token by token, at any temperature:

    scripted_model(path, reasoning="Let me think.", answer="你好。")

It is a qwen2, or a qwen3, of one block. Embeddings are one-hot, the feed-forward part is zero, and the output row of a
token has its weight in the column of the token that comes before it: each token calls exactly the next
one. The prompt's last token starts the chain: the newline after `<think>`, `<think>`, `</think>`, or
`<｜Assistant｜>`. With more scripts, one attention head looks back for the word that picks one of them;
`<｜User｜>` is such a word too and stands for the first script, so that only the last question counts
(in chats of up to 9,000 tokens; a q8_0 cache wants some twenty tokens between the two).

A *random* model has random weights in any shape; its speed and memory are those of a real model of that
shape. Greedy decoding never ends it: the rows of the special tokens are zero.

The same arguments give the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Quant

from tests.kit.vocabulary import ASSISTANT, BOS, CONTROL, END_THINK, EOS, THINK, USER, Vocabulary, cut

_TEMPLATES = Path(__file__).parent / "templates"
R1_TEMPLATE = (_TEMPLATES / "deepseek-r1.jinja").read_text(encoding="utf-8")
R1_JANUARY_TEMPLATE = R1_TEMPLATE.replace("<｜Assistant｜><think>\\n'", "<｜Assistant｜>'")  # does not open <think>
R1_SWITCH_TEMPLATE = (_TEMPLATES / "deepseek-r1-switch.jinja").read_text(encoding="utf-8")
V31_TEMPLATE = (_TEMPLATES / "deepseek-v3.1.jinja").read_text(encoding="utf-8")
V32_TEMPLATE = (_TEMPLATES / "deepseek-v3.2.jinja").read_text(encoding="utf-8")
V4_TEMPLATE = (_TEMPLATES / "deepseek-v4.jinja").read_text(encoding="utf-8")

REASONING = "The user greets me. I should greet back, 用两种语言。"
ANSWER = "Hello! I am a **scripted** model.\n\n你好，我会说中文。"


@dataclass(frozen=True, slots=True)
class Script:
    """What the model says.

    `word` in the question picks this script (the first script needs none). `opens` False: it does not say
    `<think>` where the template leaves that to it. `closes` False: `</think>` never comes and the answer is
    not reached. `endless`: begins again instead of stopping. `torn`: tokens end inside Chinese characters.
    """

    reasoning: str = REASONING
    answer: str = ANSWER
    word: str = ""
    opens: bool = True
    closes: bool = True
    endless: bool = False
    torn: bool = False


def scripted_model(
    path: Path,
    reasoning: str = REASONING,
    answer: str = ANSWER,
    *,
    template: str | None = R1_TEMPLATE,
    context: int = 32768,
    slow: int = 0,
    opens: bool = True,
    closes: bool = True,
    endless: bool = False,
    torn: bool = False,
    scripts: Sequence[Script] = (),
    architecture: Literal["qwen2", "qwen3"] = "qwen2",
    name: str = "Scripted R1",
    heard: bool = False,
    breaks: bool = False,
    spelt: bool = False,
) -> Path:
    """Write a model that says `reasoning`, `</think>` and `answer`; `scripts` are others, picked by their word.

    `slow`: MiB of idle weights that every token must read (200 is some 20 ms a token). Without reasoning
    the model says `</think>` at once. Pieces of all scripts are unique, so texts must not be too alike.
    `heard`: where a prompt has words of the scripts they are the same tokens, so that an answer may quote it. `breaks`:
    an empty line is one token, and calls the answer: thinking can be closed. `spelt`: `</think>` is no token of a text.
    """
    first = Script(reasoning, answer, "", opens, closes, endless, torn)
    chain = _Chain([first, *scripts], heard, breaks, spelt)
    vocabulary, size = chain.vocabulary, len(chain.vocabulary.tokens)
    width = -(-(size + len(chain.scripts)) // 64) * 64
    ff = max(64, slow * 2**20 // (3 * 2 * width) // 64 * 64)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(ff)
    writer.add_head_count(width // _HEAD)
    writer.add_head_count_kv(1)
    writer.add_rope_freq_base(_ROPE_BASE)
    writer.add_layer_norm_rms_eps(1e-6)
    vocabulary.write(writer, template)

    def add(tensor: str, values: np.ndarray) -> None:
        writer.add_tensor(tensor, values.astype(np.float32 if values.ndim == 1 else np.float16))

    embedding = np.zeros((size, width))
    embedding[np.arange(size), np.arange(size)] = 1
    add("token_embd.weight", embedding)
    add("output_norm.weight", np.ones(width))
    add("output.weight", chain.output(width))
    add("blk.0.attn_norm.weight", np.ones(width))
    for tensor, values in chain.attention(width).items():
        add(f"blk.0.{tensor}.weight", values)
        if tensor != "attn_output" and architecture == "qwen2":
            add(f"blk.0.{tensor}.bias", np.zeros(len(values)))
    for part in ("q", "k") if architecture == "qwen3" else ():  # norms leave only directions: their lengths stand here
        add(f"blk.0.attn_{part}_norm.weight", np.full(_HEAD, (3 * _SCORE / _HEAD**0.5) ** 0.5))
    add("blk.0.ffn_norm.weight", np.ones(width))
    add("blk.0.ffn_gate.weight", np.zeros((ff, width), np.float16))
    add("blk.0.ffn_up.weight", np.zeros((ff, width), np.float16))
    add("blk.0.ffn_down.weight", np.zeros((width, ff), np.float16))
    return _written(writer, path)


_BREAK = "\n\n"
_HEAD = 64
_ROPE_BASE = 1e6
_FAR, _STILL = 17, 31  # rope pairs: 17 turns 6.5e-4 rad a token and measures distance, 31 hardly turns
_SCORE = 1500.0  # of a picking word; nearer ones score up to 0.7 a token more
_PICK, _START, _BIAS = 8.0, 6.0, 3.0  # residual of a picked script; output weights


class _Chain:
    """Which token calls which: starts (token, script) -> token, and links token -> token."""

    def __init__(self, scripts: Sequence[Script], heard: bool, breaks: bool, spelt: bool) -> None:
        self.scripts, self._breaks = list(scripts), breaks
        taken = {bytes([byte]) for byte in range(256)}
        texts = []
        for script in scripts:
            reasoning = script.reasoning + ("\n" if script.reasoning and script.closes else "")
            answer = ("\n\n" if script.closes else "") + script.answer
            texts.append((cut(reasoning, taken, script.torn), cut(answer, taken, script.torn)))
        pieces = [piece for pair in texts for part in pair for piece in part]
        words = [script.word for script in scripts if script.word] + ([_BREAK] if breaks else [])
        self.vocabulary = Vocabulary.make(pieces, words, heard=heard, spelt=spelt)
        self.links: list[tuple[int, int]] = []
        self.starts: list[tuple[int, int, int]] = []  # start token, script, first token
        for number, (script, (reasoning, answer)) in enumerate(zip(scripts, texts, strict=True)):
            self._link(number, script, reasoning, answer)

    def _link(self, number: int, script: Script, reasoning: list[bytes], answer: list[bytes]) -> None:
        think, end_think, eos, assistant = map(self.vocabulary.special, (THINK, END_THINK, EOS, ASSISTANT))
        thoughts = [self.vocabulary.piece(piece) for piece in reasoning]
        words = [self.vocabulary.piece(piece) for piece in answer]
        begin = thoughts[0] if thoughts else end_think
        self.links += pairwise(thoughts)
        self.links += pairwise(words)
        if thoughts:
            self.links.append((thoughts[-1], end_think if script.closes else thoughts[0] if script.endless else eos))
        if words:
            self.links.append((words[-1], words[0] if script.endless else eos))
        self.starts += [
            (self.vocabulary.piece(b"\n"), number, begin),
            (think, number, begin),
            (end_think, number, words[0] if words else eos),
            (assistant, number, think if script.opens and thoughts else begin if thoughts else words[0]),
        ]
        if self._breaks:
            self.starts.append((self.vocabulary.special(_BREAK), number, words[0] if words else eos))

    def output(self, width: int) -> np.ndarray:
        """Row of a token: what calls it. The first script needs no word, the others need theirs."""
        size = len(self.vocabulary.tokens)
        rows = np.zeros((size, width))
        for token, following in self.links:
            rows[following, token] = 2
        for start, script, following in self.starts:
            rows[following, start] = max(rows[following, start], _START + (_BIAS if script == 0 else 0))
            if script:
                rows[following, size + script] = 2
        return rows

    def attention(self, width: int) -> dict[str, np.ndarray]:
        """Weights of the one head that looks back for the picking words; the residual is one-hot, normed to √width."""
        size, gain = len(self.vocabulary.tokens), width**0.5
        query, key = np.zeros((width, width)), np.zeros((_HEAD, width))
        value, output = np.zeros((_HEAD, width)), np.zeros((width, width))
        strength = (_SCORE * _HEAD**0.5) ** 0.5 / gain
        starts = {start for start, _, _ in self.starts}
        for token in range(size):
            if token in starts:
                query[_STILL, token] = strength * 2**0.5
                query[_FAR, token] = query[_FAR + _HEAD // 2, token] = strength * 0.5**0.5
            else:
                query[_STILL + _HEAD // 2, token] = strength  # rests on the first token
        key[_STILL + _HEAD // 2, self.vocabulary.special(BOS)] = strength
        words = {self.vocabulary.special(USER): 0}
        words |= {self.vocabulary.special(s.word): n for n, s in enumerate(self.scripts) if s.word}
        for token, script in words.items():
            key[_STILL, token] = strength * 2**0.5
            key[_FAR, token] = strength
            if script:
                value[script, token] = 1 / gain
                output[size + script, script] = _PICK
        return {"attn_q": query, "attn_k": key, "attn_v": value, "attn_output": output}


@dataclass(frozen=True, slots=True)
class Shape:
    """A random model's shape. `head`: dimensions of one head. Experts only where the architecture has them."""

    layers: int = 2
    width: int = 128
    heads: int = 4
    kv_heads: int = 2
    head: int = 32
    ff: int = 256
    vocabulary: int = 512
    context: int = 4096
    experts: int = 4  # deepseek2: of which 2 are used, after one dense layer
    kv_rank: int = 64
    rope: int = 32
    mla: bool = True  # False: as the deepseek2 files of before April 2025


BENCH_SHAPE = Shape(layers=12, width=768, heads=12, kv_heads=4, head=64, ff=3072, vocabulary=32000, context=32768)


def random_model(
    path: Path,
    architecture: str = "qwen2",
    *,
    shape: Shape | None = None,
    quant: Quant = Quant.F16,
    template: str | None = R1_TEMPLATE,
    seed: int = 0,
    name: str = "",
    pre: str = "",
) -> Path:
    """Write a model with random weights: qwen2, qwen3, llama or deepseek2 in `shape`. `pre`: how text is split.

    `BENCH_SHAPE` in Q8_0 is the 153M model of the benchmarks (163 MB).
    """
    shape = shape or Shape()
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(name or f"Random {architecture}")
    file_types = {Quant.F16: gguf.LlamaFileType.MOSTLY_F16, Quant.Q8_0: gguf.LlamaFileType.MOSTLY_Q8_0}
    writer.add_file_type(file_types.get(quant, gguf.LlamaFileType.ALL_F32))
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ff)
    writer.add_head_count(shape.heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(shape.vocabulary)
    vocabulary = Vocabulary.make(size=shape.vocabulary)
    vocabulary.write(writer, template, pre or ("llama-bpe" if architecture == "llama" else "deepseek-r1-qwen"))
    tensors = _mla(writer, shape) if architecture == "deepseek2" else dense(writer, architecture, shape)
    tensors |= {
        "token_embd.weight": (shape.vocabulary, shape.width),
        "output.weight": (shape.vocabulary, shape.width),
        "output_norm.weight": (shape.width,),
    }
    random = np.random.default_rng(seed)
    for tensor, dimensions in tensors.items():
        if len(dimensions) == 1:
            values = np.zeros(dimensions, np.float32) if tensor.endswith("bias") else np.ones(dimensions, np.float32)
            writer.add_tensor(tensor, values)
            continue
        values = random.standard_normal(dimensions, dtype=np.float32) * np.float32(dimensions[-1] ** -0.5)
        if tensor == "output.weight":
            values[[vocabulary.special(token) for token in (*CONTROL, THINK, END_THINK)]] = 0
        kind = Quant.F32 if tensor.endswith("ffn_gate_inp.weight") else quant
        writer.add_tensor(tensor, gguf.quants.quantize(values, kind), raw_dtype=kind)
    return _written(writer, path)


def dense(writer: gguf.GGUFWriter, architecture: str, shape: Shape) -> dict[str, tuple[int, ...]]:
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head)
    writer.add_key_length(shape.head)
    writer.add_value_length(shape.head)
    tensors: dict[str, tuple[int, ...]] = {}
    for block in (f"blk.{n}." for n in range(shape.layers)):
        tensors |= _block(block, shape)
        for part, heads in (("q", shape.heads), ("k", shape.kv_heads), ("v", shape.kv_heads)):
            tensors[f"{block}attn_{part}.weight"] = (heads * shape.head, shape.width)
            if architecture == "qwen2":
                tensors[f"{block}attn_{part}.bias"] = (heads * shape.head,)
            if architecture == "qwen3" and part != "v":
                tensors[f"{block}attn_{part}_norm.weight"] = (shape.head,)
        tensors[f"{block}attn_output.weight"] = (shape.width, shape.heads * shape.head)
    return tensors


def _mla(writer: gguf.GGUFWriter, shape: Shape) -> dict[str, tuple[int, ...]]:
    """deepseek2 as V2-Lite has it: no query rank, one dense layer, then experts with one shared."""
    key, expert_ff = shape.head + shape.rope, shape.ff // 2
    writer.add_kv_lora_rank(shape.kv_rank)
    writer.add_q_lora_rank(shape.kv_rank)
    writer.add_rope_dimension_count(shape.rope)
    writer.add_leading_dense_block_count(1)
    writer.add_expert_count(shape.experts)
    writer.add_expert_used_count(2)
    writer.add_expert_shared_count(1)
    writer.add_expert_feed_forward_length(expert_ff)
    writer.add_expert_weights_scale(1.0)
    if shape.mla:
        writer.add_head_count_kv(1)
        writer.add_key_length(shape.kv_rank + shape.rope)
        writer.add_value_length(shape.kv_rank)
        writer.add_key_length_mla(key)
        writer.add_value_length_mla(shape.head)
    else:
        writer.add_head_count_kv(shape.heads)
        writer.add_key_length(key)
        writer.add_value_length(shape.head)
    tensors: dict[str, tuple[int, ...]] = {}
    for n, block in enumerate(f"blk.{n}." for n in range(shape.layers)):
        common = _block(block, shape)
        tensors |= common if n == 0 else {name: size for name, size in common.items() if "norm" in name}
        if n > 0:
            tensors[f"{block}ffn_gate_inp.weight"] = (shape.experts, shape.width)
            for part in ("gate", "up"):
                tensors[f"{block}ffn_{part}_exps.weight"] = (shape.experts, expert_ff, shape.width)
                tensors[f"{block}ffn_{part}_shexp.weight"] = (expert_ff, shape.width)
            tensors[f"{block}ffn_down_exps.weight"] = (shape.experts, shape.width, expert_ff)
            tensors[f"{block}ffn_down_shexp.weight"] = (shape.width, expert_ff)
        tensors[f"{block}attn_q_a.weight"] = (shape.kv_rank, shape.width)
        tensors[f"{block}attn_q_a_norm.weight"] = (shape.kv_rank,)
        tensors[f"{block}attn_q_b.weight"] = (shape.heads * key, shape.kv_rank)
        tensors[f"{block}attn_kv_a_mqa.weight"] = (shape.kv_rank + shape.rope, shape.width)
        tensors[f"{block}attn_kv_a_norm.weight"] = (shape.kv_rank,)
        if shape.mla:
            tensors[f"{block}attn_k_b.weight"] = (shape.heads, shape.kv_rank, shape.head)
            tensors[f"{block}attn_v_b.weight"] = (shape.heads, shape.head, shape.kv_rank)
        else:
            tensors[f"{block}attn_kv_b.weight"] = (shape.heads * 2 * shape.head, shape.kv_rank)
        tensors[f"{block}attn_output.weight"] = (shape.width, shape.heads * shape.head)
    return tensors


def _block(block: str, shape: Shape) -> dict[str, tuple[int, ...]]:
    return {
        f"{block}attn_norm.weight": (shape.width,),
        f"{block}ffn_norm.weight": (shape.width,),
        f"{block}ffn_gate.weight": (shape.ff, shape.width),
        f"{block}ffn_up.weight": (shape.ff, shape.width),
        f"{block}ffn_down.weight": (shape.width, shape.ff),
    }


def _written(writer: gguf.GGUFWriter, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
