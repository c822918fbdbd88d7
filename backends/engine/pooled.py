"""A model that turns texts into vectors, or pairs into scores: many texts in one batch, one row a text.

Three ways lead to the row of a text:

`encoder`   No cache (BERT and its kind): every token sees every other, so that a text is computed whole, in one
            `llama_encode`. llama.cpp keeps a row of logits for every token of it, which nobody writes or reads.
`hidden`    A chat model's shape with last-token pooling (Qwen3 Embedding). llama.cpp's own pooling wants every
            token's logits, which takes two thirds of the time and 4 bytes a token and word. So the context is made as
            for chat, only the last token of a text is asked for, and the row is taken where it comes out of the last
            norm, which is the vector that pooling would give. The matrix of the vocabulary is not multiplied at all.
`pooled`    Anything else with a cache: llama.cpp pools.

With a cache a text may be longer than a batch, except where all of its tokens count (mean): it is computed in slices.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backends.engine import native
from backends.engine.context import Batch, stop_flag
from backends.engine.embedding import Pooling
from backends.engine.native import LoadFailed, Model

POOLINGS: tuple[Pooling | None, ...] = (None, "mean", "cls", "last", "rank")  # as enum llama_pooling_type counts
_ABORTED = 2
_HIDDEN = b"result_norm"
_CAUSAL = "%s.attention.causal"
_PROBABILITIES = ("qwen3", "qwen3vl")  # llama.cpp gives the softmax of their two classes


class Interrupted(Exception):
    """`interrupt` was called: nothing came of this batch."""


@dataclass(frozen=True, slots=True)
class PooledOptions:
    """`context`: the longest text. `batch`: so many tokens are computed together, of at most `texts` texts."""

    pooling: Pooling
    context: int
    batch: int
    texts: int
    threads: int


class PooledContext:
    """Made for a Model, closed before it. Raises LoadFailed if there is no room."""

    def __init__(self, model: Model, options: PooledOptions) -> None:
        self._native = native.library()
        llama = self._llama = self._native.llama
        self.options = options
        self._width: int = llama.llama_model_n_embd_out(model.handle)
        self._interrupt = ctypes.create_string_buffer(2)
        self._seen: Any = llama.ggml_backend_sched_eval_callback(self._on_node)
        self._rows: list[bytes] = []
        self.handle: Any = None
        self.is_probability = model.architecture in _PROBABILITIES
        whole = options.pooling in ("mean", "cls") or model.metadata(_CAUSAL % model.architecture) == "false"
        tried = [("hidden", whole)] if options.pooling == "last" and _is_plain(llama, model) else []
        for way, at_once in (*tried, ("pooled", whole), ("pooled", True)):
            self.way = way
            self._make(model, at_once)
            self.is_whole = at_once
            if self._suits(way, at_once) and self._warm_up():
                return
            self.close()
        raise LoadFailed

    def _make(self, model: Model, whole: bool) -> None:
        llama, options = self._llama, self.options
        params = llama.llama_context_default_params()
        longest = max(options.context, options.batch) if whole else options.batch
        # Every sequence has the same share of the largest batch: with a remainder mean pooling ends the process.
        params.n_batch = params.n_ubatch = -(-longest // options.texts) * options.texts
        params.n_ctx = max(options.context, params.n_batch)
        params.n_seq_max = options.texts
        params.n_threads = params.n_threads_batch = options.threads
        params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_AUTO
        params.kv_unified = True
        params.swa_full = False
        params.no_perf = True
        params.abort_callback = llama.ggml_abort_callback(stop_flag())
        params.abort_callback_data = ctypes.cast(self._interrupt, ctypes.c_void_p)
        if self.way == "hidden":
            params.n_outputs_max = options.texts
            params.pooling_type = 0
            params.cb_eval = self._seen
        else:
            params.embeddings = True
            params.pooling_type = POOLINGS.index(options.pooling)
        self.handle = llama.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise LoadFailed
        self._memory = llama.llama_get_memory(self.handle)
        if not self._memory and self.way == "pooled":
            self.way = "encoder"
        self._batch = Batch(llama, llama.llama_n_batch(self.handle), options.texts, options.texts, params.n_ctx)

    def _suits(self, way: str, whole: bool) -> bool:
        """Without a cache nothing can be computed in slices, and the hidden way needs one."""
        return bool(self._memory) or (whole and way == "pooled")

    @property
    def dimensions(self) -> int:
        return self._width

    @property
    def at_once(self) -> int:
        """Tokens that are computed together at most; a longer text in slices, unless `is_whole`."""
        return self._batch.size

    @property
    def most(self) -> int:
        """Tokens of the texts of one `compute`: a longer text is computed alone."""
        return self.options.batch

    def use_threads(self, count: int) -> None:
        self._llama.llama_set_n_threads(self.handle, count, count)

    def compute(self, texts: Sequence[Sequence[int]]) -> list[bytes]:
        """A row of float32 for each text (of tokens), as the model gives it; for pooling "rank" the score comes first.

        At most `options.texts` texts of together `most` tokens, or one of at most `options.context`. Raises
        Interrupted; RuntimeError if llama.cpp fails.
        """
        if self._memory:
            self._llama.llama_memory_clear(self._memory, False)
        self._rows.clear()
        sizes = [len(text) for text in texts]
        if sum(sizes) <= self._batch.size:
            self._fill(texts, 0, True)
            self._run()
        else:
            (text,) = texts
            for begin in range(0, len(text), self._batch.size):
                part = text[begin : begin + self._batch.size]
                self._fill([part], begin, begin + len(part) == len(text))
                self._run()
        if self.way == "hidden":
            if len(self._rows) != len(texts):
                raise RuntimeError("the last norm was not seen")
            return list(self._rows)
        return [self._row(number) for number in range(len(texts))]

    def _fill(self, texts: Sequence[Sequence[int]], position: int, wanted: bool) -> None:
        self._batch.clear()
        for number, text in enumerate(texts):
            self._batch.add_slice(text, position, number, wanted)
        if self.way != "hidden":  # llama.cpp wants every token's row, and warns where that is not said
            ctypes.memset(self._batch.struct.logits, 1, self._batch.count)

    def _run(self) -> None:
        call = self._llama.llama_encode if self.way == "encoder" else self._llama.llama_decode
        code = call(self.handle, self._batch.struct)
        if code == _ABORTED:
            raise Interrupted
        if code != 0:
            raise RuntimeError(f"llama.cpp gave {code}")

    def _row(self, number: int) -> bytes:
        pointer = self._llama.llama_get_embeddings_seq(self.handle, number)
        if not pointer:
            raise RuntimeError("llama.cpp has no vector for a text")
        width = 1 if self.options.pooling == "rank" else self._width
        return ctypes.string_at(pointer, width * ctypes.sizeof(ctypes.c_float))

    def _on_node(self, node: int, ask: bool, _: object) -> bool:
        """ggml asks of every node whether it is to be shown, and shows it when it is computed. False then: what comes
        after it need not be computed."""
        base = self._native.base
        if base.ggml_get_name(node) != _HIDDEN:
            return False
        if ask:
            return True
        size, row = base.ggml_nbytes(node), self._width * ctypes.sizeof(ctypes.c_float)
        rows = ctypes.create_string_buffer(size)
        base.ggml_backend_tensor_get(node, rows, 0, size)
        self._rows += [rows.raw[at : at + row] for at in range(0, size, row)]
        return False

    def _warm_up(self) -> bool:
        """Compute two texts of one token and forget them."""
        count = min(2, self.options.texts)
        try:
            return len(self.compute([[0]] * count)) == count
        except RuntimeError:
            return False

    def rearm(self) -> None:
        """Forget an earlier `interrupt`."""
        self._interrupt.raw = b"\0\0"

    def interrupt(self) -> None:
        """Let `compute` raise Interrupted (where the CPU computes), from now until `rearm`. From any thread."""
        self._interrupt.raw = b"\1\0"

    def close(self) -> None:
        if self.handle:
            self._llama.llama_free(self.handle)
            self.handle = None


def _is_plain(llama: Any, model: Model) -> bool:
    """Nothing comes between the last norm and the vector."""
    return llama.llama_model_n_embd_out(model.handle) == llama.llama_model_n_embd(model.handle)
