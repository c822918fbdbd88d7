"""The memory of a loaded model: the KV cache, and the one batch that is decoded in it."""

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backends.engine.native import LoadFailed, Model, library
from backends.engine.protocol import KvType

_KV_TYPES: dict[KvType, int] = {"f16": 1, "q8_0": 8}  # enum ggml_type
_FULL, _ABORTED = 1, 2  # llama_decode()


class CacheFull(RuntimeError):
    """There are not enough free cells for the batch. Nothing changed."""


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
        params.abort_callback = llama.ggml_abort_callback(stop_flag())
        params.abort_callback_data = ctypes.cast(self._interrupt, ctypes.c_void_p)
        self.handle: Any = llama.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise LoadFailed
        self.kv_type: KvType = options.kv_type
        self.flash_attention = True  # else, values lie transposed in the cache; whoever made it looks at the log
        self._memory = llama.llama_get_memory(self.handle)
        self.size: int = llama.llama_n_ctx(self.handle)
        self._vocabulary = model.vocabulary.size
        self.batch = Batch(
            llama, min(options.batch, llama.llama_n_batch(self.handle)), options.outputs, options.sequences, self.size
        )

    def decode(self) -> bool:
        """Compute the batch. False: it was interrupted, and what was not computed is not in the cache.

        CacheFull if there is no room. RuntimeError if llama.cpp fails; the cache is then to be cleared.
        """
        if self.batch.outputs > self.batch.outputs_max:
            raise AssertionError("a batch with more outputs than the context was made for ends the process")
        code = self._llama.llama_decode(self.handle, self.batch.struct)
        if code == _FULL:
            raise CacheFull("the cache is full")
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

    def share(self, source: int, target: int, length: int) -> None:
        """Let an empty sequence begin with the first `length` tokens of another, in the same cells. Only where
        abilities say so: elsewhere this ends the process."""
        self._llama.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def clear(self) -> None:
        """Forget everything."""
        self._llama.llama_memory_clear(self._memory, True)

    def held(self, sequence: int) -> int:
        """How many tokens of a sequence are in the cache."""
        return self._llama.llama_memory_seq_pos_max(self._memory, sequence) + 1

    def state_size(self, sequence: int) -> int:
        """Bytes of `state`, 0 if there is none."""
        return self._llama.llama_state_seq_get_size(self.handle, sequence)

    def state(self, sequence: int) -> bytearray | None:
        """All that the cache holds of a sequence, whatever device it is on; some GB a second. None: there is none."""
        data = bytearray(self.state_size(sequence))
        done = self._llama.llama_state_seq_get_data(self.handle, _bytes(data), len(data), sequence) if data else 0
        return data if done and done == len(data) else None

    def restore(self, sequence: int, data: bytearray) -> bool:
        """Let a sequence hold what `state` gave, of this or another context made alike. False: there is no room, or it
        was not made alike; the sequence is then empty."""
        self.cut(sequence, 0)
        if self._llama.llama_state_seq_set_data(self.handle, _bytes(data), len(data), sequence) == len(data):
            return True
        self.cut(sequence, 0)
        return False

    def close(self) -> None:
        if self.handle:
            self._llama.llama_free(self.handle)
            self.handle = None


def stop_flag() -> Any:
    """The address of C's strlen as the callback that ggml asks, between two operations, whether to stop.

    Its answer for "" is 0 and for "\\1" is 1, which is a flag that is read without Python: a callback in
    Python would take the interpreter's lock some hundred times a token.
    """
    library = ctypes.CDLL("msvcrt") if sys.platform == "win32" else ctypes.CDLL(None)
    address = ctypes.cast(library.strlen, ctypes.c_void_p).value
    assert address is not None
    return address


def _bytes(data: bytearray) -> Any:
    return (ctypes.c_uint8 * len(data)).from_buffer(data)


class Batch:
    """Tokens to be computed together: which, where, of which sequence, and whose logits are wanted.

    llama_batch in arrays of our own, so that a slice of a prompt is copied in and not counted in one by one.
    """

    def __init__(self, llama: Any, size: int, outputs_max: int, sequences: int, context: int) -> None:
        self.size, self.outputs_max = size, outputs_max
        self.outputs = 0
        number, row = ctypes.c_int32, ctypes.POINTER(ctypes.c_int32)
        self._tokens, self._positions, self._counts = (number * size)(), (number * size)(), (number * size)(*[1] * size)
        self._sequences, self._logits = (row * size)(), (ctypes.c_int8 * size)()
        self._ids = [(number * 1)(sequence) for sequence in range(sequences)]
        self._rows = [ctypes.cast(one, row) for one in self._ids]
        self._runs: list[Any] = [None] * sequences  # of each sequence, its id `size` times
        self._all_positions = (number * context)(*range(context))
        self.struct: Any = llama.llama_batch(
            0, self._tokens, None, self._positions, self._counts, self._sequences, self._logits
        )

    def clear(self) -> None:
        self.struct.n_tokens = self.outputs = 0

    @property
    def count(self) -> int:
        return self.struct.n_tokens

    @property
    def room(self) -> int:
        return self.size - self.struct.n_tokens

    def add(self, token: int, position: int, sequence: int, wanted: bool) -> int:
        """Append one token; returns its place, by which its logits are found."""
        n = self.struct.n_tokens
        self._tokens[n] = token
        self._positions[n] = position
        self._sequences[n] = self._rows[sequence]
        self._logits[n] = wanted
        self.struct.n_tokens = n + 1
        self.outputs += wanted
        return n

    def add_slice(self, tokens: Sequence[int], position: int, sequence: int, wanted: bool) -> int:
        """Append tokens in a row; `wanted`: the logits of the last. Returns the place of the last."""
        n, count = self.struct.n_tokens, len(tokens)
        if self._runs[sequence] is None:
            self._runs[sequence] = (ctypes.POINTER(ctypes.c_int32) * self.size)(*[self._rows[sequence]] * self.size)
        self._tokens[n : n + count] = tokens
        _copy(self._positions, n, self._all_positions, position, count)
        _copy(self._sequences, n, self._runs[sequence], 0, count)
        ctypes.memset(ctypes.byref(self._logits, n), 0, count)
        self._logits[n + count - 1] = wanted
        self.struct.n_tokens = n + count
        self.outputs += wanted
        return n + count - 1


def _copy(target: Any, at: int, source: Any, begin: int, count: int) -> None:
    size = ctypes.sizeof(target._type_)
    ctypes.memmove(ctypes.byref(target, at * size), ctypes.byref(source, begin * size), count * size)
