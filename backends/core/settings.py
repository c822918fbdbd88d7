"""What a person may choose, as data.

`Settings` is a tree of frozen dataclasses, and each field carries what there is to know about it: label, help, range,
choices, whether it takes effect at the next start. The settings dialog, the help of the command line and the validator
are derived from `FIELDS`. The file is JSON and holds only what differs from the defaults; what this version does not
understand in it stays there, so that an older version does not lose the settings of a newer one.

Secrets are not settings; they live in `secrets`.
"""

import difflib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from backends.core.errors import InvalidInput
from backends.core.fields import FieldSpec, Value
from backends.core.files import put_aside, storage_error, write_file
from backends.core.monitor_settings import MonitorSettings
from backends.core.phrase import Phrase
from backends.core.setting_groups import (
    ApiSettings,
    EngineSettings,
    ModelSettings,
    NetworkSettings,
)
from backends.core.window_settings import ChatSettings, GeneralSettings


@dataclass(frozen=True, slots=True)
class Settings:
    general: GeneralSettings = field(default_factory=GeneralSettings)
    models: ModelSettings = field(default_factory=ModelSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    chat: ChatSettings = field(default_factory=ChatSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    monitor: MonitorSettings = field(default_factory=MonitorSettings)


GROUPS: Mapping[str, Phrase] = {
    "general": Phrase("General", "通用"),
    "models": Phrase("Models", "模型"),
    "engine": Phrase("Engine", "引擎"),
    "network": Phrase("Network", "网络"),
    "chat": Phrase("Chat", "聊天"),
    "api": Phrase("API", "API"),
    "monitor": Phrase("Monitor", "监控"),
}


def _specs() -> Iterator[FieldSpec]:
    for group in fields(Settings):
        part = getattr(Settings(), group.name)
        for one in fields(part):
            yield FieldSpec(group.name, one.name, default=getattr(part, one.name), **one.metadata)


FIELDS: tuple[FieldSpec, ...] = tuple(_specs())


def spec(key: str) -> FieldSpec:
    """The setting called `group.name`. Raises InvalidInput `unknown_setting`."""
    for one in FIELDS:
        if one.key == key:
            return one
    keys = [one.key for one in FIELDS]
    close = difflib.get_close_matches(key.lower(), keys, 1, cutoff=0.8)
    raise InvalidInput(
        Phrase(f"There is no setting called {key}.", f"没有名为 {key} 的设置。"),
        Phrase(f"Did you mean {close[0]}?", f"是否想输入 {close[0]}？")
        if close
        else Phrase(f"There are: {', '.join(keys)}.", f"可用的设置：{'、'.join(keys)}。"),
        code="unknown_setting",
    )


def value_of(settings: Settings, key: str) -> Value:
    one = spec(key)
    return getattr(getattr(settings, one.group), one.name)


def with_value(settings: Settings, key: str, value: object) -> Settings:
    """`settings` with one value changed and checked."""
    one = spec(key)
    group = replace(getattr(settings, one.group), **{one.name: one.check(value)})
    return replace(settings, **{one.group: group})


class SettingsStore:
    """The settings of this person, in the file at `path`. Any thread may use it.

    A bad value becomes the default and a damaged file is put aside; `notices` tells of it. Raises StorageError when
    the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Settings], None]] = []
        self._notices: list[Phrase] = []
        self._refused: list[str] = []
        self._written = self._read()
        self._current = self._understand(self._written)

    @property
    def current(self) -> Settings:
        return self._current

    @property
    def notices(self) -> tuple[Phrase, ...]:
        """What was wrong with the file when it was read."""
        return tuple(self._notices)

    @property
    def refused(self) -> tuple[str, ...]:
        """The settings whose values in the file made no sense, each with its notice."""
        return tuple(self._refused)

    def set(self, key: str, value: object) -> Settings:
        """Change `group.name` and save. Raises InvalidInput (`unknown_setting`, `bad_setting`) and StorageError; then
        nothing has changed."""
        return self._change(spec(key), value)

    def reset(self, key: str) -> Settings:
        """Back to the default."""
        one = spec(key)
        return self._change(one, one.default)

    def subscribe(self, callback: Callable[[Settings], None]) -> Callable[[], None]:
        """Call `callback` with the new settings after each change, on the thread that made it. Gives a function that
        ends it."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def _change(self, one: FieldSpec, value: object) -> Settings:
        with self._lock:
            before = self._current
            after = with_value(before, one.key, value)
            group = self._written.get(one.group)
            group = dict(group) if isinstance(group, dict) else {}
            kept = value_of(after, one.key)
            if kept == one.default:
                group.pop(one.name, None)
            else:
                group[one.name] = kept
            written = {**self._written, one.group: group}
            content = json.dumps(written, ensure_ascii=False, indent=2, sort_keys=True)
            write_file(self._path, content.encode() + b"\n")
            self._written, self._current = written, after
        if after != before:
            for callback in list(self._callbacks):
                callback(after)
        return after

    def _read(self) -> dict[str, Any]:
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise storage_error(error, self._path) from error
        try:
            found = json.loads(text.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
        aside = put_aside(self._path)
        self._notices.append(
            Phrase(
                f"The settings could not be read; the usual ones are used. The old file is kept as {aside}.",
                f"无法读取设置，已改用默认设置。原文件保留为 {aside}。",
            )
        )
        return {}

    def _understand(self, written: Mapping[str, Any]) -> Settings:
        settings = Settings()
        for one in FIELDS:
            group = written.get(one.group)
            if group is None or (isinstance(group, dict) and one.name not in group):
                continue
            try:
                value = group[one.name] if isinstance(group, dict) else None
                settings = with_value(settings, one.key, value)
            except InvalidInput as error:
                self._refused.append(one.key)
                self._notices.append(
                    Phrase(
                        f"{error.message.en} The file says something else, so the usual value is used.",
                        f"{error.message.zh}文件中的值无效，已改用默认值。",
                    )
                )
        return settings
