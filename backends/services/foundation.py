"""What every part of the services stands on: folders, settings, secrets, the network, the catalogue, the engine."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from backends.core.network import Network
from backends.core.paths import Paths
from backends.core.secrets import Secrets
from backends.core.settings import SettingsStore
from backends.core.stream import Stream
from backends.engine.loader import NativeEngine
from backends.models.catalog import Catalog
from backends.models.experience import Experience
from backends.models.library import Library

Change = Literal[
    "settings",
    "library",
    "model",
    "downloads",
    "documents",
    "api",
    "requests",
    "chats",
    "monitor",
    "erased",  # the past of the monitor
    "connections",
]


@dataclass(slots=True)
class Foundation:
    """Made once by `Services`. `secrets` may be exchanged before the first use (tests have a keyring of their own)."""

    paths: Paths
    settings: SettingsStore
    secrets: Secrets
    network: Network
    catalog: Catalog
    library: Library
    engine: NativeEngine
    experience: Experience
    _listeners: list[Stream[Change]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def models_folder(self) -> Path:
        return folder_of_models(self.paths, self.settings)

    def changes(self) -> Stream[Change]:
        """Says what has changed, whoever changed it (the window, a command in this process), until it is cancelled."""
        stream: Stream[Change] = Stream("changes")
        with self._lock:
            self._listeners.append(stream)
        return stream

    def changed(self, what: Change) -> None:
        with self._lock:
            self._listeners = [stream for stream in self._listeners if not stream.cancelled]
            listeners = list(self._listeners)
        for stream in listeners:
            stream.put(what)


def engine_version() -> str:
    """Of llama-cpp-python, without loading it; "" if it is not installed."""
    from importlib import metadata

    try:
        return metadata.version("llama-cpp-python")
    except metadata.PackageNotFoundError:
        return ""


def folder_of_models(paths: Paths, settings: SettingsStore) -> Path:
    chosen = settings.current.models.folder
    return Path(chosen).expanduser() if chosen else paths.models
