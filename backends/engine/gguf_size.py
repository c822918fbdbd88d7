"""How large a GGUF file will be, by the functions with which llama.cpp writes it."""

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.core.errors import EngineError
from backends.core.phrase import Phrase
from backends.engine import native

_ALIGNMENT = 32  # bytes; GGUF_DEFAULT_ALIGNMENT, which the quantiser uses whatever the source says
_QUANTISATION_VERSION = 2  # GGML_QNT_VERSION
_TYPES = 43  # GGML_TYPE_COUNT; nothing must be asked about a type beyond
_SPLIT = (b"split.no", b"split.count", b"split.tensors.count")


@dataclass(frozen=True, slots=True)
class Tensor:
    """`shape` with four numbers; `type` in the source and `wanted` in the result, as ggml calls them ("q4_K")."""

    name: str
    shape: tuple[int, ...]
    type: str
    wanted: str


class _InitParams(ctypes.Structure):
    """struct ggml_init_params"""

    _fields_ = (("mem_size", ctypes.c_size_t), ("mem_buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool))


class _GgufParams(ctypes.Structure):
    """struct gguf_init_params"""

    _fields_ = (("no_alloc", ctypes.c_bool), ("ctx", ctypes.c_void_p))


def file_size(source: Path, tensors: Sequence[Tensor], ftype: int) -> int:
    """Bytes of the file that the quantiser writes: the metadata of `source` and the tensors as they are wanted.

    EngineError `quantise_failed` if `source` cannot be read. For a child process: the file is not trusted.
    """
    base = _declared()
    types = _types(base)
    read = base.gguf_init_from_file(os.fsencode(source), _GgufParams(True, None))
    if not read:
        raise EngineError(Phrase(f"{source.name} cannot be read.", f"无法读取 {source.name}。"), code="quantise_failed")
    made = base.gguf_init_empty()
    memory = base.ggml_init(_InitParams((len(tensors) + 1) * base.ggml_tensor_overhead(), None, True))
    try:
        base.gguf_set_kv(made, read)
        base.gguf_set_val_u32(made, b"general.quantization_version", _QUANTISATION_VERSION)
        base.gguf_set_val_u32(made, b"general.file_type", ftype)
        for key in _SPLIT:
            base.gguf_remove_key(made, key)
        total = 0
        for number, tensor in enumerate(tensors):
            dimensions = (ctypes.c_int64 * 4)(*tensor.shape)
            new = base.ggml_new_tensor(memory, types[tensor.wanted], 4, dimensions)
            base.ggml_set_name(new, tensor.name.encode())
            base.gguf_add_tensor(made, new)
            total += -(-base.gguf_get_tensor_size(made, number) // _ALIGNMENT) * _ALIGNMENT
        return base.gguf_get_meta_size(made) + total
    finally:
        base.ggml_free(memory)
        base.gguf_free(made)
        base.gguf_free(read)


def _types(base: Any) -> dict[str, int]:
    """Number of a type by its name."""
    return {name.decode(): number for number in range(_TYPES) if (name := base.ggml_type_name(number))}


def _declared() -> Any:
    """Signatures out of gguf.h and ggml.h."""
    base = native.library().base
    pointer, text, size, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int64
    for name, result, arguments in (
        ("gguf_init_from_file", pointer, [text, _GgufParams]),
        ("gguf_init_empty", pointer, []),
        ("gguf_free", None, [pointer]),
        ("gguf_set_kv", None, [pointer, pointer]),
        ("gguf_set_val_u32", None, [pointer, text, ctypes.c_uint32]),
        ("gguf_remove_key", number, [pointer, text]),
        ("gguf_add_tensor", None, [pointer, pointer]),
        ("gguf_get_meta_size", size, [pointer]),
        ("gguf_get_tensor_size", size, [pointer, number]),
        ("ggml_init", pointer, [_InitParams]),
        ("ggml_free", None, [pointer]),
        ("ggml_new_tensor", pointer, [pointer, ctypes.c_int, ctypes.c_int, ctypes.POINTER(number)]),
        ("ggml_set_name", pointer, [pointer, text]),
        ("ggml_tensor_overhead", size, []),
        ("ggml_type_name", text, [ctypes.c_int]),
    ):
        function = getattr(base, name)
        function.restype, function.argtypes = result, arguments
    return base
