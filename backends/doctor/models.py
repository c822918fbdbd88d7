"""The model files: readable headers, the sizes and (every byte read) the sums that their publishers gave."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError
from backends.core.phrase import NOTHING, Phrase
from backends.doctor.case import Case
from backends.doctor.types import Finding, Repair, Verdict
from backends.doctor.words import place, size
from backends.models import partial
from backends.models.library import DEEPEST
from backends.models.partial import Record
from backends.models.seen import look as look_at_header
from backends.models.seen import never_ends, parts_of
from backends.models.verify import digests
from backends.models.walk import Budget, models

_AGAIN = Phrase(
    "Repair it (deskseek models verify --repair): only what is damaged is downloaded again.",
    "请修复（deskseek models verify --repair）：只重新下载损坏的部分。",
)
_FETCH = Phrase("Fetch it again where it came from.", "请从其来源重新获取。")


@dataclass(frozen=True, slots=True)
class _Model:
    path: Path
    receipt: Record | None

    @property
    def downloaded(self) -> bool:
        return self.receipt is not None and self.receipt.origin == "downloaded"

    @property
    def name(self) -> str:
        return self.path.name


def look(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
    """One finding for each file with a problem, and one for all that have none. Every byte read: one for each file."""
    whole = broken = total = 0
    unreadable: list[Finding] = []
    listed = _listed(case.paths.data / "library.json")
    if listed is None:
        yield _list_damaged(case)
    for model in _models(case, listed or (), unreadable):
        cancel.check()
        problem = _problem(case, model)
        if problem is not None:
            yield problem
            broken += 1
            continue
        if case.deep:
            read = _bytes(model, cancel)
            yield read
            if read.verdict != "ok":
                broken += 1
                continue
        whole += 1
        total += sum(part.stat().st_size for part in parts_of(model.path) if part.exists())
    yield from unreadable
    if whole:
        yield Finding(
            "models",
            "models_ok",
            "ok",
            Phrase(
                f"{whole} model files are whole ({size(total)})."
                if whole > 1
                else f"1 model file is whole ({size(total)}).",
                f"{whole} 个模型文件完好（{size(total)}）。",
            ),
            details={"count": whole, "size": total, "read": case.deep},
        )
    elif not broken and not unreadable:
        yield Finding("models", "no_models", "ok", Phrase("There are no models yet.", "还没有模型。"))


def _models(case: Case, listed: tuple[Path, ...], unreadable: list[Finding]) -> Iterator[_Model]:
    """Those in the folder, and those of the person's own."""

    def failed(folder: Path, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            shown = place(folder, case.paths.home)
            what = Phrase(
                f"The folder {shown} cannot be read: {error.strerror}.", f"无法读取文件夹 {shown}：{error.strerror}。"
            )
            unreadable.append(Finding("models", "folder_not_readable", "fail", what, action="settings_models"))

    found = [path for path in models(case.models, DEEPEST, Budget(seconds=30.0), failed) if not never_ends(path)]
    for path in dict.fromkeys((*sorted(found), *listed)):
        inside = path.is_relative_to(case.models)
        yield _Model(path, partial.read_record(path, partial.RECEIPT) if inside else None)


def _listed(index: Path) -> tuple[Path, ...] | None:
    """The files of the person's own, as `models/index.py` writes them; None if the list is damaged."""
    try:
        return tuple(Path(place) for place in json.loads(index.read_text(encoding="utf-8"))["own"])
    except OSError:  # not there, or in a folder that cannot be used, which the look at the disks says
        return ()
    except (ValueError, KeyError, TypeError):
        return None


def _list_damaged(case: Case) -> Finding:
    return Finding(
        "models",
        "model_list_damaged",
        "warn",
        Phrase("The list of your own model files is damaged.", "您自己的模型文件列表已损坏。"),
        Phrase(
            "At the next start it begins anew; add your own files again then.",
            "下次启动时会重新创建，届时请重新添加您自己的文件。",
        ),
        "check_models",
    )


def _problem(case: Case, model: _Model) -> Finding | None:
    seen = look_at_header(model.path, {})
    sizes = _wrong_sizes(model)
    if not seen.problem.en and not sizes:
        return None
    gone = seen.code == "file_not_found"
    shown = place(model.path, case.paths.home)
    if gone:
        what, repair = (
            Phrase(f"{shown} is not there any more.", f"{shown} 已不存在。"),
            Phrase(
                "If it is on another disk, connect that; else take it off the list.",
                "如果它在其他磁盘上，请连接该磁盘；否则请从列表中移除。",
            ),
        )
    elif sizes:
        what = Phrase(f"{model.name} is not as it was published: {sizes}.", f"{model.name} 与发布内容不一致：{sizes}。")
        repair = _AGAIN if model.downloaded else _FETCH
    else:
        what = Phrase(f"{model.name}: {seen.problem.en}", f"{model.name}：{seen.problem.zh}")
        what = Phrase(what.en.replace(str(model.path), shown), what.zh.replace(str(model.path), shown))
        repair = _AGAIN if model.downloaded else _FETCH
    code = "model_gone" if gone else "model_size" if sizes else seen.code
    return _of(model, code, "warn" if gone else "fail", what, repair)


def _wrong_sizes(model: _Model) -> str:
    """In which way the files are others than the receipt says; "" if they are not."""
    if model.receipt is None:
        return ""
    for path, part in zip(parts_of(model.path), model.receipt.parts, strict=False):
        try:
            there = path.stat().st_size
        except OSError:
            continue  # the header's reader says it
        if there != part.size:
            return f"{there:,} / {part.size:,} B"
    return ""


def _bytes(model: _Model, cancel: CancelToken) -> Finding:
    """Every byte, compared with what the publisher gave."""
    parts, given = parts_of(model.path), model.receipt.parts if model.receipt is not None else ()
    wanted = {path: part.sha256 for path, part in zip(parts, given, strict=False) if part.sha256}
    try:
        found = {path: _digest(path, cancel) for path in parts}
    except BackendError as error:
        what = Phrase(f"{model.name} cannot be read to its end.", f"无法完整读取 {model.name}。")
        return _of(model, error.code, "fail", what, Phrase("Check the disk.", "请检查磁盘。"))
    if any(found[path] != sha256 for path, sha256 in wanted.items()):
        what = Phrase(f"{model.name}: bytes differ from what was published.", f"{model.name}：内容与发布时不一致。")
        return _of(model, "model_differs", "fail", what, _AGAIN if model.downloaded else _FETCH)
    if len(wanted) == len(parts):
        what = Phrase(f"Every byte of {model.name} is as published.", f"{model.name} 的每个字节都与发布内容一致。")
        return _of(model, "model_matches", "ok", what)
    what = Phrase(
        f"All of {model.name} can be read; nobody published what its bytes should be.",
        f"{model.name} 可以完整读取；没有可对照的发布值。",
    )
    return _of(model, "model_readable", "ok", what)


def _of(model: _Model, code: str, verdict: Verdict, what: Phrase, repair: Phrase = NOTHING) -> Finding:
    """What is said of one file. Names of files that were not downloaded are the user's own."""
    action: Repair | None = None
    if verdict != "ok":
        action = "download_again" if repair is _AGAIN else "remove_model"
    return Finding(
        "models",
        code,
        verdict,
        what,
        repair,
        action,
        subject=model.name,
        private=not model.downloaded,
        target=str(model.path),
        details={"downloaded": model.downloaded},
    )


def _digest(path: Path, cancel: CancelToken) -> str:
    reading = digests(path, cancel)
    try:
        while True:
            next(reading)
    except StopIteration as end:
        return end.value
