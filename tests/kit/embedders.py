"""Made embedders and rerankers, of random weights, and what llama.cpp makes of a file when it reads a text with it.

`random_bert` is shaped as BGE M3 is: BERT with the Unigram vocabulary of XLM-R (`tokenizer.ggml.model` "t5"), or with a
WordPiece one ("bert"); or as Nomic Embed is. `random_qwen3` is shaped as Qwen3 Embedding, or as Qwen3 Reranker.
"""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Quant

from backends.engine import native
from tests.kit.ggufs import Shape, dense
from tests.kit.vocabulary import Vocabulary

ENDOFTEXT, IM_START, IM_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
RERANK = f"{IM_START}user\n<Query>: {{query}}\n<Document>: {{document}}{IM_END}\n{IM_START}assistant\n"
LETTERS = "▁abcdefghijklmnopqrstuvwxyz.,?0123456789的一是不了人我在有他"
QUESTION = "where is the cat? 猫在哪里 ＡＢ"


def charsmap(replacement: bytes = b"A\0") -> bytes:
    """A table that makes "A" of the wide "Ａ" (EF BC A1): a double array with one branch."""
    units = [0] * 1280
    units[0] = 256 << 10
    here = 256
    for letter, block in ((0xEF, 512), (0xBC, 768), (0xA1, 1024)):
        index = here ^ letter
        units[index] = letter | (index ^ block) << 10 | (1 << 8 if letter == 0xA1 else 0)
        here = block
    units[1024] = 1 << 31
    return struct.pack("<I1280I", 4 * len(units), *units) + replacement


def random_bert(
    path: Path,
    *,
    architecture: Literal["bert", "nomic-bert"] = "bert",
    tokenizer: Literal["t5", "bert"] = "t5",
    pooling: gguf.PoolingType | None = gguf.PoolingType.CLS,
    ranks: bool = False,
    layers: int = 2,
    width: int = 64,
    heads: int = 4,
    ff: int = 128,
    context: int = 512,
    name: str = "Random BERT",
    seed: int = 0,
) -> Path:
    """Write a BERT; `ranks`: with the head of a reranker."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(ff)
    writer.add_head_count(heads)
    writer.add_layer_norm_eps(1e-5)
    writer.add_causal_attention(False)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    size = _unigram(writer) if tokenizer == "t5" else _word_piece(writer)
    matrices = {"token_embd": (size, width)}
    if architecture == "bert":
        matrices["position_embd"] = (context, width)
    vectors = {"token_embd_norm.weight": width, "token_embd_norm.bias": width}
    for block in (f"blk.{n}" for n in range(layers)):
        square = {f"attn_{part}": (width, width) for part in ("q", "k", "v", "output")}
        for part, shape in (square | {"ffn_up": (ff, width), "ffn_down": (width, ff)}).items():
            matrices[f"{block}.{part}"] = shape
            vectors[f"{block}.{part}.bias"] = shape[0]
        if architecture == "nomic-bert":
            matrices[f"{block}.ffn_gate"] = (ff, width)
        for part in ("attn_output_norm", "layer_output_norm"):
            vectors[f"{block}.{part}.weight"] = vectors[f"{block}.{part}.bias"] = width
    if ranks:
        matrices |= {"cls": (width, width), "cls.output": (1, width)}
        vectors |= {"cls.bias": width, "cls.output.bias": 1}
    random = np.random.default_rng(seed)
    for part, shape in matrices.items():
        values = random.standard_normal(shape, dtype=np.float32) * np.float32(shape[-1] ** -0.5)
        writer.add_tensor(f"{part}.weight", values.astype(np.float16))
    writer.add_tensor("token_types.weight", random.standard_normal((1, width), dtype=np.float32))
    for part, length in vectors.items():
        writer.add_tensor(part, (np.zeros if part.endswith("bias") else np.ones)(length, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def random_qwen3(
    path: Path,
    *,
    pooling: gguf.PoolingType | None = gguf.PoolingType.LAST,
    ranks: bool = False,
    shape: Shape | None = None,
    name: str = "Random Qwen3 Embedding",
) -> Path:
    """Write a qwen3 whose EOS is that of a chat, as in older files; `ranks`: with two classes and a template."""
    shape = shape or Shape(vocabulary=560)
    base = Vocabulary.make(size=shape.vocabulary - 3)
    kinds = (*base.types, *[gguf.TokenType.CONTROL] * 3)
    vocabulary = Vocabulary((*base.tokens, ENDOFTEXT, IM_START, IM_END), kinds)
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ff)
    writer.add_head_count(shape.heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(shape.vocabulary)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    vocabulary.write(writer, None, "qwen2")
    del writer.kv_data[0]["tokenizer.ggml.add_bos_token"]
    writer.add_add_bos_token(False)
    tensors = {"token_embd.weight": (shape.vocabulary, shape.width), "output_norm.weight": (shape.width,)}
    tensors |= dense(writer, "qwen3", shape)
    if ranks:
        writer.add_classifier_output_labels(["yes", "no"])
        writer.add_chat_template([{"name": "rerank", "template": RERANK}])
        tensors["cls.output.weight"] = (2, shape.width)
    random = np.random.default_rng(0)
    for tensor, dimensions in tensors.items():
        values = random.standard_normal(dimensions, dtype=np.float32) * np.float32(dimensions[-1] ** -0.5)
        if len(dimensions) == 1:
            writer.add_tensor(tensor, np.ones(dimensions, np.float32))
        else:
            writer.add_tensor(tensor, gguf.quants.quantize(values, Quant.F16), raw_dtype=Quant.F16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


class Reference:
    """llama.cpp asked directly, one text at a time: what a vector has to be.

    `pooling` as llama.cpp counts: 0 gives a row for every token.
    """

    def __init__(self, path: Path, pooling: int, context: int = 512) -> None:
        self._llama = native.library().llama
        self._model = native.Model(path, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True)
        self._vocabulary = self._llama.llama_model_get_vocab(self._model.handle)
        self._width = self._llama.llama_model_n_embd_out(self._model.handle)
        self._pooling = pooling
        params = self._llama.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = context
        params.n_threads = params.n_threads_batch = 1
        params.embeddings, params.pooling_type = True, pooling
        self._context = self._llama.llama_init_from_model(self._model.handle, params)

    def tokens(self, text: str, *, framed: bool = True, special: bool = False) -> list[int]:
        data = text.encode()
        ids = (self._llama.llama_token * (len(data) + 8))()
        arguments = (self._vocabulary, data, len(data), ids, len(ids), framed, special)
        return ids[: self._llama.llama_tokenize(*arguments)]

    def rows(self, tokens: Sequence[int]) -> np.ndarray:
        """Of every token (pooling 0), or the one of the text."""
        llama, count = self._llama, len(tokens)
        if memory := llama.llama_get_memory(self._context):
            llama.llama_memory_clear(memory, True)
        batch = llama.llama_batch_init(count, 0, 1)
        batch.n_tokens = count
        for n, token in enumerate(tokens):
            batch.token[n], batch.pos[n], batch.n_seq_id[n], batch.logits[n] = token, n, 1, 1
            batch.seq_id[n][0] = 0
        assert llama.llama_decode(self._context, batch) == 0
        llama.llama_batch_free(batch)
        if self._pooling:
            width = 1 if self._pooling == gguf.PoolingType.RANK else self._width
            return np.array(llama.llama_get_embeddings_seq(self._context, 0)[:width], np.float32)
        found = [llama.llama_get_embeddings_ith(self._context, n)[: self._width] for n in range(count)]
        return np.array(found, np.float32)

    def close(self) -> None:
        self._llama.llama_free(self._context)
        self._model.close()


_PEER = """
import json, sys
from llama_cpp import Llama
path, texts = json.loads(sys.argv[1])
model = Llama(path, embedding=True, n_ctx=256, n_batch=256, n_ubatch=256, n_gpu_layers=0, n_threads=1, verbose=False)
print(json.dumps([model.embed(text, normalize=True) for text in texts]))
"""


def peer_vectors(path: Path, texts: Sequence[str]) -> np.ndarray:
    """What the high-level `Llama.embed` of llama-cpp-python gives for each text, in a process of its own."""
    asked = json.dumps([str(path), list(texts)])
    done = subprocess.run([sys.executable, "-c", _PEER, asked], capture_output=True, text=True, timeout=300, check=True)
    return np.array(json.loads(done.stdout), np.float32)


def _unigram(writer: gguf.GGUFWriter) -> int:
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    types = [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.UNKNOWN] + [gguf.TokenType.NORMAL] * len(LETTERS)
    writer.add_tokenizer_model("t5")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*special, *LETTERS])
    writer.add_token_scores([0.0] * 4 + [-float(n + 1) for n in range(len(LETTERS))])
    writer.add_token_types([int(kind) for kind in types])
    writer.add_token_type_count(1)
    writer.add_add_space_prefix(True)
    writer.add_remove_extra_whitespaces(True)
    writer.add_precompiled_charsmap(charsmap())
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(3)
    writer.add_sep_token_id(2)
    writer.add_pad_token_id(1)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    return len(special) + len(LETTERS)


def _word_piece(writer: gguf.GGUFWriter) -> int:
    tokens = ["[PAD]", *(f"[unused{n}]" for n in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += [f"▁{letter}" for letter in LETTERS[1:]] + list(LETTERS[1:])
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in special else 1 for token in tokens])
    writer.add_token_type_count(1)
    return len(tokens)


_CODE = """
import ctypes, sys
import llama_cpp as llama
silent = llama.llama_log_callback(lambda *_: None)
llama.llama_log_set(silent, ctypes.c_void_p(0))
llama.llama_backend_init()
pooling, text = int(sys.argv[1]), sys.argv[2].encode()
for path in sys.stdin.read().splitlines():
    print(">", flush=True)
    options = llama.llama_model_default_params()
    options.n_gpu_layers = 0
    model = llama.llama_model_load_from_file(path.encode(), options)
    if not model:
        print("refused", flush=True)
        continue
    options = llama.llama_context_default_params()
    options.n_ctx = options.n_batch = options.n_ubatch = 256
    options.n_threads, options.embeddings, options.pooling_type = 1, True, pooling
    context = llama.llama_init_from_model(model, options)
    if context:
        tokens = (llama.llama_token * 256)()
        vocabulary = llama.llama_model_get_vocab(model)
        count = llama.llama_tokenize(vocabulary, text, len(text), tokens, 256, True, False)
        ended = llama.llama_decode(context, llama.llama_batch_get_one(tokens, count)) if count > 0 else -1
        vector = llama.llama_get_embeddings_seq(context, 0) if ended == 0 else None
        print("reads" if vector and vector[0] == vector[0] else "fails", flush=True)
        llama.llama_free(context)
    else:
        print("refused", flush=True)
    llama.llama_model_free(model)
"""


def readings(paths: Sequence[Path], *, pooling: int = -1, text: str = QUESTION) -> list[str]:
    """`reads`, `fails`, `refused` or `died` for every file: loaded, a text turned into tokens and into a vector.

    `pooling` as llama.cpp counts; -1: as the file says.
    """
    found: list[str] = []
    while len(found) < len(paths):
        done = subprocess.run(
            [sys.executable, "-c", _CODE, str(pooling), text],
            input="\n".join(map(str, paths[len(found) :])),
            capture_output=True,
            text=True,
            errors="replace",
            env=os.environ | {"GGML_NO_BACKTRACE": "1"},
            timeout=300,
            check=False,
        )
        answers = [line for line in done.stdout.splitlines() if line in (">", "reads", "fails", "refused")]
        found += [answer for answer in answers if answer != ">"]
        if done.returncode == 0:
            break
        if answers.count(">") == len(answers) - answers.count(">"):
            raise RuntimeError(f"the child ended outside of a file: {done.stderr[-500:]}")
        found.append("died")
    return found
