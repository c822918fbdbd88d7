"""A hub on 127.0.0.1 that speaks the protocol of huggingface.co as huggingface_hub 2.4 uses it.

    with HubServer() as hub:
        hub.add_repo("org/name", {"tiny-Q4_K_M.gguf": path})
        hub.fail("cdn", cut(after=1000), times=2)
        ...
        assert hub.ranges("tiny-Q4_K_M.gguf") == [(0, 1000), (1000, 5000)]

There are two servers, as in the world: the hub answers the API and `/{repo}/resolve/{revision}/{file}`; a GET of
a large (LFS) file is a 302 to a signed address on the second one, the CDN, which gives the bytes and Range.
Faults (`tests.kit.faults`) are switched on for one of the places where things go wrong:

    "api"    model info, tree, paths-info, search     "head"   HEAD of a file on the hub
    "get"    GET of a file on the hub                 "cdn"    GET of its bytes

`hub.lie` makes it describe a file wrongly. `hub.requests` keeps every request with its headers and how many bytes of
the body went out. `tests.kit.modelscope` is the same for ModelScope.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.kit.hub_door import Door, HubServers, Request
from tests.kit.hub_files import Repo, StoredFile, found, listed, sibling, store

__all__ = ["HubServer", "Request"]


class HubServer(HubServers):
    def __init__(self, *, page_size: int = 1000, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        self._page_size = page_size
        self._repos: dict[str, Repo] = {}
        self._old: dict[tuple[str, str], Repo] = {}  # by name and commit
        self._blobs: dict[str, StoredFile] = {}
        self.bare_listing = False  # a mirror that leaves sizes and hashes out of the model info
        self.bare_headers = False  # a mirror that drops the X- headers of a file

    # ---- what it holds

    def add_repo(
        self,
        name: str,
        files: Mapping[str, Path | bytes],
        *,
        tags: Collection[str] = ("gguf",),
        token: str | None = None,
        gated: bool = False,
        plain: Collection[str] = (),
        downloads: int = 0,
    ) -> str:
        """Publish these files; again with the same name: a new commit. `plain`: those in git itself, with no sha256.
        Gives the commit."""
        stored = {path: store(content, path not in plain) for path, content in files.items()}
        commit = hashlib.sha1(repr([(path, f.sha256) for path, f in stored.items()]).encode()).hexdigest()
        repo = Repo(name, commit, stored, tuple(tags), token, gated, downloads)
        with self._lock:
            self._repos[name] = self._old[name, commit] = repo
            self._blobs.update({file.sha256: file for file in stored.values()})
        return commit

    # ---- answering

    def _answer(self, door: Door) -> None:
        url = urlsplit(door.path)
        path = unquote(url.path)
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(door, match[1], match[2], match[3])
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(tree|paths-info|revision)/([^/]+))?", path):
            with door.broken_by(self._fault("api")) as broken:
                if not broken:
                    self._api(door, match[1], match[2], match[3], parse_qs(url.query))
        elif path == "/api/models":
            with door.broken_by(self._fault("api")) as broken:
                if not broken:
                    self._search(door, parse_qs(url.query))
        else:
            door.send(404, {"X-Error-Code": "RepoNotFound"}, b"{}")

    def _search(self, door: Door, query: dict[str, list[str]]) -> None:
        words = query.get("search", [""])[0].lower().split()
        tags = query.get("filter", [])
        repos = [
            repo
            for repo in self._repos.values()
            if repo.token is None and set(tags) <= set(repo.tags) and all(word in repo.name.lower() for word in words)
        ]
        if query.get("sort") == ["downloads"]:
            repos.sort(key=lambda repo: -repo.downloads)
        door.send_json([found(repo) for repo in repos[: int(query.get("limit", ["1000"])[0])]])

    def _repo(self, door: Door, name: str, revision: str | None) -> Repo | None:
        """The repository if it is there and the caller may see it; else the hub's answer is given."""
        token = (door.headers.get("Authorization") or "").removeprefix("Bearer ")
        repo = self._repos.get(name) if revision in (None, "main") else self._old.get((name, revision))
        if token.startswith("bad"):
            message = "Invalid credentials in Authorization header"
            door.send(401, {"X-Error-Message": message}, json.dumps({"error": message}).encode())
        elif name not in self._repos or (self._repos[name].token not in (None, token)):
            headers = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
            door.send(404 if token else 401, headers, b'{"error":"Repository not found"}')
        elif repo is None:
            door.send(404, {"X-Error-Code": "RevisionNotFound"}, b'{"error":"Invalid rev id"}')
        else:
            return repo
        return None

    def _api(self, door: Door, name: str, what: str | None, revision: str | None, query: dict[str, list[str]]) -> None:
        body = door.body()
        if (repo := self._repo(door, name, revision)) is None:
            return
        if what in (None, "revision"):
            with_blobs = query.get("blobs") == ["true"] and not self.bare_listing
            siblings = [
                sibling(path, self._said(name, path, file)) if with_blobs else {"rfilename": path}
                for path, file in repo.files.items()
            ]
            info = {"_id": "1", "id": name, "sha": repo.commit, "tags": list(repo.tags), "siblings": siblings}
            door.send_json(info | {"private": repo.token is not None, "gated": "auto" if repo.gated else False})
            return
        paths = list(repo.files)
        headers = {}
        if what == "paths-info":
            asked = parse_qs(body.decode())["paths"]
            paths = [path for path in paths if path in asked]
        else:
            begin = int(query.get("cursor", ["0"])[0])
            if begin + self._page_size < len(paths):
                following = f"{self.endpoint}/api/models/{name}/tree/{revision}?recursive=True&cursor="
                headers["Link"] = f'<{following}{begin + self._page_size}>; rel="next"'
            paths = paths[begin : begin + self._page_size]
        door.send_json([listed(path, self._said(name, path, repo.files[path])) for path in paths], headers)

    def _resolve(self, door: Door, name: str, revision: str, path: str) -> None:
        with door.broken_by(fault := self._fault("head" if door.command == "HEAD" else "get")) as broken:
            if broken or (repo := self._repo(door, name, revision)) is None:
                return
            file = repo.files.get(path)
            if repo.gated:
                headers = {"X-Error-Code": "GatedRepo", "X-Error-Message": f"Access to model {name} is restricted."}
                door.send(403, headers, b"Access is restricted.")
                return
            if file is None:
                door.send(404, {"X-Error-Code": "EntryNotFound"}, b"Entry not found")
                return
            said = self._said(name, path, file)
            size = said.size if fault.claimed_size is None else fault.claimed_size
            headers = {"ETag": f'"{said.blob}"', "Accept-Ranges": "bytes"}
            if not self.bare_headers:
                headers["X-Repo-Commit"] = repo.commit
            if not file.lfs:
                door.send_file(file, headers, fault)
                return
            self._signatures += 1
            signed = f"{self.cdn}/blobs/{file.sha256}?name={quote(Path(path).name)}&Signature={self._signatures}"
            linked = {"X-Linked-Etag": f'"{said.sha256}"', "X-Linked-Size": str(size), "Location": signed}
            if self.bare_headers:
                linked = {"Location": signed}
            door.send(302, headers | linked, b"")

    def _answer_bytes(self, door: Door) -> None:
        sha256 = urlsplit(door.path).path.rpartition("/")[2]
        with door.broken_by(fault := self._fault("cdn")) as broken:
            if not broken:
                file = self._blobs[sha256]
                door.send_file(file, {"ETag": f'"{file.etag}"', "Accept-Ranges": "bytes"}, fault)
