"""Is a model on this disk still what its publisher gave? Every byte is read and its sha256 compared.

    for event in verify(library, model, cancel=token): ...     # VerifyProgress, at the end VerifyFinished

The sha256 comes from the receipt of a download, from Ollama's manifest or from the name of a blob of the hub cache.
Where nobody published one, the header and the extents of all tensors are checked, and the sha256 is kept so that a
later change is noticed.
"""

import hashlib
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import StorageError
from backends.core.phrase import Phrase
from backends.models import gguf, partial
from backends.models.index import Checked, Verdict
from backends.models.library import Library
from backends.models.seen import KINDS, file_of, parts_of, stamp_of
from backends.models.types import LocalModel

CHUNK = 4 << 20
EVERY = 64 << 20  # bytes between two events


@dataclass(frozen=True, slots=True)
class VerifyProgress:
    fraction: float  # 0..1
    file: str


@dataclass(frozen=True, slots=True)
class VerifyFinished:
    """`said` is the verdict in words: what could be proven, and what could not."""

    model: LocalModel
    verdict: Verdict
    said: Phrase
    damaged: tuple[str, ...] = ()  # the names of the files that differ; `repair` is for them


VerifyEvent = VerifyProgress | VerifyFinished


def verify(
    library: Library, model: LocalModel, *, cancel: CancelToken, now: float | None = None
) -> Iterator[VerifyEvent]:
    """Read the whole model; what it proved is recorded in the library.

    Raises InvalidInput (as `gguf.check`), NotFound, StorageError (`file_not_readable`): then nothing is recorded.
    """
    paths, stamp = parts_of(file_of(model)), stamp_of(model.path)
    total = sum(size for size, _ in stamp) or 1
    found: list[str] = []
    done = 0
    for path in paths:
        hashing = digests(path, cancel)
        try:
            while True:
                yield VerifyProgress(min(1.0, (done + next(hashing)) / total), path.name)
        except StopIteration as end:
            found.append(end.value)
        done += path.stat().st_size if path.exists() else 0
    expected = published(model)
    differing = tuple(
        p.name for p, wanted, got in zip(paths, expected, found, strict=False) if wanted and wanted != got
    )
    if expected and all(expected) and len(expected) == len(found):
        verdict: Verdict = "differs" if differing else "matches"
    elif differing:
        verdict = "differs"
    else:
        gguf.check(model.path, KINDS)
        before = library.checked_before(model)
        verdict = "changed" if before is not None and before.sha256s != tuple(found) else "remembered"
    checked = Checked(stamp, tuple(found), time.time() if now is None else now, verdict)
    yield VerifyFinished(library.record_check(model, checked), verdict, _said(model, verdict, differing), differing)


def published(model: LocalModel) -> tuple[str | None, ...]:
    """The sha256 of each part that somebody else vouches for."""
    receipt = partial.read_record(model.path, partial.RECEIPT) if model.origin == "downloaded" else None
    if receipt is not None:
        return tuple(part.sha256 for part in receipt.parts)
    return (model.sha256,)


def digests(path: Path, cancel: CancelToken) -> Generator[int, None, str]:
    """The sha256 of a file; says how many bytes it has read. Raises StorageError (`file_not_readable`)."""
    sha256, done, last = hashlib.sha256(), 0, 0
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK):
                cancel.check()
                sha256.update(chunk)
                done += len(chunk)
                if done - last >= EVERY:
                    last = done
                    yield done
    except OSError as error:
        raise unreadable(path, error) from error
    return sha256.hexdigest()


def unreadable(path: Path, error: OSError) -> StorageError:
    said = error.strerror or type(error).__name__
    return StorageError(
        Phrase(f"{path} cannot be read: {said}.", f"无法读取 {path}：{said}。"),
        Phrase(
            "If it lies on another disk, check that the disk is connected. Nothing was changed.",
            "如果它在其他磁盘上，请检查该磁盘是否已连接。未做任何更改。",
        ),
        code="file_not_readable",
    )


def _said(model: LocalModel, verdict: Verdict, differing: tuple[str, ...]) -> Phrase:
    if verdict == "matches":
        return Phrase(
            f"Every byte of {model.name} is as it was published.", f"{model.name} 的每个字节都与发布内容一致。"
        )
    if verdict == "differs":
        ours = model.origin == "downloaded"
        names = ", ".join(differing) if ours else model.name
        can = (" It can be repaired.", "可以修复。") if ours else ("", "")
        return Phrase(
            f"{names} is not as it was published: the file is damaged or was changed.{can[0]}",
            f"{names} 与发布内容不一致：文件已损坏或被修改。{can[1]}",
        )
    if verdict == "changed":
        return Phrase(
            f"{model.name} is not what it was when it was checked last. Nobody published what it should be; its "
            "structure is sound.",
            f"{model.name} 与上次检查时不同。没有可对照的发布值；其结构完好。",
        )
    return Phrase(
        f"The structure of {model.name} is sound and nothing of it is missing. Nobody published what its bytes should "
        "be, so that cannot be proven; they are remembered, and a change will be noticed.",
        f"{model.name} 结构完好，没有缺失。没有发布的校验值，因此无法证明其内容；已记录当前值，以后的变化会被发现。",
    )
