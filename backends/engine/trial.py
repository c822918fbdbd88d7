"""A model, or an adapter, is tried in a child process before it comes into this one: what dies there dies alone."""

import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from backends.core.cancel import CancelToken
from backends.core.child import Child, ChildDied
from backends.core.errors import BackendError, EngineError, InvalidInput, NotFound
from backends.core.phrase import Phrase
from backends.engine.child import MODULE
from backends.engine.native_log import printable
from backends.engine.protocol import Adapter, LoadProgress, LoadRequest

NO_MEMORY = ("unable to allocate", "failed to allocate", "out of memory", "bad_alloc", "insufficient memory")
"""How llama.cpp and the GPU libraries under it say that memory is short."""

_KILLED = -getattr(signal, "SIGKILL", 9)
_UNREADABLE = (-getattr(signal, "SIGBUS", 7), 0xC0000006)  # mapped bytes that cannot be read any more
_START = 300.0  # seconds that any model may take
_SLOWEST = 10e6  # bytes a second of the slowest disk worth waiting for


def attempt(request: LoadRequest, *, cancel: CancelToken, patience: float | None = None) -> Iterator[LoadProgress]:
    """Load so in a child process, compute part of a prompt and some tokens there, and free it all. The end of the
    events: it works.

    Raises what the load raises; EngineError `out_of_memory` (also if the system ended the child for it) or
    `engine_crashed` (with the engine's last words; also after `patience` seconds, by default five minutes and what the
    slowest disk takes to read the file); NotFound `file_missing`; Cancelled, at once.
    """
    patience = patience or _START + _size(request.path) / _SLOWEST
    asked = {"do": "try", "request": written(request)}
    for answer in _asked(asked, request.path, patience, cancel):
        yield LoadProgress(answer["progress"])


def attempt_adapters(model: Path, adapters: Sequence[Adapter], *, cancel: CancelToken) -> None:
    """Load the adapters on a second copy of the model, in a child process on the CPU, and compute a few tokens: the
    weights are mapped, so that the copy takes next to no memory.

    InvalidInput `bad_adapter` if llama.cpp refuses them or dies of them; EngineError `out_of_memory`; Cancelled.
    """
    asked = {"do": "try adapters", "request": written(LoadRequest(model, adapters=tuple(adapters)))}
    try:
        for _ in _asked(asked, model, _START + _size(model) / _SLOWEST, cancel):
            pass
    except EngineError as error:
        if error.code == "out_of_memory":
            raise
        raise refused_adapter(adapters, error.message) from error


def ask_apart(asked: dict[str, Any], path: Path, *, cancel: CancelToken) -> Iterator[dict[str, Any]]:
    """Answers of a child to `asked`, which works with the model `path`. Raises as `attempt` does."""
    yield from _asked(asked, path, _START + _size(path) / _SLOWEST, cancel)


def refused_adapter(adapters: Sequence[Adapter], why: Phrase) -> InvalidInput:
    names = ", ".join(adapter.path.name for adapter in adapters)
    return InvalidInput(
        Phrase(
            f"The adapter {names} does not work with this model. {why.en}", f"适配器 {names} 不能用于此模型。{why.zh}"
        ),
        Phrase(
            "Pick an adapter that was made for this very model, as a GGUF file.",
            "请选择为此模型制作的 GGUF 格式适配器。",
        ),
        code="bad_adapter",
    )


def _asked(request: dict[str, Any], path: Path, patience: float, cancel: CancelToken) -> Iterator[dict[str, Any]]:
    began = time.monotonic()
    with Child(MODULE) as child:
        try:
            yield from child.ask(request, cancel=cancel, timeout=patience)
        except ChildDied as died:
            cancel.check()
            if time.monotonic() - began >= patience:
                raise _hung(path, patience) from died
            raise died_of(path, died) from died
        except OSError as error:  # no process could be started
            raise EngineError(
                Phrase(
                    f"{path.name} cannot be tried: {error.strerror}.", f"无法试运行 {path.name}：{error.strerror}。"
                ),
                Phrase("Close other programs and try again.", "请关闭其他程序后重试。"),
                code="out_of_memory",
            ) from error


def died_of(path: Path, died: ChildDied) -> BackendError:
    """What a person is told when the engine died with this file in its hands."""
    if not path.is_file():
        return NotFound(
            Phrase(
                f"The model file {path.name} went away while it was read.", f"读取过程中模型文件 {path.name} 消失了。"
            ),
            Phrase("Check the disk it was on.", "请检查它所在的磁盘。"),
            code="file_missing",
        )
    words = last_words(died, path)
    if died.code == _KILLED or any(phrase in died.said.lower() for phrase in NO_MEMORY):
        return EngineError(
            Phrase(
                f"There is not enough memory for {path.name} ({words or 'the system ended the engine for it'}).",
                f"内存不足，无法运行 {path.name}（{words or '系统因此终止了引擎'}）。",
            ),
            Phrase(
                "Close other programs, choose a smaller quant or model, or keep fewer layers on the GPU.",
                "请关闭其他程序、选择更小的量化或模型，或减少放在 GPU 上的层数。",
            ),
            code="out_of_memory",
        )
    if died.code in _UNREADABLE:
        return EngineError(
            Phrase(
                f"{path.name} could not be read any more: it was cut short, or its disk went away.",
                f"{path.name} 已无法继续读取：文件被截断，或所在磁盘已断开。",
            ),
            Phrase("Check the disk it is on.", "请检查文件所在的磁盘。"),
            code="load_failed",
        )
    return EngineError(
        Phrase(
            f"The engine broke down over {path.name} ({words or died}).",
            f"引擎在运行 {path.name} 时崩溃（{words or died}）。",
        ),
        Phrase(
            "Nothing else was harmed. Update DeskSeek, or choose another quant or model.",
            "其他内容未受影响。请更新 DeskSeek，或选择其他量化或模型。",
        ),
        code="engine_crashed",
    )


def last_words(died: ChildDied, path: Path) -> str:
    """ggml's own, without the place in its source; of several lines the first; empty if it left none."""
    words = next((line for line in died.said.splitlines() if "GGML_" in line or "error" in line.lower()), "")
    place, _, rest = words.partition(": ")
    words = rest if rest and " " not in place else words
    return printable(words.replace(str(path.parent), "…").strip()[:300])


def _hung(path: Path, patience: float) -> EngineError:
    minutes = max(1, round(patience / 60))
    return EngineError(
        Phrase(
            f"The engine did not come to an end with {path.name} in {minutes} min.",
            f"引擎在 {minutes} 分钟内未能完成对 {path.name} 的处理。",
        ),
        Phrase("Choose a smaller quant or model, or another disk.", "请选择更小的量化或模型，或换一个磁盘。"),
        code="engine_crashed",
    )


def _size(path: Path) -> int:
    """Bytes of all parts; what is missing the load will tell."""
    stem, dash, total = path.stem.rpartition("-of-")
    number = stem.rpartition("-")[0] + "-" if dash and total.isdigit() else ""
    parts = path.parent.glob("*.gguf") if number else [path]
    return sum(part.stat().st_size for part in parts if part.name.startswith(number) and part.is_file())


def written(request: LoadRequest) -> dict[str, Any]:
    """A request as JSON."""
    return {
        "path": str(request.path.absolute()),
        "context": request.context,
        "kv_type": request.kv_type,
        "gpu_layers": request.gpu_layers,
        "expert_layers_on_cpu": request.expert_layers_on_cpu,
        "threads": request.threads,
        "batch": request.batch,
        "gpu_split": list(request.gpu_split),
        "mapped": request.mapped,
        "parallel": request.parallel,
        "gpu_sharing": request.gpu_sharing,
        "numa": request.numa,
        "draft": str(request.draft.absolute()) if request.draft else None,
        "adapters": [[str(adapter.path.absolute()), adapter.scale] for adapter in request.adapters],
    }


def read(told: dict[str, Any]) -> LoadRequest:
    """The request that was `written`."""
    return LoadRequest(
        path=Path(told["path"]),
        context=told["context"],
        kv_type=told["kv_type"],
        gpu_layers=told["gpu_layers"],
        expert_layers_on_cpu=told["expert_layers_on_cpu"],
        threads=told["threads"],
        batch=told["batch"],
        gpu_split=tuple(told["gpu_split"]),
        mapped=told["mapped"],
        parallel=told["parallel"],
        gpu_sharing=told["gpu_sharing"],
        numa=told["numa"],
        draft=Path(told["draft"]) if told["draft"] else None,
        adapters=tuple(Adapter(Path(path), scale) for path, scale in told["adapters"]),
    )
