"""A process that downloads, and is killed with 9 after so many bytes: in the middle of a piece, while others come.

`python -m tests.kit.pulls ENDPOINT REPO FOLDER COUNTER STOP CONNECTIONS` is the process. COUNTER is a file of eight
bytes that counts what all such processes have received; at STOP received by this one (0: never) it kills itself.
"""

import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.network import Network, NetworkOptions
from backends.models import partial
from backends.models.download import DownloadFinished, DownloadOptions, download, pending
from backends.models.limit import RateLimit
from backends.models.sources import Hub, choose

ROOT = Path(__file__).parents[2]
_COUNT = struct.Struct("<Q")


class Counting(RateLimit):
    """Counts what comes from the network; where it will outlive us."""

    def __init__(self, file: Path, stop: int) -> None:
        super().__init__()
        with file.open("r+b") as opened:
            self._total = mmap.mmap(opened.fileno(), _COUNT.size)
        self._stop = stop
        self._own = 0
        self._one = threading.Lock()

    def take(self, count: int, cancel: CancelToken) -> None:
        with self._one:
            self._own += count
            _COUNT.pack_into(self._total, 0, _COUNT.unpack_from(self._total)[0] + count)
            if self._stop and self._own >= self._stop:
                os.kill(os.getpid(), signal.SIGKILL)
        super().take(count, cancel)


@dataclass(frozen=True, slots=True)
class Lost:
    """What one kill cost: bytes that had come and had to come again, of a file of so many."""

    count: int
    size: int

    @property
    def share(self) -> float:
        return self.count / self.size


def kill_pulls(
    endpoint: str, repo: str, size: int, folder: Path, kills: int, chance: random.Random, *, connections: int = 4
) -> Iterator[Lost]:
    """Download again and again, killed at random points, until there were so many kills and a model is whole."""
    counter = folder / "counter"
    counter.write_bytes(_COUNT.pack(0))
    models, number = folder / "models", 0
    while number < kills:
        before, had = received(counter), arrived(models)
        stop = chance.randrange(1, size - had) if size - had > 1 else 0
        child = run(endpoint, repo, models, counter, stop, connections)
        has = arrived(models)
        if child == 0:
            next(models.rglob("*.gguf.json")).unlink()
            next(models.rglob("*.gguf")).unlink()
            continue
        number += 1
        yield Lost(received(counter) - before - (has - had), size)
    assert run(endpoint, repo, models, counter, 0, connections) == 0
    (receipt,) = models.rglob("*.gguf.json")
    record = partial.read_record(receipt.with_suffix(""), partial.RECEIPT)
    assert record is not None
    assert record.verified


def received(counter: Path) -> int:
    return _COUNT.unpack(counter.read_bytes())[0]


def arrived(models: Path) -> int:
    return sum(begun.done for begun in pending(models))


def run(endpoint: str, repo: str, models: Path, counter: Path, stop: int, connections: int) -> int:
    command = [sys.executable, "-m", "tests.kit.pulls", endpoint, repo, models, counter, stop, connections]
    return subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode


def main(endpoint: str, repo: str, models: str, counter: str, stop: str, connections: str) -> None:
    network = Network(NetworkOptions())
    hub = Hub(network, endpoint)
    options = DownloadOptions(
        connections=int(connections), limit=Counting(Path(counter), int(stop)), smallest=2 << 20, enough=0
    )
    file = choose(hub.files(repo), "", repo)
    events = list(download(network, hub, repo, file, Path(models), cancel=CancelToken(), options=options))
    assert isinstance(events[-1], DownloadFinished)


if __name__ == "__main__":
    main(*sys.argv[1:])
