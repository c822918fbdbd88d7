"""The folders of the program: room, permissions, and what their volumes cannot do."""

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.files import storage_error
from backends.core.phrase import Phrase
from backends.doctor.case import Case
from backends.doctor.types import Finding, Repair
from backends.doctor.words import GIB, place, size
from backends.hardware import disk

LEAST = GIB // 4  # bytes, below which databases soon fail
SMALL_FILES = {"vfat", "msdos", "fat", "fat32"}  # no file of 4 GiB or more
DISTANT = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afpfs", "webdav"}  # locks do not hold there
_PROBE = b"deskseek" * 512


def look(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
    paths, seen, refused_at = case.paths, set[int](), set[Path]()
    folders = {
        "data": (Phrase("data", "数据"), paths.data),
        "models": (Phrase("models", "模型"), case.models),
        "settings": (Phrase("settings", "设置"), paths.config),
        "logs": (Phrase("logs", "日志"), paths.state),
        "cache": (Phrase("cache", "缓存"), paths.cache),
    }
    for name, (title, folder) in folders.items():
        cancel.check()
        refused = _write_to(folder)
        if refused is not None:
            if disk.nearest(folder) not in refused_at:  # else the same was said of another one
                yield _not_writable(case, name, title, folder, refused)
            refused_at.add(disk.nearest(folder))
        elif name in ("data", "settings", "logs"):
            yield from _open_to_others(case, name, title, folder)
        if name in ("data", "models"):
            yield from _volume(case, name, title, folder, seen)


def _volume(case: Case, name: str, title: Phrase, folder: Path, seen: set[int]) -> Iterator[Finding]:
    try:
        volume = disk.read(folder)
    except OSError as error:
        yield _not_writable(case, name, title, folder, error)
        return
    system = (volume.file_system or "").lower()
    if name == "models" and system in SMALL_FILES:
        yield Finding(
            "disk",
            "small_files_only",
            "warn",
            Phrase(
                f"The models lie on a volume of the kind {volume.file_system}, where no file can be larger than 4 GiB. "
                "Most models are.",
                f"模型所在的卷为 {volume.file_system} 格式，单个文件不能超过 4 GiB，而大多数模型都超过。",
            ),
            Phrase("Choose a folder on another disk for models.", "请在其他磁盘上选择模型文件夹。"),
            "settings_models",
            details={"file_system": volume.file_system},
        )
    if name == "data" and system in DISTANT:
        yield Finding(
            "disk",
            "data_on_network",
            "warn",
            Phrase(
                f"The data folder lies on a network drive ({volume.file_system}), where databases can be damaged.",
                f"数据文件夹位于网络驱动器（{volume.file_system}），数据库可能损坏。",
            ),
            Phrase("Set DESKSEEK_HOME to a folder on this computer.", "请将 DESKSEEK_HOME 设为本机的文件夹。"),
            details={"file_system": volume.file_system},
        )
    there = disk.nearest(folder).stat().st_dev
    if there in seen:
        return
    seen.add(there)
    yield _room(case, title, volume.free, volume.total, volume.file_system)


def _room(case: Case, title: Phrase, free: int, total: int, file_system: str | None) -> Finding:
    details = {"free": free, "total": total, "file_system": file_system}
    wanted = case.settings.monitor.disk_free * 10**9
    words = Phrase(
        f"{size(free)} of {size(total)} are free where {title.en} are kept.",
        f"{title.zh}所在磁盘可用 {size(free)}，共 {size(total)}。",
    )
    make_room = Phrase("Remove models that you do not need.", "请删除不需要的模型。")
    if free < LEAST:
        return Finding("disk", "disk_full", "fail", words, make_room, "free_disk", details=details)
    if free < wanted:
        return Finding("disk", "disk_low", "warn", words, make_room, "free_disk", details=details)
    return Finding("disk", "disk_ok", "ok", words, details=details)


def _write_to(folder: Path) -> OSError | None:
    """Why nothing can be written there; a folder that is not there yet is as good as the one it would be made in."""
    try:
        there = disk.nearest(folder)
        descriptor, name = tempfile.mkstemp(prefix=".doctor-", dir=there)
        with contextlib.ExitStack() as after:
            after.callback(Path(name).unlink, missing_ok=True)
            with open(descriptor, "wb") as file:
                file.write(_PROBE)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        return error
    return None


def _not_writable(case: Case, name: str, title: Phrase, folder: Path, error: OSError) -> Finding:
    known = storage_error(error, folder)
    shown = place(folder, case.paths.home)
    action: Repair | None = (
        "free_disk" if known.code == "disk_full" else "settings_models" if name == "models" else None
    )
    what = Phrase(
        f"The folder for {title.en}, {shown}, cannot be written: {error.strerror or error}.",
        f"无法写入{title.zh}文件夹 {shown}：{error.strerror or error}。",
    )
    hint = Phrase(known.hint.en.replace(str(folder), shown), known.hint.zh.replace(str(folder), shown))
    code = known.code if known.code != "storage_failed" else "folder_not_writable"
    return Finding("disk", code, "fail", what, hint, action, subject=name, details={"error": error.errno})


def _open_to_others(case: Case, name: str, title: Phrase, folder: Path) -> Iterator[Finding]:
    """Chats and documents are this user's alone (SEC-52)."""
    if sys.platform == "win32" or not folder.is_dir():
        return
    state = folder.stat()
    shown = place(folder, case.paths.home)
    if state.st_uid not in (os.getuid(), 0):
        yield Finding(
            "disk",
            "folder_of_another",
            "warn",
            Phrase(
                f"The folder for {title.en}, {shown}, belongs to another user of this computer.",
                f"{title.zh}文件夹 {shown} 属于本机的其他用户。",
            ),
            Phrase("Use a folder of your own (DESKSEEK_HOME).", "请使用自己的文件夹（DESKSEEK_HOME）。"),
            subject=name,
        )
    elif stat.S_IMODE(state.st_mode) & 0o077:
        yield Finding(
            "disk",
            "folder_open_to_others",
            "warn",
            Phrase(
                f"Other users of this computer may read the folder for {title.en}, {shown}.",
                f"本机的其他用户可以读取{title.zh}文件夹 {shown}。",
            ),
            Phrase(f"Close it: chmod 700 {shown}", f"请收紧权限：chmod 700 {shown}"),
            subject=name,
            details={"mode": f"{stat.S_IMODE(state.st_mode):o}"},
        )
