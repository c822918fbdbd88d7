"""Reading the data files of this room (catalogue, machines) with checks, so that a damaged one is a sentence.

The schemas beside the files describe the same structure for those who write them; a test holds the shipped files
against both.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends.core.errors import NotFound, StorageError
from backends.core.phrase import Phrase

LARGEST = 1e18


class Entry:
    """One JSON object and where it stands; every getter raises StorageError (`data_damaged`) for what is wrong."""

    __slots__ = ("_file", "_values", "_where")

    def __init__(self, values: Any, file: str, where: str = "") -> None:
        self._file = file
        self._where = where
        if not isinstance(values, dict):
            raise self.wrong("")
        self._values: dict[str, Any] = values

    @classmethod
    def read(cls, path: Path, *, version: int) -> "Entry":
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise NotFound(Phrase(f"{path} is not there.", f"找不到 {path}。"), code="file_not_found") from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise StorageError(
                Phrase(f"{path} cannot be read: {reason}.", f"无法读取 {path}：{reason}。"), code="file_not_readable"
            ) from error
        except (ValueError, RecursionError) as error:
            raise StorageError(
                Phrase(f"{path.name} is not readable as JSON.", f"{path.name} 不是有效的 JSON。"),
                Phrase("Install DeskSeek again.", "请重新安装 DeskSeek。"),
                code="data_damaged",
            ) from error
        entry = cls(values, path.name)
        if entry.whole("version", least=1) != version:
            raise StorageError(
                Phrase(
                    f"{path.name} is of version {values['version']}; this DeskSeek reads version {version}.",
                    f"{path.name} 的版本是 {values['version']}，当前 DeskSeek 只支持版本 {version}。",
                ),
                Phrase("Install the newest DeskSeek.", "请安装最新版 DeskSeek。"),
                code="data_too_new",
            )
        return entry

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def text(self, key: str, default: str | None = None) -> str:
        value = self._values.get(key, default)
        if not isinstance(value, str) or not value:
            raise self.wrong(key)
        return value

    def number(self, key: str, default: float | None = None, *, least: float = 0.0) -> float:
        value = self._values.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= LARGEST:
            raise self.wrong(key)
        return float(value)

    def whole(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        value = self._values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= LARGEST:
            raise self.wrong(key)
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key)
        return value

    def phrase(self, key: str) -> Phrase:
        both = self.entry(key)
        return Phrase(both.text("en"), both.text("zh"))

    def entry(self, key: str) -> "Entry":
        return Entry(self._values.get(key), self._file, self._path(key))

    def entries(self, key: str) -> "list[Entry]":
        """A list of objects, at least one."""
        return [Entry(value, self._file, f"{self._path(key)}[{index}]") for index, value in enumerate(self._list(key))]

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._list(key)
        if not all(isinstance(value, str) and value for value in values):
            raise self.wrong(key)
        return tuple(values)

    def wholes(self, key: str) -> tuple[int, ...]:
        values = self._list(key)
        if not all(isinstance(value, int) and not isinstance(value, bool) and value >= 0 for value in values):
            raise self.wrong(key)
        return tuple(values)

    def pairs(self, key: str) -> tuple[tuple[float, float], ...]:
        """A list of pairs of numbers, the first of each growing."""
        pairs = self._list(key)
        for pair in pairs:
            if not isinstance(pair, list) or len(pair) != 2:
                raise self.wrong(key)
            if not all(isinstance(number, int | float) and 0 <= number <= LARGEST for number in pair):
                raise self.wrong(key)
        if [pair[0] for pair in pairs] != sorted({pair[0] for pair in pairs}):
            raise self.wrong(key)
        return tuple((float(first), float(second)) for first, second in pairs)

    def _list(self, key: str) -> list[Any]:
        value = self._values.get(key)
        if not isinstance(value, list) or not value:
            raise self.wrong(key)
        return value

    def _path(self, key: str) -> str:
        return ".".join(filter(None, (self._where, key)))

    def wrong(self, key: str) -> StorageError:
        """The error for a value that is missing, of the wrong type, or impossible."""
        where = self._path(key) or "the top"
        return StorageError(
            Phrase(f"{self._file} is damaged at {where}.", f"{self._file} 在 {where} 处已损坏。"),
            Phrase("Install DeskSeek again.", "请重新安装 DeskSeek。"),
            code="data_damaged",
        )
