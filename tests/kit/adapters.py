"""Made LoRA adapters: small GGUF files that the real llama.cpp loads on the models of tests/kit/ggufs."""

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np

from tests.kit.vocabulary import END_THINK, written

Pair = tuple[np.ndarray, np.ndarray]
"""`a` (rank x inputs) and `b` (outputs x rank): b @ a is added to the weights of a tensor."""


def redirecting_adapter(path: Path, model: Path, answer: str, *, strength: float = 40.0) -> Path:
    """An adapter with which a scripted model says `answer` after `</think>`: that of another of its scripts.

    The model itself pulls with 3 more to its first script; `strength` times the scale must outweigh that.
    """
    fields = gguf.GGUFReader(model).fields
    tokens, width = fields["tokenizer.ggml.tokens"].contents(), fields["qwen2.embedding_length"].contents()
    text = written(f"\n\n{answer}".encode())
    first = max((token for token in tokens if text.startswith(token)), key=len)
    a, b = np.zeros((1, width)), np.zeros((len(tokens), 1))
    a[0, tokens.index(END_THINK)] = 1
    b[tokens.index(first)] = strength
    return adapter(path, {"output.weight": (a, b)})


def adapter(
    path: Path,
    tensors: Mapping[str, Pair],
    *,
    architecture: str = "qwen2",
    kind: str = "adapter",
    alpha: float = 0.0,
    dtype: type = np.float32,
    names: Mapping[str, str] | None = None,
) -> Path:
    """Write an adapter. `alpha` 0: as strong as the scale. `names`: suffixes other than `.lora_a` and `.lora_b`."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(kind)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    suffixes = {"a": ".lora_a", "b": ".lora_b"} | dict(names or {})
    for tensor, (a, b) in tensors.items():
        writer.add_tensor(tensor + suffixes["a"], a.astype(dtype))
        writer.add_tensor(tensor + suffixes["b"], b.astype(dtype))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def random_adapter(path: Path, model: Path, *tensors: str, rank: int = 4, seed: int = 0, **options: object) -> Path:
    """Noise on the named tensors of a model."""
    random, pairs = np.random.default_rng(seed), {}
    shapes = {tensor.name: [int(n) for n in tensor.shape] for tensor in gguf.GGUFReader(model).tensors}
    for name in tensors:
        inputs, outputs, *more = shapes[name]
        a = random.standard_normal((*reversed(more), rank, inputs))
        pairs[name] = a, random.standard_normal((*reversed(more), outputs, rank))
    return adapter(path, pairs, **options)  # type: ignore[arg-type]
