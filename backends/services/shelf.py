"""The models on this disk: looked for, taken in, removed."""

from collections.abc import Iterator
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.stream import Runner, Stream
from backends.models.types import LocalModel
from backends.services.foundation import Foundation


class ShelfServices:
    """Its thread: `files`."""

    def __init__(self, foundation: Foundation, runner: Runner) -> None:
        self._base = foundation
        self._runner = runner

    def rescan(self) -> Stream[tuple[LocalModel, ...]]:
        """Look through the model folder."""

        def scan(*, cancel: CancelToken) -> Iterator[tuple[LocalModel, ...]]:
            yield self._base.library.rescan()

        return self._runner.start(scan)

    def add_file(self, path: Path) -> Stream[LocalModel]:
        """Take a GGUF of the person's own into the library, in place."""

        def add(*, cancel: CancelToken) -> Iterator[LocalModel]:
            model = self._base.library.add(path)
            self._base.changed("library")
            yield model

        return self._runner.start(add)

    def remove(self, model: LocalModel) -> Stream[None]:
        """Delete a downloaded model, or forget a file of the person's own."""

        def remove(*, cancel: CancelToken) -> Iterator[None]:
            engine = self._base.engine
            if engine.model is not None and engine.model.path == model.path:
                for _ in engine.unload():
                    pass
            self._base.library.remove(model.id)
            self._base.changed("library")
            yield None

        return self._runner.start(remove)
