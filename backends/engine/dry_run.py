"""What a model would take, told by llama.cpp itself without taking it: `no_alloc`, in a child process.

llama.cpp sums up its buffers as if it allocated them and writes the sums into its log; nothing else of it tells them.
Weights it does not tell: those are the tensors of the header (models/weights.py).
"""

import contextlib
import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from backends.core.cancel import CancelToken
from backends.core.child import ChildDied
from backends.core.errors import BackendError, EngineError, InvalidInput
from backends.core.kept_child import KeptChild
from backends.core.phrase import Phrase
from backends.engine import native
from backends.engine.bare_header import NotUnderstood, write_bare
from backends.engine.native_log import Told
from backends.engine.protocol import EngineDevice, KvType

IDLE = 10.0  # seconds after which the child is let go
PATIENCE = 60.0  # seconds for one answer, which takes a tenth of one

_MIB = 1 << 20
_ROUNDED = 0.0051 * _MIB  # sizes stand in the log with two decimals
_KV_TYPES: Mapping[KvType, int] = {"f16": 1, "q8_0": 8}  # enum ggml_type
_LAYER = re.compile(r": layer +\d+: dev = (.+)$")
_CACHE = re.compile(r": size = +([\d.]+) MiB \( *(\d+) cells, +(\d+) layers, +\d+/(\d+) seqs\), K ")
_STATE = re.compile(r", layers = \d+, size = +([\d.]+) MiB$")
_COMPUTE = re.compile(r": +(\S+) compute buffer size = +([\d.]+) MiB$")


@dataclass(frozen=True, slots=True)
class Allocation:
    """What llama.cpp would put on one device beside the weights, in bytes. `kind` as ggml names it."""

    device: str
    kind: str
    kv: int
    compute: int


class NativeDryRun:
    """Fulfils models.ports.DryRun. May be asked by any thread; one question is answered after the other.

    The child is kept for the next question; it is let go when nobody asks any more.
    """

    def __init__(self, *, module: str = "backends.engine.child", idle: float = IDLE) -> None:
        self._child = KeptChild(module, idle)

    def measure(
        self,
        model: Path,
        *,
        context: int,
        kv_type: KvType,
        gpu_layers: int,
        expert_layers_on_cpu: int,
        gpu_split: Sequence[int],
        batch: int,
        sequences: int,
        outputs: int,
        embeddings: bool,
        cancel: CancelToken,
    ) -> tuple[Allocation, ...]:
        """By device, main memory ("CPU") last. `outputs` is at least `sequences`, which llama.cpp insists on; with
        `embeddings` it is `batch`. The rows of output themselves, 4 bytes a word of the vocabulary, are not in it.

        Raises EngineError (`load_failed`; `engine_crashed` if the child ended), InvalidInput (`unsupported_model`).
        """
        request = {
            "do": "measure",
            "path": str(model.absolute()),
            "context": context,
            "kv_type": kv_type,
            "gpu_layers": gpu_layers,
            "expert_layers_on_cpu": expert_layers_on_cpu,
            "gpu_split": list(gpu_split),
            "batch": batch,
            "sequences": sequences,
            "outputs": outputs,
            "embeddings": embeddings,
        }
        with self._child.mine(cancel) as child:
            try:
                (answer,) = child.ask(request, cancel=cancel, timeout=PATIENCE)
            except ChildDied as died:
                raise _crashed(model, died) from died
            return tuple(Allocation(**one) for one in answer["allocations"])

    def warm_up(self, *, cancel: CancelToken) -> None:
        """Have a child ready before there is a question, for instance while the header is fetched. EngineError."""
        with self._child.mine(cancel) as child:
            try:
                for _ in child.ask({"do": "ready"}, cancel=cancel, timeout=PATIENCE):
                    pass
            except ChildDied as died:
                raise _crashed(Path("llama.cpp"), died) from died

    @property
    def pid(self) -> int | None:
        """Of the child that waits for questions."""
        return self._child.pid

    def close(self) -> None:
        """Let the child go now; a question that is being answered first gets its answer."""
        self._child.close()


def ready(_: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The child's side of `NativeDryRun.warm_up`: llama.cpp is loaded, its devices are known."""
    _devices()
    yield {}


def measure(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The child's side of `NativeDryRun.measure`."""
    path = Path(request["path"])
    model = _held().model(path, request)
    with native.library().log.keep() as told:
        _make_context(model, request, told, path)
    yield {"allocations": [asdict(one) for one in allocations([line for _, line in told.lines], _devices())]}


@functools.cache
def _held() -> "_Held":
    return _Held(Path.cwd())


class _Held:
    """The model that was asked for last: of a hundred questions all but some are about another context of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._placed: tuple[object, ...] = ()
        self._model: native.Model | None = None
        self._file: tuple[object, ...] = ()
        self._parts: list[Path] = []

    def model(self, path: Path, request: Mapping[str, Any]) -> native.Model:
        try:
            status = path.stat()
        except OSError as error:
            raise _unreadable(path, error) from error
        file = (path, status.st_size, status.st_mtime_ns)
        split = tuple(request["gpu_split"])
        placed = (*file, request["gpu_layers"], request["expert_layers_on_cpu"], split)
        if self._model and placed == self._placed:
            return self._model
        if self._model:
            self._model.close()
            self._model = None
        if file != self._file:
            for old in self._parts[:1]:
                old.unlink(missing_ok=True)
            self._file, self._parts = file, []
            with contextlib.suppress(NotUnderstood, OSError):
                self._parts = write_bare(path, self._folder)
        with native.library().log.keep() as told:
            try:
                self._model = native.Model(
                    path,
                    gpu_layers=request["gpu_layers"],
                    experts_on_cpu=request["expert_layers_on_cpu"],
                    gpu_split=split,
                    progress=lambda _: True,
                    no_alloc=True,
                    parts=self._parts,
                )
            except native.LoadFailed:
                raise _refused(path, told) from None
        self._placed = placed
        return self._model


@functools.cache
def _devices() -> tuple[EngineDevice, ...]:
    return native.devices()


def _make_context(model: native.Model, request: Mapping[str, Any], told: Told, path: Path) -> None:
    """As engine/context.py makes one, so that the sizes are those that will be taken."""
    llama = native.library().llama
    params = llama.llama_context_default_params()
    params.n_ctx = request["context"]
    params.n_batch = params.n_ubatch = request["batch"]
    params.n_seq_max = request["sequences"]
    params.embeddings = request["embeddings"]
    params.n_outputs_max = (
        request["batch"] if request["embeddings"] else max(request["outputs"], request["sequences"])
    )  # fewer outputs than sequences: an assertion
    params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_AUTO
    params.type_k = params.type_v = _KV_TYPES[request["kv_type"]]
    params.swa_full = False
    params.kv_unified = True
    params.no_perf = True
    handle = llama.llama_init_from_model(model.handle, params)
    if not handle:
        raise _refused(path, told)
    llama.llama_free(handle)


def allocations(lines: Sequence[str], devices: Sequence[EngineDevice]) -> list[Allocation]:
    """What llama.cpp's log says, by device. A cache is shared out over the devices of its layers: they are alike."""
    kv: Counter[str] = Counter()
    compute: dict[str, int] = {}
    layers: list[str] = []
    for line in lines:
        if found := _LAYER.search(line):
            layers.append(found[1].strip())
        elif (size := _cache_size(line)) is not None:
            for name, count in Counter(layers).items():
                kv[name] += round(size * count / len(layers))
            layers = []
        elif found := _COMPUTE.search(line):
            compute[found[1]] = round(float(found[2]) * _MIB)
    kinds = {device.name: device.kind for device in devices if device.kind in ("gpu", "igpu")}
    names = [name for name in kinds if kv[name] or compute.get(name)]
    found = [Allocation(name, kinds[name], kv[name], compute.get(name, 0)) for name in names]
    # what is on no GPU is in main memory: the CPU's own buffers, and those it shares with a GPU (CUDA_Host)
    host = Allocation("CPU", "cpu", _but(kv, names), _but(compute, names))
    return [*found, host]


def _but(sizes: Mapping[str, int], names: Sequence[str]) -> int:
    return sum(size for name, size in sizes.items() if name not in names)


def _cache_size(line: str) -> float | None:
    """Bytes of a cache, all layers and sequences. Exact where two decimals of a MiB leave but one number of bytes for a
    cell that all layers have."""
    if found := _CACHE.search(line):
        return _whole_rows(float(found[1]) * _MIB, int(found[2]) * int(found[3]) * int(found[4]))
    found = _STATE.search(line)
    return float(found[1]) * _MIB if found else None


def _whole_rows(size: float, rows: int) -> float:
    whole = round(size / rows) * rows if rows else 0
    return whole if rows > 2 * _ROUNDED and abs(whole - size) < _ROUNDED else size


def _unreadable(path: Path, error: OSError) -> EngineError:
    return EngineError(
        Phrase(f"{path.name} cannot be read: {error.strerror}.", f"无法读取 {path.name}：{error.strerror}。"),
        code="load_failed",
    )


def _refused(path: Path, told: Told) -> BackendError:
    words = told.reason.replace(str(path.parent), "…") or "no reason given"
    message = Phrase(
        f"llama.cpp cannot tell what {path.name} takes: {words}.", f"llama.cpp 无法估算 {path.name} 的内存：{words}。"
    )
    if told.says("unknown model architecture"):
        return InvalidInput(message, Phrase("Choose another model.", "请选择其他模型。"), code="unsupported_model")
    return EngineError(message, code="load_failed")


def _crashed(path: Path, died: ChildDied) -> EngineError:
    return EngineError(
        Phrase(
            f"llama.cpp broke off while it read {path.name} ({died}).", f"llama.cpp 读取 {path.name} 时中断（{died}）。"
        ),
        Phrase("The file may be damaged.", "文件可能已损坏。"),
        code="engine_crashed",
    )
