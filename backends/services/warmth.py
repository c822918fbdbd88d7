"""What is kept on the disk of what the model has read: how much it is, and forgetting it.

data/states/     one file a conversation or document (engine.states); may be deleted at any time
"""

import contextlib
from collections.abc import Iterator, Set
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.files import storage_error
from backends.core.setting_groups import EngineSettings
from backends.core.settings import Settings
from backends.core.stream import Runner, Stream
from backends.engine.states import StateStore, tidy
from backends.services.descent import within
from backends.services.foundation import Foundation

_GB = 10**9


class WarmthServices:
    """Its thread: `warmth`. When the person does not want it any more, all is forgotten."""

    def __init__(self, foundation: Foundation) -> None:
        self._base = foundation
        self._runner = Runner("warmth")
        self._wanted = foundation.settings.current.engine.warm
        tidy(self.folder)

    def close(self) -> None:
        self._runner.close()

    @property
    def folder(self) -> Path:
        return states_folder(self._base)

    def size(self) -> int:
        """Bytes on the disk now. StorageError if the folder cannot be read."""
        total = 0
        try:
            for path in self.folder.glob("*.state"):
                with contextlib.suppress(FileNotFoundError):  # the engine has just replaced it
                    total += path.stat().st_size
        except OSError as error:
            raise storage_error(error, self.folder) from error
        return total

    def erase(self, labels: Set[str] | None) -> Stream[None]:
        """Forget what was read of these ("conversation:12", "document:5"), on the disk and in memory; None: all. When
        the stream ends it is gone. StorageError if a file cannot be removed."""
        return self._runner.start(self._erase, labels)

    def on_settings(self, settings: Settings) -> None:
        was, self._wanted = self._wanted, settings.engine.warm
        if was and not self._wanted:
            self._runner.start(self._erase, None, for_good=True)

    def _erase(self, labels: Set[str] | None, *, cancel: CancelToken, for_good: bool = False) -> Iterator[None]:
        if self._base.engine.model is not None:
            yield from within(self._base.engine.erase_states(labels, for_good=for_good), cancel)
        StateStore(self.folder, 0).erase(labels)  # those of other models, too
        yield None


def states_folder(foundation: Foundation) -> Path:
    return foundation.paths.data / "states"


def states_kept(foundation: Foundation, engine: EngineSettings) -> tuple[Path | None, int]:
    """Where the engine keeps them, None: nowhere, and how many bytes they may take."""
    return (states_folder(foundation) if engine.warm else None), round(engine.warm_budget * _GB)
