"""llama-bench's two loops over `llama_decode`, in this process: for turns so short that the machine changes little
between them (tools/llama-bench/llama-bench.cpp of llama.cpp: `test_prompt`, `test_gen`).
"""

import ctypes
import random
import time
from pathlib import Path

import llama_cpp as llama

from tests.kit import peers


class LlamaLoop:
    """The weights of `model` once more, and a context for each loop, as llama-bench makes them; on the processor.
    Tokens a second come out."""

    def __init__(self, model: Path, *, threads: int, prompt: int, generate: int, mapped: bool) -> None:
        options = llama.llama_model_default_params()
        options.n_gpu_layers, options.use_mmap = 0, mapped
        loaded = llama.llama_model_load_from_file(str(model).encode(), options)
        assert loaded is not None
        self._model = loaded
        self._size = peers.vocabulary(model)
        self._reading, self._speaking = (self._context(n, threads) for n in (prompt, generate))
        self._prompt, self._generate = prompt, generate
        self._chance = random.Random(2)

    def prefill(self) -> float:
        return self._timed(self._reading, 1, self._prompt)

    def decode(self) -> float:
        return self._timed(self._speaking, self._generate, 1)

    def close(self) -> None:
        for context in (self._reading, self._speaking):
            llama.llama_free(context)
        llama.llama_model_free(self._model)

    def _context(self, size: int, threads: int) -> llama.llama_context_p:
        options = llama.llama_context_default_params()
        options.n_ctx, options.n_batch, options.n_ubatch = size, 2048, 512
        options.n_threads = options.n_threads_batch = threads
        context = llama.llama_init_from_model(self._model, options)
        assert context is not None
        return context

    def _timed(self, context: llama.llama_context_p, steps: int, count: int) -> float:
        memory = llama.llama_get_memory(context)
        assert memory is not None
        llama.llama_memory_clear(memory, True)
        batches = [
            (ctypes.c_int32 * count)(*(self._chance.randrange(self._size) for _ in range(count))) for _ in range(steps)
        ]
        begun = time.perf_counter()
        for tokens in batches:
            code = llama.llama_decode(context, llama.llama_batch_get_one(tokens, count))
            assert code == 0, code
            llama.llama_synchronize(context)
        return steps * count / (time.perf_counter() - begun)
