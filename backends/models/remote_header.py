"""The header of a model that is still on a hub: some megabytes by HTTP Range, and never a byte of its weights.

    found = fetch(network, source, repo, file, cache, cancel=cancel)
    found.header     as `gguf.check` gives it for a file on this disk, the parts of a split joined
    found.path       a file of the model's size that holds its header, for llama.cpp to be asked about

What the hub says is not trusted: the sizes must agree, the header is read within its bounds while it comes, and the
connection is cut as soon as it is whole, also where the other side ignores the range and sends everything.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from backends.core.cancel import CancelToken
from backends.core.errors import DownloadError, InvalidInput, NotFound
from backends.core.network import Network, Response
from backends.core.paths import safe_name
from backends.core.phrase import Phrase
from backends.models import gguf
from backends.models.gguf_format import Container, NeedMoreBytes, damaged, read_container
from backends.models.header_cache import Entry, HeaderCache
from backends.models.quants import part_of
from backends.models.refusals import not_a_hub, refusal
from backends.models.sources import Source
from backends.models.types import KINDS, ModelFile

FIRST_RANGE = 16 << 20  # a header with 150,000 tokens takes 5 to 12 MB
SILENCE = 30.0  # seconds without a byte
TRIES = 3
_STEP = 256 << 10  # bytes after which a header that was not whole is looked at again, or a quarter of it
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_PASSING = {"connection_lost", "timeout"}


@dataclass(frozen=True, slots=True)
class RemoteHeader:
    """`path`: a file with the header and a hole, None where the volume has no holes. `fetched`: bytes that came."""

    path: Path | None
    header: gguf.Header
    fetched: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the bytes of one file are, what may be sent there, and what is wrong when they are refused."""

    name: str
    url: str
    size: int
    identity: str
    headers: Mapping[str, str]
    secret_host: str
    private_host: str
    refused: Callable[[Response], Exception]


def fetch(
    network: Network,
    source: Source,
    repo: str,
    file: ModelFile,
    cache: Path,
    *,
    revision: str = "",
    cancel: CancelToken,
) -> RemoteHeader:
    """The header of a file of a repository. What was fetched before is not fetched again.

    Raises what `Source.resolve` and `gguf.check` raise, DownloadError (`size_mismatch`, `wrong_range`, `not_a_hub`,
    and those of the network), NotFound, Unavailable, Cancelled.
    """
    paths = [file.file.rpartition("/")[0] + "/" + part if "/" in file.file else part for part in _names(file)]
    kept = HeaderCache(cache)
    published = file.sha256s if file.parts else (file.sha256,)
    known = [f"{size} sha256 {name}" for name, size in zip(_names(file), published, strict=False) if size]
    if len(known) == len(paths) and (entry := kept.find(known)) and (found := _reread(entry)):
        return found

    def place(path: str) -> _Place:
        remote = source.resolve(repo, path, revision=revision, cancel=cancel)

        def refused(answer: Response) -> Exception:
            host = urlsplit(answer.url).netloc
            if answer.status in (401, 403, 404, 410) and host != source.host:  # a signed address that is out of date
                return _expired(host, path)
            return refusal(answer.status, answer.headers, endpoint=source.endpoint, repo=repo, file=path)

        name = path.rpartition("/")[2]
        what = f"{remote.sha256} sha256 {name}" if remote.sha256 else f"{source.endpoint} {remote.etag} {remote.size}"
        identity = f"{what} {repo} {path} {remote.commit}" if not remote.sha256 else what
        return _Place(name, remote.url, remote.size, identity, source.headers(), source.host, source.hostname, refused)

    return _fetched(network, [place(path) for path in paths], kept, cancel)


def fetch_link(network: Network, url: str, cache: Path, *, cancel: CancelToken) -> RemoteHeader:
    """The header of a GGUF at any address that a person typed; of a split, the address of its first part.

    Raises as `fetch`, and NotFound or DownloadError (`link_refused`) if the address leads to nothing.
    """
    parts = urlsplit(url)
    folder, _, last = parts.path.rpartition("/")
    name = safe_name(unquote(last))
    split = part_of(name)
    if split and split.number != 1:
        raise gguf.not_first(name)
    names = [split.name(number) for number in range(1, min(split.count, gguf.MOST_PARTS) + 1)] if split else [name]
    places = [
        _linked(
            network, parts._replace(path=f"{folder}/{quote(one)}" if one != name else parts.path).geturl(), one, cancel
        )
        for one in names
    ]
    return _fetched(network, places, HeaderCache(cache), cancel)


def _linked(network: Network, url: str, name: str, cancel: CancelToken) -> _Place:
    """Ask for one byte: how large the file is, and by which ETag it is known."""
    host, typed = urlsplit(url).netloc, urlsplit(url).hostname or ""

    def refused(answer: Response) -> Exception:
        return _no_file(answer.status, host, name)

    asked = {"Range": "bytes=0-0"}
    with network.open(
        "model header", "GET", url, headers=asked, timeout=SILENCE, cancel=cancel, private_host=typed
    ) as answer:
        said = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if answer.status >= 400 and answer.status != 416:
            raise refused(answer)
        _refuse_page(answer, host)
        told = said[2] if said else answer.headers.get("Content-Length", "") if answer.status == 200 else ""
        if not told.isdecimal() or not int(told):
            raise DownloadError(
                Phrase(f"{host} does not say how large {name} is.", f"{host} 未说明 {name} 的大小。"),
                Phrase("Download it yourself and plan the file.", "请自行下载后再对文件进行规划。"),
                code="size_unknown",
            )
        etag = answer.headers.get("ETag", "") or answer.headers.get("Last-Modified", "")
    identity = f"{url} {etag} {told}" if etag else ""
    return _Place(name, url, int(told), identity, {}, host, typed, refused)


def _names(file: ModelFile) -> list[str]:
    """What the parts are called, without their folder."""
    return [safe_name(part.rpartition("/")[2]) for part in file.parts or (file.file,)]


def _fetched(network: Network, places: list[_Place], kept: HeaderCache, cancel: CancelToken) -> RemoteHeader:
    identities = [place.identity for place in places]
    if all(identities) and (entry := kept.find(identities)) and (found := _reread(entry)):
        return found
    fetched, heads = 0, {}
    containers: dict[str, Container] = {}
    for place in places:
        if heads and not gguf.header_of(containers[places[0].name], "").split_count == len(places):
            raise damaged("it is not a split of so many parts", "分片数量不符")
        head, containers[place.name], count = _Reading(network, place, cancel).head()
        heads[place.name] = (head, place.size)
        fetched += count
    header = _joined([place.name for place in places], containers)
    entry = None
    if all(identities):
        entry = kept.keep(identities, [(name, head, size) for name, (head, size) in heads.items()])
    return RemoteHeader(entry.path if entry else None, header, fetched)


def _reread(entry: Entry) -> RemoteHeader | None:
    """What was kept, read again; None if it cannot be."""
    names = [part.name for part in entry.parts]
    try:
        header = _joined(names, {name: read_container(*entry.head(name)) for name in names})
    except (OSError, InvalidInput, NeedMoreBytes):
        return None
    return RemoteHeader(entry.path, header, 0)


def _joined(names: list[str], containers: Mapping[str, Container]) -> gguf.Header:
    def read(name: str) -> gguf.Header:
        if name not in containers:
            raise damaged(f"it has no part {name}", f"缺少分片 {name}")
        return gguf.header_of(containers[name], name)

    return gguf.checked(names[0], read(names[0]), read, KINDS)


class _Reading:
    """The beginning of one file as it comes, until the header in it is whole."""

    def __init__(self, network: Network, place: _Place, cancel: CancelToken) -> None:
        self._network = network
        self._place = place
        self._cancel = cancel
        self._head = bytearray()
        self._wanted = 1  # bytes at which it is worth looking again
        self._came = 0

    def head(self) -> tuple[bytes, Container, int]:
        """The header without what comes behind it, what it says, and how many bytes came."""
        stop, failures = FIRST_RANGE, 0
        while True:
            before = len(self._head)
            try:
                found = self._ask(min(stop, self._place.size))
            except DownloadError as error:
                failures = 1 if len(self._head) > before else failures + 1
                if error.code not in _PASSING or failures >= TRIES:
                    raise
                continue
            if found is not None:
                return bytes(self._head[: found.data_start]), found, self._came
            if len(self._head) >= self._place.size:
                raise damaged("its header does not end", "文件头没有结尾")
            if len(self._head) == before:
                raise _broken_off(self._place)
            stop = max(2 * stop, self._wanted)

    def _ask(self, stop: int) -> Container | None:
        """Ask for the bytes up to `stop`; the container as soon as it can be read."""
        place, start = self._place, len(self._head)
        with self._network.open(
            "model header",
            "GET",
            place.url,
            headers={**place.headers, "Range": f"bytes={start}-{stop - 1}"},
            timeout=SILENCE,
            cancel=self._cancel,
            secret_host=place.secret_host,
            private_host=place.private_host,
        ) as answer:
            skip = start - self._beginning(answer, start)
            for data in answer.chunks(_STEP):
                self._came += len(data)
                self._head += data[skip:]
                skip = max(0, skip - len(data))
                if len(self._head) > place.size:
                    raise _wrong_size(place, "")
                if len(self._head) >= min(self._wanted, place.size) and (found := self._look()):
                    return found
        return None

    def _look(self) -> Container | None:
        try:
            return read_container(bytes(self._head), self._place.size)
        except NeedMoreBytes as need:
            if need.count > gguf.LARGEST_HEADER:
                raise damaged("its header is impossibly long", "文件头过长") from need
            self._wanted = max(need.count, len(self._head) * 5 // 4, len(self._head) + _STEP)
            return None

    def _beginning(self, answer: Response, start: int) -> int:
        """At which byte of the file the body begins. Raises for an answer whose body is not the file."""
        place, host = self._place, urlsplit(answer.url).netloc
        if answer.status == 416:
            raise _wrong_size(place, answer.headers.get("Content-Range", "").rpartition("/")[2])
        if answer.status >= 400:
            raise place.refused(answer)
        _refuse_page(answer, host)
        named = answer.headers.get("Content-Range", "")
        if answer.status == 206 or (answer.status == 200 and named):  # some servers of ModelScope say 200
            said = _CONTENT_RANGE.fullmatch(named)
            if said is None or int(said[1]) != start:
                raise DownloadError(
                    Phrase(f"{host} sent another piece than was asked for.", f"{host} 返回的内容范围与请求不符。"),
                    Phrase("Try again, or use another mirror.", "请重试，或使用其他镜像站点。"),
                    code="wrong_range",
                )
            if said[2] not in ("*", str(place.size)):
                raise _wrong_size(place, said[2])
            return start
        length = answer.headers.get("Content-Length", "")
        if answer.status != 200:
            raise not_a_hub(host)
        if length and length != str(place.size):
            raise _wrong_size(place, length)
        return 0


def _refuse_page(answer: Response, host: str) -> None:
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise not_a_hub(host)


def _wrong_size(place: _Place, found: str) -> DownloadError:
    other = f"{int(found):,}" if found.isdecimal() else ""
    return DownloadError(
        Phrase(
            f"{place.name} should have {place.size:,} bytes, but the server sends {other or 'another size'}.",
            f"{place.name} 应为 {place.size:,} 字节，但服务器发送的{f'是 {other} 字节' if other else '大小不同'}。",
        ),
        Phrase("Try again later, or use another mirror.", "请稍后再试，或使用其他镜像站点。"),
        code="size_mismatch",
    )


def _broken_off(place: _Place) -> DownloadError:
    host = urlsplit(place.url).netloc
    return DownloadError(
        Phrase(f"{host} broke off in {place.name}.", f"{host} 中途断开了 {place.name} 的传输。"),
        Phrase("Try again.", "请重试。"),
        code="connection_lost",
    )


def _expired(host: str, file: str) -> DownloadError:
    return DownloadError(
        Phrase(f"{host} does not give {file} any more.", f"{host} 已不再提供 {file}。"),
        Phrase("Try again in a moment.", "请稍后重试。"),
        code="link_expired",
    )


def _no_file(status: int, host: str, name: str) -> NotFound | DownloadError:
    if status in (404, 410):
        return NotFound(
            Phrase(f"There is no {name} on {host}.", f"{host} 上没有 {name}。"),
            Phrase("Check the address.", "请检查地址。"),
            code="file_not_found",
        )
    return DownloadError(
        Phrase(f"{host} does not give {name} (HTTP {status}).", f"{host} 不提供 {name}（HTTP {status}）。"),
        Phrase("Check the address.", "请检查地址。"),
        code="link_refused",
    )
