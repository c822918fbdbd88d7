"""Which connections this program has made or refused: listed, written to a file, erased."""

from collections.abc import Iterator
from pathlib import Path

from backends.core import connection_words
from backends.core.cancel import CancelToken
from backends.core.connections import Connection
from backends.core.files import write_file
from backends.core.phrase import Language
from backends.core.stream import Runner, Stream
from backends.services.foundation import Foundation


class ConnectionServices:
    """`changed` ("connections") tells when there is one more, or one has ended. Its thread: `connections`."""

    def __init__(self, foundation: Foundation) -> None:
        self._network = foundation.network
        self._runner = Runner("connections")
        foundation.network.log.changed = lambda: foundation.changed("connections")

    def close(self) -> None:
        self._runner.close()

    def recent(self) -> tuple[Connection, ...]:
        """The last thousand, oldest first, those of earlier runs among them."""
        return self._network.connections()

    def erase(self) -> Stream[None]:
        """Forget all of them, on the disk too. StorageError comes out of it."""
        return self._runner.start(self._erase)

    def export(self, path: Path, language: Language) -> Stream[Path]:
        """As CSV; the path, when it is written. StorageError comes out of it."""
        return self._runner.start(self._export, path, language)

    def _erase(self, *, cancel: CancelToken) -> Iterator[None]:
        self._network.log.erase()
        yield None

    def _export(self, path: Path, language: Language, *, cancel: CancelToken) -> Iterator[Path]:
        write_file(path, "".join(connection_words.table(self.recent(), language)).encode())
        yield path
