"""Presets: options of a conversation, kept as files that can be read, copied, sent and edited.

    presets = Presets(paths.config / "presets")
    preset = presets.save("Translator", Options(temperature=0.2))
    presets.all()                                           # (Preset(…), Broken(…), …)

One file each, `NAME.preset.json`, UTF-8, at most 64 KB:

    {"deskseek_preset": 1,                  the version of this format
     "name": "Translator",                  1 to 60 characters
     "options": {"temperature": 0.2}}       what differs from the usual; names and ranges as in `options.OPTIONS`

A field that this version does not know is an error and not passed over: a typing mistake would go unnoticed.
"""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backends.chat.options import OPTIONS, Options
from backends.core.errors import BackendError, InvalidInput, NotFound
from backends.core.files import storage_error, write_file
from backends.core.paths import safe_name
from backends.core.phrase import Phrase

VERSION = 1
LARGEST = 64 * 1024  # bytes
LONGEST_NAME = 60  # characters
SUFFIX = ".preset.json"
_MARK = "deskseek_preset"
_LONGEST_STEM = 120  # bytes of UTF-8
_NEITHER = set('<>:"/\\|?*')


@dataclass(frozen=True, slots=True)
class Preset:
    """`file`: its name in the folder, "" if it is in none."""

    name: str
    options: Options
    file: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A file of the folder that cannot be used, and why."""

    file: str
    why: BackendError


class Presets:
    """Those of one folder, which need not be there yet. Any thread may use it; nothing is kept in memory.

    StorageError where the disk refuses; NotFound `no_preset`; InvalidInput `preset_there` (another one has that name),
    `bad_preset`, `preset_too_large`, `preset_too_new`, `no_name`, BadOption. Nothing has changed then.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> tuple[Preset | Broken, ...]:
        """By name; of several with the same name (files were copied there), all but the first are numbered."""
        found: list[Preset | Broken] = []
        taken: set[str] = set()
        for path in self._files():
            try:
                preset = read(path)
            except BackendError as error:
                found.append(Broken(path.name, error))
                continue
            name = _unlike(preset.name, taken)
            taken.add(_key(name))
            found.append(replace(preset, name=name, file=path.name))
        return tuple(sorted(found, key=lambda one: _key(one.name if isinstance(one, Preset) else one.file)))

    def named(self, name: str) -> Preset:
        for one in self.all():
            if isinstance(one, Preset) and _key(one.name) == _key(name):
                return one
        raise NotFound(Phrase(f"There is no preset named “{name}”.", f"没有名为“{name}”的预设。"), code="no_preset")

    def save(self, name: str, options: Options, *, instead: bool = False) -> Preset:
        """A new one, or `instead` of the one that has this name."""
        name = _checked(name)
        options.check()
        there = self._find(name)
        if there is not None and not instead:
            raise _is_there(name)
        return self._write(Preset(name, options, there.file if there else self._new_file(name)))

    def rename(self, preset: Preset, name: str) -> Preset:
        """Its file is renamed with it."""
        name = _checked(name)
        there = self._find(name)
        if there is not None and there.file != preset.file:
            raise _is_there(name)
        renamed = self._write(Preset(name, preset.options, self._new_file(name, preset.file)))
        if renamed.file != preset.file:
            self._remove(preset.file)
        return renamed

    def delete(self, preset: Preset) -> None:
        """`add` brings it back."""
        self._remove(preset.file)

    def add(self, preset: Preset) -> Preset:
        """One from somewhere else; it is numbered if there is one of that name."""
        taken = {_key(one.name) for one in self.all() if isinstance(one, Preset)}
        name = _unlike(preset.name, taken)
        return self._write(Preset(name, preset.options, self._new_file(name)))

    def bring(self, path: Path) -> Preset:
        """Take in a file from anywhere."""
        return self.add(read(path))

    def export(self, preset: Preset, path: Path) -> None:
        write_file(path, written(preset))

    # ---- inside

    def _files(self) -> Iterator[Path]:
        try:
            found = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        except OSError as error:
            raise storage_error(error, self._folder) from error
        for path in found:
            if path.suffix.lower() == ".json" and not path.name.startswith("."):
                yield path

    def _find(self, name: str) -> Preset | None:
        return next((one for one in self.all() if isinstance(one, Preset) and _key(one.name) == _key(name)), None)

    def _write(self, preset: Preset) -> Preset:
        write_file(self._folder / safe_name(preset.file), written(preset))
        return preset

    def _remove(self, file: str) -> None:
        path = self._folder / safe_name(file)
        try:
            path.unlink()
        except FileNotFoundError as error:
            raise NotFound(
                Phrase("This preset is not there any more.", "该预设已不存在。"), code="no_preset"
            ) from error
        except OSError as error:
            raise storage_error(error, path) from error

    def _new_file(self, name: str, own: str = "") -> str:
        """A name that no other file has on a disk that does not tell A from a; `own` may stay."""
        others = {_key(path.name) for path in self._files() if path.name != own}
        stem, number = file_stem(name), 1
        file = stem + SUFFIX
        if _key(file) == _key(own):
            return own
        while _key(file) in others:
            number += 1
            file = f"{stem} {number}{SUFFIX}"
        return file


def is_preset(path: Path) -> bool:
    """Whether a file that is dropped somewhere means to be one; never raises."""
    if path.name.lower().endswith(SUFFIX):
        return True
    if path.suffix.lower() != ".json":
        return False
    try:
        found = _parsed(path)
    except BackendError:
        return False
    return isinstance(found, dict) and _MARK in found


def read(path: Path) -> Preset:
    """What is in a file from anywhere; its `file` is empty."""
    found = _parsed(path)
    if not isinstance(found, dict) or _MARK not in found:
        raise _bad(path, Phrase("it is no preset of DeskSeek", "不是 DeskSeek 的预设"))
    version = found[_MARK]
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise _bad(path, Phrase("its version is no number", "版本号无效"))
    if version > VERSION:
        raise InvalidInput(
            Phrase(f"{path.name} was made by a newer DeskSeek.", f"{path.name} 由更新版本的 DeskSeek 创建。"),
            Phrase("Update DeskSeek to use it.", "请更新 DeskSeek 后再使用。"),
            code="preset_too_new",
        )
    name, options = found.get("name"), found.get("options", {})
    if not isinstance(name, str) or not isinstance(options, dict):
        raise _bad(path, Phrase("its name or its options are missing", "缺少名称或选项"))
    known = {one.name for one in OPTIONS}
    for key in (*found.keys() - {_MARK, "name", "options"}, *options.keys() - known):
        shown = ascii(key[:40])
        raise _bad(path, Phrase(f"nothing is known of {shown}", f"其中的 {shown} 无法识别"))
    for one in OPTIONS:
        if one.name in options:
            one.check(options[one.name])
    return Preset(_checked(name), Options.of(options))


def written(preset: Preset) -> bytes:
    """The file."""
    content = {_MARK: VERSION, "name": preset.name, "options": preset.options.differing()}
    return json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n"


def file_stem(name: str) -> str:
    """`name` as that of a file on every system: what cannot be in one becomes "-"."""
    text = "".join("-" if c in _NEITHER or not c.isprintable() else c for c in unicodedata.normalize("NFC", name))
    while len(text.encode()) > _LONGEST_STEM:
        text = text[:-1]
    text = text.strip(". ") or "preset"
    try:
        return safe_name(text)
    except InvalidInput:
        return f"preset {text}"  # con, nul, …


def _parsed(path: Path) -> Any:
    try:
        if not path.is_file():
            raise NotFound(Phrase(f"There is no file {path}.", f"文件不存在：{path}。"), code="no_file")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise storage_error(error, path) from error
    if len(content) > LARGEST:
        raise InvalidInput(
            Phrase(f"{path.name} is too large for a preset.", f"{path.name} 作为预设过大。"),
            Phrase("A preset has at most 64 KB.", "预设文件不超过 64 KB。"),
            code="preset_too_large",
        )
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _bad(path, Phrase("it is no JSON", "不是有效的 JSON")) from error


def _checked(name: str) -> str:
    """On one line, without what cannot be seen."""
    whole = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", name))
    name = " ".join(whole.split())[:LONGEST_NAME].strip()
    if not name:
        raise InvalidInput(Phrase("A preset needs a name.", "请为预设输入名称。"), code="no_name")
    return name


def _key(name: str) -> str:
    """What two names have in common that a person, or a disk, takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _unlike(name: str, taken: set[str]) -> str:
    number, different = 1, name
    while _key(different) in taken:
        number += 1
        different = f"{name[: LONGEST_NAME - 6]} ({number})"
    return different


def _is_there(name: str) -> InvalidInput:
    return InvalidInput(
        Phrase(f"There is a preset named “{name}” already.", f"已有名为“{name}”的预设。"),
        Phrase("Choose another name, or replace it.", "请换一个名称，或替换原预设。"),
        code="preset_there",
    )


def _bad(path: Path, why: Phrase) -> InvalidInput:
    return InvalidInput(
        Phrase(f"{path.name} cannot be used: {why.en}.", f"无法使用 {path.name}：{why.zh}。"),
        code="bad_preset",
    )
