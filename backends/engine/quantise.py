"""llama.cpp's quantiser, in a child process: it takes minutes, cannot be asked to stop, and its input is not trusted.

It has no callback: how far it is stands in its log, a line a tensor. The child first runs it dry, which reads only the
header and gives the type of every tensor, and from those the exact size of the result.
"""

import ctypes
import functools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from backends.core.cancel import CancelToken
from backends.core.child import Child, ChildDied
from backends.core.errors import BackendError, EngineError, InvalidInput, NotFound, ResourceError, StorageError
from backends.core.files import storage_error, sync_folder
from backends.core.phrase import Phrase
from backends.engine import native
from backends.engine.child import MODULE
from backends.engine.gguf_size import Tensor, file_size
from backends.engine.reports import reports
from backends.engine.trial import died_of

QUANTS = {  # enum llama_ftype; those that are good without an importance matrix
    "Q8_0": 7,
    "Q6_K": 18,
    "Q5_K_M": 17,
    "Q5_K_S": 16,
    "Q4_K_M": 15,
    "Q4_K_S": 14,
    "IQ4_XS": 30,
    "Q3_K_M": 12,
}
_WHOLE = {"f32", "f16", "bf16", "q8_0"}  # types worth quantising; what is made of less is spoilt twice
_SPARE = 16 << 20  # bytes that stay free on the disk
_MEMORY = 4  # the quantiser's buffers may take this part of the memory that is free, and never more than 8 GiB
_LINE = re.compile(r"\[ *(\d+)/ *(\d+)\] (.+?) +- \[([\d, ]+)\], type = +(\S+),")


@dataclass(frozen=True, slots=True)
class Step:
    """`done` of `total` tensors; `size` of the result in bytes, at the end and from a dry run."""

    done: int
    total: int
    size: int | None = None


class NativeQuantiser:
    """Fulfils models.ports.Quantiser."""

    def quantise(
        self, source: Path, target: Path, quant: str, *, threads: int, dry_run: bool, cancel: CancelToken
    ) -> Iterator[Step]:
        """Write `target` from a file in F32, F16, BF16 or Q8_0 (of a split one, the first part). The first step has
        the size; with `dry_run` it is the only one. `threads` 0: as many as the machine has.

        It grows as `target` + ".part", which is gone if it does not come to its end. InvalidInput (`bad_quant`,
        `bad_source`, `already_there`), NotFound (`file_missing`), ResourceError (`disk_full`), StorageError
        (`disk_failed`, …), EngineError (`quantise_failed`, `out_of_memory`); Cancelled, at once.
        """
        _check(source, target, quant)
        part = target.with_name(f"{target.name}.part")
        asked = {
            "do": "quantise",
            "source": str(source.absolute()),
            "target": str(part.absolute()),
            "ftype": QUANTS[quant],
            "threads": threads,
        }
        with Child(MODULE) as child:
            (plan,) = _answers(child, {**asked, "dry_run": True}, source, cancel)
            yield plan
            if dry_run:
                return
            assert plan.size is not None
            _check_room(target, plan.size)
            try:
                yield from _answers(child, {**asked, "dry_run": False}, source, cancel)
                _put(part, target)
            except EngineError as error:
                raise _why(error, part, plan.size) from error
            finally:
                child.close()
                _remove(part)


def _answers(child: Child, asked: dict[str, Any], source: Path, cancel: CancelToken) -> Iterator[Step]:
    try:
        for answer in child.ask(asked, cancel=cancel):
            yield Step(answer["done"], answer["total"], answer.get("size"))
    except ChildDied as died:
        cancel.check()
        error = died_of(source, died)
        if not isinstance(error, EngineError) or error.code == "out_of_memory":
            raise error from died
        raise EngineError(error.message, error.hint, code="quantise_failed") from died
    except OSError as error:  # no process could be started
        raise _failed(source, error.strerror or str(error)) from error


def _check(source: Path, target: Path, quant: str) -> None:
    if quant not in QUANTS:
        raise InvalidInput(
            Phrase(
                f"{quant} cannot be made here: it is no known quant, or needs an importance matrix to be any good.",
                f"无法在此制作 {quant}：它不是已知的量化类型，或需要重要性矩阵才能保证质量。",
            ),
            Phrase(f"Choose one of {', '.join(QUANTS)}.", f"请选择 {'、'.join(QUANTS)} 之一。"),
            code="bad_quant",
        )
    if not source.is_file():
        raise NotFound(
            Phrase(f"The model file {source.name} is not there any more.", f"模型文件 {source.name} 已不存在。"),
            Phrase("Download it again, or pick another model.", "请重新下载，或选择其他模型。"),
            code="file_missing",
        )
    if target.exists():
        raise InvalidInput(
            Phrase(f"{target.name} is there already.", f"{target.name} 已存在。"),
            Phrase("Use it, or delete it first.", "请直接使用，或先将其删除。"),
            code="already_there",
        )


def _check_room(target: Path, size: int) -> None:
    try:
        free = shutil.disk_usage(target.parent).free
    except OSError as error:
        raise storage_error(error, target.parent) from error
    if free < size + _SPARE:
        raise _disk_full(target, size, free)


def _disk_full(target: Path, size: int, free: int) -> ResourceError:
    gb = f"{size / 1e9:.2f} GB", f"{free / 1e9:.2f} GB"
    return ResourceError(
        Phrase(
            f"{target.name} will have {gb[0]}, and the disk of {target.parent} has {gb[1]} free.",
            f"{target.name} 需要 {gb[0]}，而 {target.parent} 所在磁盘仅剩 {gb[1]}。",
        ),
        Phrase("Make some room, or choose a smaller quant.", "请清理磁盘空间，或选择更小的量化。"),
        code="disk_full",
    )


def _why(error: EngineError, part: Path, size: int) -> BackendError:
    """llama.cpp does not tell why a file cannot be written: the disk does."""
    target = part.with_suffix("")
    if not part.parent.is_dir():
        return StorageError(
            Phrase(
                f"The disk with {part.parent} went away while {target.name} was written.",
                f"写入 {target.name} 时，{part.parent} 所在的磁盘断开了。",
            ),
            Phrase("Connect it again and start anew.", "请重新连接后再试。"),
            code="disk_failed",
        )
    try:
        free, written = shutil.disk_usage(part.parent).free, part.stat().st_size if part.exists() else 0
    except OSError as failed:
        return storage_error(failed, part.parent)
    if free < size - written and error.code == "quantise_failed":
        return _disk_full(target, size, free + written)
    return error


def _put(part: Path, target: Path) -> None:
    try:
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise storage_error(error, target) from error


def _remove(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError as error:
        if part.exists():
            raise storage_error(error, part) from error


# ---- in the child


def write(request: dict[str, Any]) -> Iterator[dict[str, int]]:
    """The task "quantise": {"done", "total"} for every tensor, and "size" at the end; with "dry_run" only that."""
    source, target = Path(request["source"]), Path(request["target"])
    tensors = _run_dry(request)
    size = file_size(source, tensors, request["ftype"])
    if request["dry_run"]:
        yield {"done": 0, "total": len(tensors), "size": size}
        return
    try:
        os.chdir(target.parent)  # on Windows llama.cpp cannot write to a path with letters of other alphabets
    except OSError as error:
        raise storage_error(error, target.parent) from error
    yield from reports(functools.partial(_write, request))
    if target.stat().st_size != size:
        raise _failed(source, f"{target.stat().st_size} bytes instead of {size}")
    yield {"done": len(tensors), "total": len(tensors), "size": size}


def _write(request: dict[str, Any], tell: Callable[[dict[str, int]], None]) -> None:
    log = native.library().log

    def listen(line: str) -> None:
        if match := _LINE.match(line):
            tell({"done": int(match[1]) - 1, "total": int(match[2])})

    log.listener = listen
    try:
        _run(request, Path(request["target"]).name, dry=False)
    finally:
        log.listener = None


def _run_dry(request: dict[str, Any]) -> list[Tensor]:
    lines = _run(request, "nothing", dry=True)
    tensors = []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if match := _LINE.match(line):
            shape = tuple(int(number) for number in match[4].split(","))
            there = match[5]
            _, changed, wanted = after.rpartition("(")
            tensors.append(Tensor(match[3], shape, there, wanted.rstrip(")") if changed else there))
    changed = [tensor for tensor in tensors if tensor.type != tensor.wanted]
    spoilt = sorted({tensor.type for tensor in changed} - _WHOLE)
    if spoilt or not changed:
        types = ", ".join(
            spoilt or sorted({tensor.wanted for tensor in tensors if tensor.wanted not in ("f32", "i32")})
        )
        raise InvalidInput(
            Phrase(
                f"{Path(request['source']).name} has {types} already: nothing good comes of making it smaller again.",
                f"{Path(request['source']).name} 已是 {types}：再次压缩会严重损害质量。",
            ),
            Phrase("Start from a file in Q8_0, F16, BF16 or F32.", "请从 Q8_0、F16、BF16 或 F32 的文件开始。"),
            code="bad_source",
        )
    return tensors


def _run(request: dict[str, Any], target: str, *, dry: bool) -> list[str]:
    """What llama.cpp said. EngineError `quantise_failed` with its own words."""

    library = native.library()
    params = library.llama.llama_model_quantize_default_params()
    params.ftype, params.nthread, params.dry_run = request["ftype"], request["threads"], dry
    params.allow_requantize = True
    params.max_buf_size = min(params.max_buf_size, max(64 << 20, psutil.virtual_memory().available // _MEMORY))
    with library.log.keep() as told:
        code = library.llama.llama_model_quantize(
            os.fsencode(request["source"]), os.fsencode(target), ctypes.byref(params)
        )
    if code:
        raise _failed(Path(request["source"]), told.reason.removeprefix("failed to quantize: ") or "no reason given")
    return [line for _, line in told.lines]


def _failed(source: Path, words: str) -> EngineError:
    words = words.replace(str(source.parent), "…")
    return EngineError(
        Phrase(f"{source.name} cannot be quantised: {words}.", f"无法量化 {source.name}：{words}。"),
        Phrase("The file may be damaged: verify it.", "文件可能已损坏：请校验。"),
        code="quantise_failed",
    )
