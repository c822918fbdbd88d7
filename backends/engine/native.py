"""llama.cpp's C API, thinly. The only importer of llama_cpp; the import happens when it is first needed.

Every object here owns something of llama.cpp and frees it in `close()`. Only one thread, the engine's, may
touch a Model or Vocabulary (and the Context, Batch and Sampler built on them); `info()` may be asked by any.

What comes into the process (SEC-28): llama.cpp's own libraries, by absolute path, out of the folder of the
installed package. The variables by which an environment could add another one are dropped, and llama.cpp's
search in the current directory is never started.
"""

import ctypes
import functools
import importlib.util
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

from backends.engine.native_log import NativeLog
from backends.engine.protocol import EngineDevice, EngineInfo

DEVELOPER_VARIABLE = "DESKSEEK_DEVELOPER"
_DROPPED = ("GGML_BACKEND_PATH", "LLAMA_CPP_LIB_PATH")
_DEVICE_KINDS = {0: "cpu", 1: "gpu", 2: "igpu", 3: "accel"}  # enum ggml_backend_dev_type
_RUN = 500  # characters
_LOCK = threading.Lock()


class LoadFailed(Exception):
    """llama.cpp gave no model or no context; its log says why."""


@dataclass(frozen=True, slots=True)
class Library:
    """llama.cpp in this process. `kept` are the callbacks that C holds pointers to."""

    llama: Any  # the module llama_cpp.llama_cpp
    ggml: ctypes.CDLL  # devices
    base: ctypes.CDLL  # what a device is, buffer types, the abort callback
    log: NativeLog
    kept: list[object] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)  # devices that went away; asking their driver would end the process


def library() -> Library:
    """llama.cpp, ready for use. Raises ImportError, OSError or RuntimeError if the package is missing or broken."""
    with _LOCK:
        return _library()


@functools.cache
def _library() -> Library:
    if not os.environ.get(DEVELOPER_VARIABLE):
        for name in _DROPPED:
            os.environ.pop(name, None)
    import llama_cpp.llama_cpp as llama

    folder = Path(llama.__file__).resolve().parent / "lib"
    ggml, base = (_symbols(llama, folder, name) for name in ("ggml", "ggml-base"))
    log = NativeLog()
    receive = llama.llama_log_callback(lambda level, text, _: log.receive(level, text))
    llama.llama_log_set(receive, ctypes.c_void_p(0))
    _declare(ggml, base)
    if not ggml.ggml_backend_reg_count():  # else llama_backend_init() searches the current directory
        ggml.ggml_backend_load_all_from_path(os.fsencode(folder))
    llama.llama_backend_init()
    return Library(llama, ggml, base, log, [receive])


def load_light() -> None:
    """`library()` for a child process, in a third of the time: without the Python side of llama-cpp-python, which
    brings numpy and Jinja. Nothing but its C API can be imported in such a process."""
    if "llama_cpp" not in sys.modules and (spec := importlib.util.find_spec("llama_cpp")):
        sys.modules["llama_cpp"] = importlib.util.module_from_spec(spec)
    library()


def _symbols(llama: Any, folder: Path, name: str) -> ctypes.CDLL:
    """Where the functions of ggml are found: through libllama, whose dependencies they are.

    A wheel holds `libggml.so` and `libggml.so.0` as two files; opening the first one would bring a second
    ggml into the process, with devices and callbacks of its own. Windows has one file, and finds no symbols
    of dependencies.
    """
    return ctypes.CDLL(str(folder / f"{name}.dll")) if sys.platform == "win32" else llama._lib


def _declare(ggml: ctypes.CDLL, base: ctypes.CDLL) -> None:
    """Signatures out of ggml-backend.h and ggml.h."""
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for owner, name, result, arguments in (
        (ggml, "ggml_backend_reg_count", size, []),
        (ggml, "ggml_backend_load_all_from_path", None, [ctypes.c_char_p]),
        (ggml, "ggml_backend_dev_count", size, []),
        (ggml, "ggml_backend_dev_get", pointer, [size]),
        (base, "ggml_backend_dev_name", ctypes.c_char_p, [pointer]),
        (base, "ggml_backend_dev_description", ctypes.c_char_p, [pointer]),
        (base, "ggml_backend_dev_type", ctypes.c_int, [pointer]),
        (base, "ggml_backend_dev_memory", None, [pointer, pointer, pointer]),
        (base, "ggml_backend_cpu_buffer_type", pointer, []),
        (base, "ggml_set_abort_callback", pointer, [pointer]),
        (base, "ggml_get_name", ctypes.c_char_p, [pointer]),
        (base, "ggml_nbytes", size, [pointer]),
        (base, "ggml_backend_tensor_get", None, [pointer, pointer, size, size]),
    ):
        function = getattr(owner, name)
        function.restype, function.argtypes = result, arguments


def info() -> EngineInfo:
    """The version of llama-cpp-python, what ggml can compute on, instruction sets."""
    from llama_cpp import __version__ as version

    return EngineInfo(version, devices(), library().llama.llama_print_system_info().decode().strip(" |"))


def devices() -> tuple[EngineDevice, ...]:
    """What ggml can compute on now, but for what was `give_up`."""
    native, found = library(), []
    for number in range(native.ggml.ggml_backend_dev_count()):
        device, free, total = native.ggml.ggml_backend_dev_get(number), ctypes.c_size_t(), ctypes.c_size_t()
        name = native.base.ggml_backend_dev_name(device).decode()
        if name in native.lost:
            continue
        native.base.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
        found.append(
            EngineDevice(
                name=name,
                description=native.base.ggml_backend_dev_description(device).decode("utf-8", "replace").strip(),
                kind=_DEVICE_KINDS.get(native.base.ggml_backend_dev_type(device), "accel"),
                memory_total=total.value,
                memory_free=free.value,
            )
        )
    return tuple(found)


def give_up(names: Iterable[str]) -> None:
    """Devices that have gone (a card whose driver did not come back from sleep): none of them is asked or used again in
    this process. ggml lists what it found when it was loaded for ever, and ends the process if that does not answer."""
    library().lost.update(names)


def _device_list() -> Any:
    """The GPUs that are left, as llama.cpp wants them: a list that ends with nothing."""
    native, kept = library(), []
    for number in range(native.ggml.ggml_backend_dev_count()):
        device = native.ggml.ggml_backend_dev_get(number)
        kind = _DEVICE_KINDS.get(native.base.ggml_backend_dev_type(device))
        if kind in ("gpu", "igpu") and native.base.ggml_backend_dev_name(device).decode() not in native.lost:
            kept.append(device)
    return (ctypes.c_void_p * (len(kept) + 1))(*kept)


@functools.cache
def spread_over_nodes() -> None:
    """Let the threads of a machine with several memory nodes stay where their memory is. For good, in this process."""
    library().llama.llama_numa_init(library().llama.GGML_NUMA_STRATEGY_DISTRIBUTE)


def write_aborts_to(path: Path) -> None:
    """Before ggml ends the process (a failed assertion, a GPU out of memory), its last words go into `path`."""

    def write(message: bytes) -> None:
        with path.open("wb") as file:
            file.write(message)
            file.flush()
            os.fsync(file.fileno())

    callback = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(write)
    native = library()
    native.kept.append(callback)
    native.base.ggml_set_abort_callback(ctypes.cast(callback, ctypes.c_void_p))


class _Override(ctypes.Structure):
    """struct llama_model_tensor_buft_override"""

    _fields_ = (("pattern", ctypes.c_char_p), ("buft", ctypes.c_void_p))


class Model:
    """Weights and vocabulary. The constructor loads them and raises LoadFailed if llama.cpp refuses.

    `gpu_layers` -1 is all. `progress` is told 0..1 and says whether to go on. Of the first `experts_on_cpu`
    layers the expert tensors stay in main memory, wherever the layers are. `gpu_split`: how many of the offloaded
    layers (the output layer is the last) each GPU holds, in the order of `devices()`; empty: as llama.cpp likes.
    `mapped`: weights in main memory are used as they lie in the file, and not read into memory of their own. `locked`:
    the system may not move them to the disk (it may refuse, which the log tells). `tensor`: each of several GPUs gets a
    part of every layer, in the proportions of `gpu_split`.
    `mapped_only`: on the CPU, no GPU is as much as looked at, and the weights are used as they lie in the file.
    `no_alloc`: nothing but the header is read and nothing allocated; llama.cpp tells in its log what it would take.
    `vocabulary_only`: no weights, nothing can be computed.
    `parts`: all files of a split, where they are not beside `path` under their names.
    """

    def __init__(
        self,
        path: Path,
        *,
        gpu_layers: int,
        experts_on_cpu: int,
        progress: Callable[[float], bool],
        gpu_split: Sequence[int] = (),
        mapped: bool = True,
        locked: bool = False,
        tensor: bool = False,
        mapped_only: bool = False,
        no_alloc: bool = False,
        vocabulary_only: bool = False,
        parts: Sequence[Path] = (),
    ) -> None:
        native = library()
        self._llama = llama = native.llama
        callback = llama.llama_progress_callback(lambda fraction, _: progress(fraction))
        params = llama.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        params.progress_callback = callback
        chosen = _device_list() if native.lost and not mapped_only else (ctypes.c_void_p * 1)()  # which ends at once
        if mapped_only or native.lost:
            params.devices = ctypes.cast(chosen, ctypes.c_void_p)
        params.use_extra_bufts = not mapped_only
        if locked:
            params.load_mode = llama.LLAMA_LOAD_MODE_MMAP_MLOCK if mapped else llama.LLAMA_LOAD_MODE_MLOCK
        elif no_alloc or not mapped:
            params.no_alloc, params.load_mode = no_alloc, llama.LLAMA_LOAD_MODE_NONE
        if tensor:
            params.split_mode = llama.LLAMA_SPLIT_MODE_TENSOR
        if len(gpu_split) > 1:
            most = llama.llama_max_devices()
            shares = (ctypes.c_float * most)(*gpu_split) if tensor else _shares(gpu_split, most)
            params.tensor_split = shares
        overrides = (_Override * 2)()  # ends with an empty one
        if experts_on_cpu > 0:
            layers = "|".join(str(layer) for layer in range(experts_on_cpu))
            overrides[0].pattern = rf"blk\.({layers})\.ffn_(up|down|gate_up|gate)_(ch|)exps".encode()
            overrides[0].buft = native.base.ggml_backend_cpu_buffer_type()
            params.tensor_buft_overrides = ctypes.cast(overrides, ctypes.c_void_p)
        if len(parts) > 1:
            names = (ctypes.c_char_p * len(parts))(*map(os.fsencode, parts))
            self.handle: Any = llama.llama_model_load_from_splits(names, len(parts), params)
        else:
            self.handle = llama.llama_model_load_from_file(os.fsencode(parts[0] if parts else path), params)
        if not self.handle:
            raise LoadFailed
        self.architecture = self.metadata("general.architecture")
        self.context_train: int = llama.llama_model_n_ctx_train(self.handle)
        self.layers: int = llama.llama_model_n_layer(self.handle)
        self.size: int = llama.llama_model_size(self.handle)
        self.parameters: int = llama.llama_model_n_params(self.handle)
        template = llama.llama_model_chat_template(self.handle, None)
        self.chat_template: str | None = template.decode("utf-8", "replace") if template else None

    @functools.cached_property
    def vocabulary(self) -> "Vocabulary":
        """Every token is looked at once, which takes a tenth of a second."""
        return Vocabulary(self._llama, self._llama.llama_model_get_vocab(self.handle))

    def metadata(self, key: str) -> str:
        """A value of the file's header as text; empty if it is not there (arrays never are)."""
        buffer = ctypes.create_string_buffer(256)
        length = self._llama.llama_model_meta_val_str(self.handle, key.encode(), buffer, len(buffer))
        if length >= len(buffer):
            buffer = ctypes.create_string_buffer(length + 1)
            self._llama.llama_model_meta_val_str(self.handle, key.encode(), buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace") if length > 0 else ""

    def close(self) -> None:
        if self.handle:
            self._llama.llama_model_free(self.handle)
            self.handle = None


def _shares(counts: Sequence[int], most: int) -> Any:
    """So many layers on each GPU, as the proportions that llama.cpp wants: it gives layer `j` of `n` to the first GPU
    whose running share is above `j / n`, so that the borders lie half a layer below the counts, where no rounding
    reaches them."""
    shares = (ctypes.c_float * most)()
    last = max(index for index, count in enumerate(counts) if count)
    border = 0.0
    for index, total in enumerate(accumulate(counts)):
        here = total if index >= last else max(border, total - 0.5)
        shares[index] = here - border
        border = here
    return shares


class Vocabulary:
    """The tokens of a model, as ids and as bytes. Lives as long as its Model."""

    def __init__(self, llama: Any, handle: Any) -> None:
        self._llama, self._handle = llama, handle
        self._pieces: dict[int, bytes] = {}
        self._buffer = ctypes.create_string_buffer(256)
        self.size: int = llama.llama_vocab_n_tokens(handle)
        self.bos: int = llama.llama_vocab_bos(handle)
        self.eos: int = llama.llama_vocab_eos(handle)
        self.add_bos: bool = llama.llama_vocab_get_add_bos(handle)
        attribute, control = llama.llama_vocab_get_attr, llama.LLAMA_TOKEN_ATTR_CONTROL
        special = control | llama.LLAMA_TOKEN_ATTR_USER_DEFINED
        found = [(token, kind) for token in range(self.size) if (kind := attribute(handle, token)) & special]
        self.marks = {text: token for token, _ in found if (text := self.text(token))}
        """Control tokens and those that the model's maker added (`<think>`), by their text."""
        self.added = frozenset(self.text(token) for token, kind in found if not kind & control)
        """Those that llama.cpp recognises even in text that is tokenised with control tokens off."""
        self.ends = frozenset(token for token, _ in found if llama.llama_vocab_is_eog(handle, token))

    def text(self, token: int) -> str:
        return self.piece(token).decode("utf-8", "replace") if token >= 0 else ""

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; a control token gives its name. May end inside a character."""
        piece = self._pieces.get(token)
        if piece is None:
            length = self._llama.llama_token_to_piece(self._handle, token, self._buffer, len(self._buffer), 0, True)
            if length < 0:
                self._buffer = ctypes.create_string_buffer(-length)
                length = self._llama.llama_token_to_piece(self._handle, token, self._buffer, -length, 0, True)
            piece = self._pieces[token] = self._buffer.raw[: max(length, 0)]
        return piece

    def tokenise(self, text: str, *, special: bool = False) -> list[int]:
        """The ids of `text`, without BOS. Control tokens in it are read as such only with `special`."""
        return [token for part in _without_long_runs(text) for token in self._tokenise(part, special)]

    def _tokenise(self, text: str, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        ids = (ctypes.c_int32 * (len(data) + 8))()
        count = self._llama.llama_tokenize(self._handle, data, len(data), ids, len(ids), False, special)
        if count < 0:
            ids = (ctypes.c_int32 * -count)()
            count = self._llama.llama_tokenize(self._handle, data, len(data), ids, len(ids), False, special)
        return ids[:count]


def _without_long_runs(text: str) -> Iterator[str]:
    """Parts of a text to be tokenised by themselves, so that nobody's long line ends the process.

    llama.cpp splits into words with std::regex for the vocabularies of DeepSeek-LLM, -Coder, V2 and V3, and that
    recurses for every character of a word: 2,000 letters in a row overflow a stack of 512 KiB. A run is
    cut after some 500, behind a punctuation mark if there is one.
    """
    begin = 0
    for run in re.finditer(r"\S+|\s+", text):
        while run.end() - max(begin, run.start()) > _RUN:
            start = max(begin, run.start())
            marks = [text.rfind(mark, start + _RUN // 2, start + _RUN) for mark in ",.;:!?，。；：！？、"]
            end = max(marks) + 1 or start + _RUN
            yield text[begin:end]
            begin = end
    yield text[begin:]
