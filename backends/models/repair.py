"""A file whose sum is wrong is mended where it is wrong, and not fetched anew.

First by the disk: blocks that do not lie there as they came are fetched again. If all lie there as they came, a source
has sent other bytes: the blocks are compared with those of the next source, and replaced where they differ, until the
sum is right or every source has been compared with.
"""

import threading
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from io import FileIO
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.errors import NotFound
from backends.core.paths import safe_join
from backends.core.phrase import Phrase
from backends.models import partial
from backends.models.part_file import PartFile, each_crc, write
from backends.models.progress import DownloadEvent, DownloadVerifying
from backends.models.segments import Gap
from backends.models.settling import take_back
from backends.models.space import disk_errors


class Comparison:
    """Takes the bytes of another source, block by block, and puts those into the file that are different.

    `wanted`: the blocks to compare. `replaced`: those that were different.
    """

    def __init__(self, file: PartFile, wanted: Sequence[int]) -> None:
        self.size = file.size
        self.replaced: list[int] = []
        self.spare: deque[memoryview] = deque()
        self._file = file
        self._lock = threading.Lock()
        self._came = dict.fromkeys(wanted, 0)
        self._open: dict[int, bytearray] = {}
        self._wanted = sum(map(file.map.length, wanted))
        self.arrived = 0

    @property
    def block(self) -> int:
        return self._file.block

    @property
    def whole(self) -> bool:
        return self.arrived == self._wanted

    def gaps(self) -> list[Gap]:
        with self._lock:
            found: list[Gap] = []
            for index, came in self._came.items():
                begin, end = index * self.block + came, index * self.block + self._file.map.length(index)
                if begin == end:
                    continue
                if found and found[-1][1] == begin:
                    begin = found.pop()[0]
                found.append((begin, end))
            return found

    def writer(self) -> AbstractContextManager[FileIO]:
        return self._file.writer()

    def check_there(self) -> None:
        self._file.check_there()

    def hand_over(self, at: int, data: memoryview, buffer: memoryview) -> bool:
        """Nobody hashes what is compared."""
        return False

    def put(self, file: FileIO, at: int, data: memoryview, source: int) -> int:
        """As `PartFile.put`; a block is written when all of it has come, and only if it is another."""
        fresh = 0
        while data:
            index, offset = divmod(at, self.block)
            length = self._file.map.length(index)
            piece = data[: length - offset]
            if (whole := self._take(index, offset, piece)) is not None:
                crc = zlib.crc32(whole)
                if crc != self._file.map.crc(index):
                    write(file, index * self.block, memoryview(whole))
                    self.replaced.append(index)
                self._file.map.replace(index, crc, source)
            fresh += len(piece)
            at += len(piece)
            data = data[len(piece) :]
        return fresh

    def _take(self, index: int, offset: int, piece: memoryview) -> bytearray | None:
        """Keep a piece of a block; all of it, if that was the last piece."""
        with self._lock:
            if self._came.get(index) != offset:
                return None  # not wanted, or somebody else was first
            kept = self._open.setdefault(index, bytearray())
            kept += piece
            self._came[index] += len(piece)
            self.arrived += len(piece)
            return self._open.pop(index) if len(kept) == self._file.map.length(index) else None


def reopen(models: Path, path: Path, cancel: CancelToken) -> Iterator[DownloadEvent]:
    """Make of an installed model whose files are damaged a download that lacks only what is damaged.

    `path`: its first file, in the folder `models`. Yields how far it has looked.
    Raises NotFound (`no_receipt`) for a file that was not downloaded, Unavailable, StorageError, Cancelled.
    """
    target = safe_join(models, *path.relative_to(models).parts)
    with disk_errors(target.parent), partial.claim(models, target):
        receipt = partial.read_record(target, partial.RECEIPT)
        if receipt is None or not partial.belongs(models, target, receipt):
            raise NotFound(
                Phrase(
                    f"{path.name} was not downloaded by DeskSeek, so nobody knows where to mend it from.",
                    f"{path.name} 不是由 DeskSeek 下载的，无法得知从何处修复。",
                ),
                Phrase("Download the model again.", "请重新下载该模型。"),
                code="no_receipt",
            )
        damaged: dict[str, list[int]] = {}
        for number, part in enumerate(receipt.parts):
            file = partial.place(models, receipt.repo, part.file, receipt.version)
            damaged[part.file] = found = []
            there = PartFile(file, part.size)
            there.map.believe(part.blocks)
            if not file.exists():
                found.extend(range(there.map.count))
                continue
            size = file.stat().st_size
            for index, crc in each_crc(file, there.map, cancel):
                ends = index * there.block + there.map.length(index)
                if there.map.crc(index) not in (None, crc) or ends > size:
                    found.append(index)
                yield DownloadVerifying((number + (index + 1) / there.map.count) / len(receipt.parts))
        take_back(models, target, receipt, damaged)
