"""ModelScope on 127.0.0.1, as its client modelscope_hub 0.5.1 knows it.

    with ModelScopeServer() as scope:
        scope.add_repo("org/name", {"tiny-Q4_K_M.gguf": path})
        source = open_source(network, scope.address)      # modelscope:http://127.0.0.1:PORT

The list of files is cut at `cap` without a word. A GET of a large file is a 302 to a signed address of the second
server (as the object store of Alibaba), which answers a Range; with status 206, or, as some have seen it do, with 200
and a Content-Range (`partial = 200`). Faults, lies and `requests` as in `tests.kit.hub`; the places are

    "api"    list and search        "get"    GET of a file        "cdn"    GET of its bytes
"""

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.kit.hub_door import Door, HubServers
from tests.kit.hub_files import Repo, StoredFile, store

_BRANCH = "master"


class ModelScopeServer(HubServers):
    def __init__(self, *, cap: int = 3000) -> None:
        super().__init__()
        self.cap = cap
        self.partial = 206
        self.bare_listing = False  # no sha256 in the list
        self._repos: dict[str, Repo] = {}
        self._blobs: dict[str, StoredFile] = {}

    @property
    def address(self) -> str:
        """As it stands in the settings."""
        return f"modelscope:{self.endpoint}"

    def add_repo(
        self,
        name: str,
        files: Mapping[str, Path | bytes],
        *,
        tags: Collection[str] = ("library:gguf",),
        token: str | None = None,
        gated: bool = False,
        plain: Collection[str] = (),
        downloads: int = 0,
    ) -> None:
        """Publish these files. `plain`: those in git itself."""
        stored = {path: store(content, path not in plain) for path, content in files.items()}
        with self._lock:
            self._repos[name] = Repo(name, "", stored, tuple(tags), token, gated, downloads)
            self._blobs.update({file.sha256: file for file in stored.values()})

    # ---- answering

    def _answer(self, door: Door) -> None:
        url = urlsplit(door.path)
        path = unquote(url.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if match := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo/files", path):
            with door.broken_by(self._fault("api")) as broken:
                if not broken and (repo := self._repo(door, match[1], query.get("Revision", _BRANCH))):
                    self._list(door, repo, query.get("Root", ""), query.get("Recursive", "").lower() == "true")
        elif match := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo", path):
            with door.broken_by(self._fault("get")) as broken:
                if not broken and (repo := self._repo(door, match[1], query.get("Revision", _BRANCH))):
                    self._file(door, repo, query.get("FilePath", ""))
        elif path == "/openapi/v1/models":
            with door.broken_by(self._fault("api")) as broken:
                if not broken:
                    self._search(door, query)
        else:
            self._refuse(door, 404, "路径不存在")

    def _refuse(self, door: Door, status: int, message: str) -> None:
        door.send_json({"Code": 10010205001, "Message": message, "RequestId": "1", "Success": False}, status=status)

    def _repo(self, door: Door, name: str, revision: str) -> Repo | None:
        token = (door.headers.get("Authorization") or "").removeprefix("Bearer ")
        repo = self._repos.get(name)
        if token.startswith("bad"):
            self._refuse(door, 401, "用户未登录")
        elif repo is None or repo.token not in (None, token):
            self._refuse(door, 404, "模型不存在")
        elif repo.gated:
            self._refuse(door, 403, "无权访问")
        elif revision != _BRANCH:
            self._refuse(door, 404, "分支不存在")
        else:
            return repo
        return None

    def _list(self, door: Door, repo: Repo, root: str, recursive: bool) -> None:
        folders = {"/".join(path.split("/")[:depth]) for path in repo.files for depth in range(1, path.count("/") + 1)}
        entries = [self._entry(path, None) for path in sorted(folders)]
        entries += [self._entry(path, self._said(repo.name, path, file)) for path, file in repo.files.items()]

        def is_inside(path: str) -> bool:
            inner = path.removeprefix(f"{root}/") if root else path
            return (not root or path.startswith(f"{root}/")) and (recursive or "/" not in inner)

        files = [entry for entry in entries if is_inside(str(entry["Path"]))][: self.cap]
        data = {"Files": files, "IsVisual": 0, "LatestCommitter": {"Id": "c" * 40}}
        door.send_json({"Code": 200, "Data": data, "Message": "success", "RequestId": "1", "Success": True})

    def _entry(self, path: str, file: StoredFile | None) -> dict[str, object]:
        told: dict[str, object] = {"Name": path.rpartition("/")[2], "Path": path, "Revision": "c" * 40, "Mode": "33188"}
        if file is None:
            return told | {"Type": "tree", "Size": 0, "Sha256": "", "IsLFS": False}
        sha256 = "" if self.bare_listing else file.sha256
        return told | {"Type": "blob", "Size": file.size, "Sha256": sha256, "IsLFS": file.lfs}

    def _file(self, door: Door, repo: Repo, path: str) -> None:
        file = repo.files.get(path)
        if file is None:
            self._refuse(door, 404, "文件不存在")
        elif not file.lfs:
            door.send_file(file, {"ETag": f'"{file.blob}"'}, self._fault("cdn"), self.partial)
        else:
            self._signatures += 1
            signed = f"{self.cdn}/lfs/{file.sha256}?name={quote(Path(path).name)}&auth_key={self._signatures}"
            door.send(302, {"Location": signed}, b"")

    def _answer_bytes(self, door: Door) -> None:
        with door.broken_by(fault := self._fault("cdn")) as broken:
            if not broken:
                file = self._blobs[urlsplit(door.path).path.rpartition("/")[2]]
                door.send_file(file, {"ETag": f'"{file.blob}"', "Accept-Ranges": "bytes"}, fault, self.partial)

    def _search(self, door: Door, query: Mapping[str, str]) -> None:
        words = query.get("search", "").lower().split()
        size = int(query.get("page_size", "10"))
        if size > 50:
            door.send(400, {}, json.dumps({"success": False, "code": "InputParameterError"}).encode())
            return
        library = query.get("filter.library", "")
        repos = [
            repo
            for repo in self._repos.values()
            if repo.token is None
            and (not library or f"library:{library}" in repo.tags)
            and all(word in repo.name.lower() for word in words)
        ]
        if query.get("sort") == "downloads":
            repos.sort(key=lambda repo: -repo.downloads)
        models = [
            {
                "id": repo.name,
                "display_name": repo.name.partition("/")[2],
                "downloads": repo.downloads,
                "last_modified": repo.updated,
                "tags": list(repo.tags),
                "private": False,
                "gated": repo.gated,
            }
            for repo in repos[:size]
        ]
        data = {"models": models, "total_count": len(repos), "page_number": 1, "page_size": size}
        door.send_json({"success": True, "request_id": "1", "data": data})
