"""The bytes of one stretch of a file, from a source onto the disk, whatever the other side does.

One attempt asks for what the stretch lacks (Range) and writes what comes. The other side may ignore the Range, lie
about the size, send a web page, or break off: then only bytes of the file were written, each to its place, or nothing.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import FileIO
from typing import Protocol
from urllib.parse import urlsplit

from backends.core.cancel import CancelToken
from backends.core.errors import DownloadError
from backends.core.network import Network, Response
from backends.core.phrase import Phrase
from backends.models.limit import RateLimit
from backends.models.part_file import PIECE
from backends.models.refusals import not_a_hub, refusal
from backends.models.remote import RemoteFile, Source
from backends.models.segments import Gap, Segment, Segments
from backends.models.space import gigabytes

_WRITE_AFTER = 0.1  # seconds, where the bytes come slowly
_SMALLEST = 64 << 10  # bytes; larger pieces for larger files, so that a kill -9 costs less than a thousandth of it
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")

# What may be better in a moment: the next attempt goes on from where this one ended.
PASSING = {"connection_lost", "timeout", "no_network", "hub_unavailable", "rate_limited", "link_expired", "wrong_range"}
NO_RANGE = "no_range"  # the server gives the whole file only


class Sink(Protocol):
    """Where the bytes of a file go: a `PartFile`, or something that compares them with one."""

    size: int
    spare: deque[memoryview]

    @property
    def block(self) -> int: ...
    @property
    def arrived(self) -> int: ...
    @property
    def whole(self) -> bool: ...
    def gaps(self) -> list[Gap]: ...
    def writer(self) -> AbstractContextManager[FileIO]: ...
    def put(self, file: FileIO, at: int, data: memoryview, source: int) -> int: ...
    def check_there(self) -> None: ...
    def hand_over(self, at: int, data: memoryview, buffer: memoryview) -> bool: ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the bytes of one file come from: `number` is the source's place in the list, kept in the map."""

    network: Network
    source: Source
    repo: str
    file: str
    remote: RemoteFile
    number: int
    silence: float  # seconds without a byte before the connection is given up
    limit: RateLimit


@dataclass(frozen=True, slots=True)
class Errand:
    """What one connection is to do."""

    origin: Origin
    sink: Sink
    segments: Segments
    segment: Segment
    look: Callable[[], None]


def attempt(errand: Errand, *, cancel: CancelToken) -> Iterator[None]:
    """Ask once for the bytes of the stretch and write what comes, until it is done or something fails.

    `look` is called whenever bytes were written, and raises if they are not what was meant.
    Raises BackendError (those of the network and the sources, `size_mismatch`, `link_expired`, …), OSError.
    """
    origin, sink, segment = errand.origin, errand.sink, errand.segment
    start, size = segment.at, sink.size
    asked = None if start == 0 and segment.end == size else f"bytes={start}-{segment.end - 1}"
    if asked and segment.end == size:
        asked = f"bytes={start}-"
    request = origin.network.open(
        "model download",
        "GET",
        origin.remote.url,
        headers=origin.source.headers() | ({"Range": asked} if asked else {}),
        timeout=origin.silence,
        cancel=cancel,
        secret_host=origin.source.host,
        private_host=origin.source.hostname,
    )
    with request as answer:
        at, whole = _beginning(answer, origin, start)
        if whole and asked and not errand.segments.widen(segment, size):
            raise DownloadError(
                Phrase(f"{origin.source.host} gives whole files only.", f"{origin.source.host} 只提供完整文件。"),
                Phrase("Use one connection (Settings, Network).", "请将连接数设为 1（设置 → 网络）。"),
                code=NO_RANGE,
            )
        with sink.writer() as file:
            buffers = _Buffers(sink, origin.remote.size)
            for data in _pieces(answer, origin, buffers, cancel):
                if at + len(data) > size:
                    raise _wrong_size(origin, "more")
                skip = max(0, segment.at - at)
                fresh = data[skip : skip + segment.left]
                at += len(data)
                if fresh:
                    if sink.put(file, segment.at, fresh, origin.number) == len(fresh):
                        buffers.hand_over(segment.at, fresh)
                    errand.segments.advance(segment, len(fresh))
                    errand.look()
                if segment.done:
                    break
    yield None
    if not segment.done:
        raise _lost(origin)


class _Buffers:
    """What pieces are read into. One that is handed over to who hashes is replaced by one that is free again."""

    def __init__(self, sink: Sink, size: int) -> None:
        self.most = min(PIECE, max(_SMALLEST, size >> 11))
        self.current = memoryview(bytearray(self.most))
        self._sink = sink

    def hand_over(self, at: int, data: memoryview) -> None:
        if self._sink.hand_over(at, data, self.current):
            free = self._sink.spare
            self.current = free.popleft() if free else memoryview(bytearray(self.most))


def _pieces(answer: Response, origin: Origin, buffers: _Buffers, cancel: CancelToken) -> Iterator[memoryview]:
    """The body, in large pieces as long as it comes fast; what had come before something fails, too."""
    most, buffer = buffers.most, buffers.current
    filled, begun, limit = 0, time.monotonic(), origin.limit
    try:
        while count := answer.read_into(buffer[filled : filled + limit.piece(most - filled)]):
            filled += count
            limit.take(count, cancel)
            now = time.monotonic()
            if filled >= most // 2 or now - begun >= _WRITE_AFTER:
                ready, filled, begun = filled, 0, now
                yield buffer[:ready]
                buffer = buffers.current
    except Exception:
        if filled:
            yield buffer[:filled]
        raise
    cancel.check()
    if filled:
        yield buffer[:filled]


def _beginning(answer: Response, origin: Origin, start: int) -> tuple[int, bool]:
    """At which byte of the file the body begins, and whether it is all of the file. Raises for an answer whose body is
    not the file."""
    host, source = urlsplit(answer.url).netloc, origin.source
    if answer.status == 416:
        raise _wrong_size(origin, answer.headers.get("Content-Range", "").rpartition("/")[2])
    if answer.status in (401, 403, 404, 410) and host != source.host:  # signed addresses live for an hour or so
        raise DownloadError(
            Phrase(f"{host} does not give {origin.file} any more.", f"{host} 已不再提供 {origin.file}。"),
            Phrase("Try again in a moment.", "请稍后重试。"),
            code="link_expired",
        )
    if answer.status >= 400:
        raise refusal(
            answer.status,
            answer.headers,
            endpoint=source.endpoint,
            repo=origin.repo,
            file=origin.file,
            page=source.page(origin.repo),
        )
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise not_a_hub(source.endpoint)
    size, said = origin.remote.size, answer.headers.get("Content-Range", "")
    if answer.status == 206 or (answer.status == 200 and said):  # some servers of ModelScope say 200
        found = _CONTENT_RANGE.fullmatch(said)
        if found is None or int(found[1]) != start:
            raise DownloadError(
                Phrase(f"{host} sent another piece than was asked for.", f"{host} 返回的内容范围与请求不符。"),
                Phrase("Try again, or use another mirror.", "请重试，或使用其他镜像站点。"),
                code="wrong_range",
            )
        if found[3] not in ("*", str(size)):
            raise _wrong_size(origin, found[3])
        return start, False
    length = answer.headers.get("Content-Length", "")
    if answer.status != 200 or (length and length != str(size)):
        raise _wrong_size(origin, length) if answer.status == 200 else not_a_hub(source.endpoint)
    return 0, True


def _wrong_size(origin: Origin, found: str) -> DownloadError:
    """`found`: the size in bytes that the server has, if it says."""
    size = gigabytes(origin.remote.size)
    other = gigabytes(int(found)) if found.isdecimal() else ""
    return DownloadError(
        Phrase(
            f"The hub says that {origin.file} has {size}, but its server sends {other or 'another size'}.",
            f"站点声明 {origin.file} 大小为 {size}，但服务器发送的{f'是 {other}' if other else '大小不同'}。",
        ),
        Phrase("Try again later, or use another mirror.", "请稍后再试，或使用其他镜像站点。"),
        code="size_mismatch",
    )


def _lost(origin: Origin) -> DownloadError:
    host = origin.source.host
    return DownloadError(
        Phrase(f"{host} broke off in {origin.file}.", f"{host} 中途断开了 {origin.file} 的传输。"),
        Phrase("Try again; what has arrived is kept.", "请重试；已下载的部分会保留。"),
        code="connection_lost",
    )
