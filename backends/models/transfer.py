"""The bytes of one file, from a hub into its part, whatever the other side does.

One attempt asks for what is missing (Range) and appends what comes. The other side may ignore the Range, lie about the
size, send a web page, or break off: then the part holds only bytes of the file, from its beginning, or nothing new.
"""

import os
import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import FileIO
from pathlib import Path
from urllib.parse import urlsplit

from backends.core.cancel import CancelToken
from backends.core.errors import DownloadError
from backends.core.network import Network, Response
from backends.core.phrase import Phrase
from backends.models.progress import DownloadEvent, DownloadVerifying, Meter
from backends.models.refusals import not_a_hub, refusal
from backends.models.sources import Hub, RemoteFile
from backends.models.space import gigabytes

CHUNK = 1 << 20
SYNC_EVERY = 256 << 20  # bytes that a power cut may cost
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

# What may be better in a moment: the next attempt goes on from where this one ended.
PASSING = {"connection_lost", "timeout", "no_network", "hub_unavailable", "rate_limited", "link_expired", "wrong_range"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the bytes of one file come from."""

    network: Network
    hub: Hub
    repo: str
    file: str
    remote: RemoteFile
    silence: float  # seconds without a byte before the connection is given up


class PartFile:
    """The bytes so far of one file; open while a `with` block lasts.

    Hashes what it appends, as long as that began with the first byte.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        self.arrived = path.stat().st_size if path.exists() else 0
        self.resumed = self.arrived > 0  # some bytes are from an earlier run
        self._hash = sha256()
        self._hashed = 0
        self._unsynced = 0
        self._file: FileIO | None = None

    def __enter__(self) -> "PartFile":
        self._file = FileIO(self.path, "ab")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None

    @property
    def whole(self) -> bool:
        return self.arrived == self.size

    def append(self, data: bytes) -> None:
        assert self._file is not None, "append() belongs inside the with block"
        view = memoryview(data)
        while view:
            count = self._file.write(view) or 0
            if self._hashed == self.arrived:
                self._hash.update(view[:count])
                self._hashed += count
            self.arrived += count
            self._unsynced += count
            view = view[count:]
        if self._unsynced >= SYNC_EVERY or self.whole:
            os.fsync(self._file.fileno())
            self._unsynced = 0

    def start(self, count: int) -> bytes:
        with self.path.open("rb") as file:
            return file.read(count)

    def clear(self) -> None:
        """Begin anew."""
        self.path.unlink(missing_ok=True)
        self.arrived = self._hashed = 0
        self.resumed = False
        self._hash = sha256()

    def digest(self, cancel: CancelToken) -> Generator[DownloadEvent, None, str]:
        """The sha256 in hexadecimal; reads again what was not hashed when it came."""
        if self._hashed != self.arrived:
            self._hash, self._hashed = sha256(), 0
            percent = -1
            with self.path.open("rb") as file:
                while data := file.read(8 * CHUNK):
                    cancel.check()
                    self._hash.update(data)
                    self._hashed += len(data)
                    if percent < (percent := self._hashed * 100 // self.size):
                        yield DownloadVerifying(percent / 100)
        return self._hash.hexdigest()


def attempt(
    source: Source, part: PartFile, look: Callable[[PartFile], None], meter: Meter, cancel: CancelToken
) -> Iterator[DownloadEvent]:
    """Ask once for the bytes that `part` lacks and append what comes, until it is whole or something fails.

    `look` is called whenever bytes have arrived, and raises if they are not what was meant.
    """
    start = part.arrived
    headers = source.hub.headers() | ({"Range": f"bytes={start}-"} if start else {})
    request = source.network.open(
        "model download",
        "GET",
        source.remote.url,
        headers=headers,
        timeout=source.silence,
        cancel=cancel,
        secret_host=source.hub.host,
        private_host=source.hub.hostname,
    )
    with request as answer:
        skip = start - _beginning(answer, source, start)
        with part:
            for data in answer.chunks(CHUNK):
                fresh = data[skip:]
                skip = max(0, skip - len(data))
                if part.arrived + len(fresh) > part.size:
                    raise _wrong_size(source, "more")
                part.append(fresh)
                look(part)
                if meter.moved(len(fresh)):
                    yield meter.report(source.file)
    if not part.whole:
        raise _lost(source)


def _beginning(answer: Response, source: Source, start: int) -> int:
    """At which byte of the file the body begins. Raises for an answer whose body is not the file."""
    host = urlsplit(answer.url).netloc
    if answer.status == 416:
        raise _wrong_size(source, answer.headers.get("Content-Range", "").rpartition("/")[2])
    if answer.status in (401, 403, 404, 410) and host != source.hub.host:  # signed addresses live for an hour or so
        raise DownloadError(
            Phrase(f"{host} does not give {source.file} any more.", f"{host} 已不再提供 {source.file}。"),
            Phrase("Try again in a moment.", "请稍后重试。"),
            code="link_expired",
        )
    if answer.status >= 400:
        raise refusal(answer.status, answer.headers, endpoint=source.hub.endpoint, repo=source.repo, file=source.file)
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise not_a_hub(source.hub.endpoint)
    size = source.remote.size
    if answer.status == 206:
        said = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if said is None or int(said[1]) != start:
            raise DownloadError(
                Phrase(f"{host} sent another piece than was asked for.", f"{host} 返回的内容范围与请求不符。"),
                Phrase("Try again, or use another mirror.", "请重试，或使用其他镜像站点。"),
                code="wrong_range",
            )
        if said[2] not in ("*", str(size)):
            raise _wrong_size(source, said[2])
        return start
    length = answer.headers.get("Content-Length", "")
    if answer.status != 200 or (length and length != str(size)):
        raise _wrong_size(source, length) if answer.status == 200 else not_a_hub(source.hub.endpoint)
    return 0


def _wrong_size(source: Source, found: str) -> DownloadError:
    """`found`: the size in bytes that the server has, if it says."""
    size = gigabytes(source.remote.size)
    other = gigabytes(int(found)) if found.isdecimal() else ""
    return DownloadError(
        Phrase(
            f"The hub says that {source.file} has {size}, but its server sends {other or 'another size'}.",
            f"站点声明 {source.file} 大小为 {size}，但服务器发送的{f'是 {other}' if other else '大小不同'}。",
        ),
        Phrase("Try again later, or use another mirror.", "请稍后再试，或使用其他镜像站点。"),
        code="size_mismatch",
    )


def _lost(source: Source) -> DownloadError:
    return DownloadError(
        Phrase(
            f"{source.hub.host} broke off in {source.file}.", f"{source.hub.host} 中途断开了 {source.file} 的传输。"
        ),
        Phrase("Try again; what has arrived is kept.", "请重试；已下载的部分会保留。"),
        code="connection_lost",
    )
