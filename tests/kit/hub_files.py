"""What `tests.kit.hub` holds: repositories and their files, as the hub lists them."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 16


@dataclass(frozen=True)
class StoredFile:
    content: Path | bytes
    size: int
    sha256: str
    lfs: bool

    @property
    def blob(self) -> str:
        return hashlib.sha1(self.sha256.encode()).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.blob

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        if isinstance(self.content, bytes):
            for at in range(start, end, CHUNK):
                yield self.content[at : min(at + CHUNK, end)]
            return
        with self.content.open("rb") as file:
            file.seek(start)
            while start < end and (chunk := file.read(min(CHUNK, end - start))):
                start += len(chunk)
                yield chunk


@dataclass(frozen=True)
class Repo:
    name: str
    commit: str
    files: Mapping[str, StoredFile]
    tags: tuple[str, ...]
    token: str | None  # needed to see it
    gated: bool
    downloads: int = 0
    updated: str = "2026-10-01T08:30:00.000Z"


def store(content: Path | bytes, lfs: bool) -> StoredFile:
    if isinstance(content, bytes):
        return StoredFile(content, len(content), hashlib.sha256(content).hexdigest(), lfs)
    with content.open("rb") as file:
        return StoredFile(content, content.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest(), lfs)


def sibling(path: str, file: StoredFile) -> dict[str, object]:
    sibling: dict[str, object] = {"rfilename": path, "size": file.size, "blobId": file.blob}
    if file.lfs:
        sibling["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": 134}
    return sibling


def listed(path: str, file: StoredFile) -> dict[str, object]:
    listed: dict[str, object] = {"type": "file", "oid": file.blob, "size": file.size, "path": path}
    if file.lfs:
        listed["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": 134}
    return listed


def found(repo: Repo) -> dict[str, object]:
    """As a search on the hub tells it."""
    told = {"_id": "1", "id": repo.name, "modelId": repo.name, "downloads": repo.downloads, "tags": list(repo.tags)}
    return told | {"private": False, "gated": "auto" if repo.gated else False, "lastModified": repo.updated}
