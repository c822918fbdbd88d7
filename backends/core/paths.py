"""Where things lie on disk.

    config   settings                       models   GGUF files, one folder a repository
    data     databases, the owner's lock    cache    what may be deleted at any time
    state    logs, crash reports

The folders follow the platform's customs (platformdirs); `DESKSEEK_HOME` moves all of them under one
folder. They are made for their user only (SEC-52: folders 0700).
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import platformdirs

from backends.core.errors import InvalidInput, NotFound, StorageError
from backends.core.phrase import Phrase

HOME_VARIABLE = "DESKSEEK_HOME"

_WINDOWS_NAMES = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{name}{digit}" for name in ("com", "lpt") for digit in "0123456789¹²³"
}
_FORBIDDEN = set('<>:"/\\|?*')
_DIRECTION_MARKS = set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Paths:
    config: Path
    data: Path
    models: Path
    cache: Path
    state: Path
    home: Path | None = field(default=None, compare=False)  # of this user, where other programs keep what is theirs

    @classmethod
    def find(cls, environment: Mapping[str, str] = os.environ) -> "Paths":
        """Raises StorageError (`no_home`) where this user has no home, and no other folder is named."""
        home = environment.get(HOME_VARIABLE)
        if home:
            try:
                return replace(cls.under(Path(home).expanduser()), home=_user_home())
            except RuntimeError as error:
                raise _no_home(home) from error
        dirs = platformdirs.PlatformDirs("DeskSeek", appauthor=False)
        try:
            data = Path(dirs.user_data_dir)
            return cls(
                config=Path(dirs.user_config_dir),
                data=data,
                models=data / "models",
                cache=Path(dirs.user_cache_dir),
                state=Path(dirs.user_log_dir),
                home=_user_home(),
            )
        except RuntimeError as error:
            raise _no_home("~") from error

    @classmethod
    def under(cls, home: Path) -> "Paths":
        home = home.absolute()
        return cls(home / "config", home / "data", home / "models", home / "cache", home / "state")

    def make(self) -> None:
        """Make the folders that are not there, for this user alone."""
        for folder in (self.config, self.data, self.models, self.cache, self.state):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise StorageError(
                    Phrase(
                        f"The folder {folder} cannot be made: {error.strerror}.",
                        f"无法创建文件夹 {folder}：{error.strerror}。",
                    ),
                    Phrase(
                        f"Check that you may write there, or set {HOME_VARIABLE} to another folder.",
                        f"请检查该位置的写入权限，或将 {HOME_VARIABLE} 设为其他文件夹。",
                    ),
                    code="folder_not_writable",
                ) from error


def _user_home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None


def _no_home(folder: str) -> StorageError:
    return StorageError(
        Phrase(f"There is no home folder for {folder}.", f"找不到 {folder} 对应的主文件夹。"),
        Phrase(
            f"Set {HOME_VARIABLE} to the folder where DeskSeek may keep its files.",
            f"请将 {HOME_VARIABLE} 设为 DeskSeek 可以存放文件的文件夹。",
        ),
        code="no_home",
    )


def resource(name: str) -> Path:
    """A file that ships with the product, e.g. `resource("catalog.json")`."""
    root = Path(getattr(sys, "_MEIPASS", Path(__file__).resolve().parents[2]))
    path = root / "resources" / name
    if not path.exists():
        raise NotFound(
            Phrase(f"A part of DeskSeek is missing: {path}.", f"DeskSeek 缺少一个文件：{path}。"),
            Phrase("Install DeskSeek again.", "请重新安装 DeskSeek。"),
            code="resource_missing",
        )
    return path


def safe_name(name: str) -> str:
    """`name` if it may be the name of one file on every system; InvalidInput (`bad_name`) if not (SEC-24).

    Refused: separators, `..`, drive letters and NTFS streams, control and direction-changing characters,
    the device names of Windows, a trailing dot or space, more than 200 bytes of UTF-8.
    """
    stem = name.split(".", 1)[0].rstrip(" ").lower()
    bad = (
        not name
        or name in {".", ".."}
        or name[-1] in ". "
        or name[0] == " "
        or stem in _WINDOWS_NAMES
        or any(ord(c) < 32 or ord(c) == 127 or 0xD800 <= ord(c) <= 0xDFFF for c in name)
        or bool(set(name) & (_FORBIDDEN | _DIRECTION_MARKS))
    )
    if bad or len(name.encode("utf-8")) > 200:
        shown = ascii(name[:80])
        raise InvalidInput(
            Phrase(f"{shown} cannot be the name of a file.", f"{shown} 不能用作文件名。"),
            Phrase("Nothing was written.", "未写入任何内容。"),
            code="bad_name",
        )
    return name


def safe_join(folder: Path, *names: str) -> Path:
    """`folder/names…` where each name is a safe one and no symbolic link leads out of `folder` (SEC-24)."""
    path = folder.joinpath(*(safe_name(name) for name in names))
    root = folder.resolve()
    if not path.resolve().is_relative_to(root):
        raise InvalidInput(Phrase(f"{path} leads out of {folder}.", f"{path} 指向了 {folder} 之外。"), code="bad_name")
    return path
