"""The memory of a loaded model: the KV cache, and the one batch that is decoded in it."""

import ctypes
import sys
from dataclasses import dataclass
from typing import Any

from backends.engine.native import LoadFailed, Model, library
from backends.engine.protocol import KvType

_KV_TYPES: dict[KvType, int] = {"f16": 1, "q8_0": 8}  # enum ggml_type
_ABORTED = 2  # llama_decode()


@dataclass(frozen=True, slots=True)
class ContextOptions:
    """`context` and `batch` in tokens. `outputs`: how many tokens of one batch may ask for logits."""

    context: int
    kv_type: KvType
    threads: int
    batch: int
    sequences: int = 1
    outputs: int = 1


class Context:
    """Made for a Model, closed before it. Raises LoadFailed if there is no room."""

    def __init__(self, model: Model, options: ContextOptions) -> None:
        llama = self._llama = library().llama
        self._interrupt = ctypes.create_string_buffer(2)  # "" or "\1"
        params = llama.llama_context_default_params()
        params.n_ctx = options.context
        params.n_batch = params.n_ubatch = options.batch
        params.n_seq_max = options.sequences
        params.n_outputs_max = options.outputs
        params.n_threads = params.n_threads_batch = options.threads
        params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_AUTO
        params.type_k = params.type_v = _KV_TYPES[options.kv_type]
        params.swa_full = False
        params.kv_unified = True
        params.no_perf = True
        params.abort_callback = llama.ggml_abort_callback(_strlen())
        params.abort_callback_data = ctypes.cast(self._interrupt, ctypes.c_void_p)
        self.handle: Any = llama.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise LoadFailed
        self.kv_type: KvType = options.kv_type
        self._memory = llama.llama_get_memory(self.handle)
        self.size: int = llama.llama_n_ctx(self.handle)
        self._vocabulary = model.vocabulary.size
        self.batch = Batch(llama, min(options.batch, llama.llama_n_batch(self.handle)), options.outputs)

    def decode(self) -> bool:
        """Compute the batch. False: it was interrupted, and what was not computed is not in the cache.

        RuntimeError if llama.cpp fails; the cache is then to be cleared.
        """
        if self.batch.outputs > self.batch.outputs_max:
            raise AssertionError("a batch with more outputs than the context was made for ends the process")
        code = self._llama.llama_decode(self.handle, self.batch.struct)
        if code not in (0, _ABORTED):
            raise RuntimeError(f"llama_decode gave {code}")
        return code == 0

    def warm_up(self, token: int) -> None:
        """Compute one token and forget it: GPUs compile their programs, maps are read. RuntimeError if that fails."""
        self.rearm()
        self.batch.clear()
        self.batch.add(token, 0, 0, True)
        self.decode()
        self.cut(0, 0)

    def logits(self, token: int, count: int) -> list[float]:
        """Compute `count` times the same token, at most a batch, and forget them (and all of sequence 0); the logits
        of the last one. RuntimeError if that fails."""
        while True:
            self.rearm()
            self.cut(0, 0)
            self.batch.clear()
            for position in range(count):
                self.batch.add(token, position, 0, position == count - 1)
            if self.decode():
                numbers = self._llama.llama_get_logits_ith(self.handle, count - 1)[: self._vocabulary]
                self.cut(0, 0)
                return numbers

    def exercise(self, token: int, prompt: int, answer: int) -> None:
        """Compute a prompt of so many tokens, at most a batch, and then tokens one by one. RuntimeError."""
        self.rearm()
        self.batch.clear()
        for position in range(prompt + answer):
            self.batch.add(token, position, 0, position >= prompt - 1)
            if position >= prompt - 1:
                self.decode()
                self.batch.clear()
        self.cut(0, 0)

    def rearm(self) -> None:
        """Forget an earlier `interrupt`."""
        self._interrupt.raw = b"\0\0"

    def interrupt(self) -> None:
        """Let `decode` return early (where the CPU computes), from now until `rearm`. From any thread."""
        self._interrupt.raw = b"\1\0"

    def cut(self, sequence: int, length: int) -> bool:
        """Forget all but the first `length` tokens of a sequence. False: this memory cannot; nothing changed."""
        return self._llama.llama_memory_seq_rm(self._memory, sequence, length, -1)

    def held(self, sequence: int) -> int:
        """How many tokens of a sequence are in the cache."""
        return self._llama.llama_memory_seq_pos_max(self._memory, sequence) + 1

    def close(self) -> None:
        if self.handle:
            self.batch.close()
            self._llama.llama_free(self.handle)
            self.handle = None


def _strlen() -> Any:
    """The address of C's strlen as the callback that ggml asks, between two operations, whether to stop.

    Its answer for "" is 0 and for "\\1" is 1, which is a flag that is read without Python: a callback in
    Python would take the interpreter's lock some hundred times a token.
    """
    library = ctypes.CDLL("msvcrt") if sys.platform == "win32" else ctypes.CDLL(None)
    address = ctypes.cast(library.strlen, ctypes.c_void_p).value
    assert address is not None
    return address


class Batch:
    """Tokens to be computed together: which, where, of which sequence, and whose logits are wanted."""

    def __init__(self, llama: Any, size: int, outputs_max: int) -> None:
        self._llama = llama
        self.size, self.outputs_max = size, outputs_max
        self.outputs = 0
        self.struct: Any = llama.llama_batch_init(size, 0, 1)
        self._tokens, self._positions = self.struct.token, self.struct.pos
        self._sequences, self._logits = self.struct.seq_id, self.struct.logits
        counts = self.struct.n_seq_id
        for n in range(size):
            counts[n] = 1

    def clear(self) -> None:
        self.struct.n_tokens = self.outputs = 0

    @property
    def room(self) -> int:
        return self.size - self.struct.n_tokens

    def add(self, token: int, position: int, sequence: int, wanted: bool) -> int:
        """Append one token; returns its place, by which its logits are found."""
        n = self.struct.n_tokens
        self._tokens[n] = token
        self._positions[n] = position
        self._sequences[n][0] = sequence
        self._logits[n] = wanted
        self.struct.n_tokens = n + 1
        self.outputs += wanted
        return n

    def close(self) -> None:
        self._llama.llama_batch_free(self.struct)
