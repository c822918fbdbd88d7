"""ModelScope (modelscope.cn, its international site modelscope.ai, or a hub that speaks its protocol).

As its client modelscope_hub 0.5.1 asks, and as others have seen it answer:

    list     GET /api/v1/models/ORG/NAME/repo/files?Revision=&Recursive=[&Root=]   Data.Files: Path, Size, Sha256, Type
    file     GET /api/v1/models/ORG/NAME/repo?Revision=&FilePath=                  302 to an object store, with Range
    search   GET /openapi/v1/models?search=&sort=downloads&filter.library=gguf     data.models: id, downloads, …

The list holds at most 3,000 entries and does not say when it was cut. An answer to a Range may have the status 200
with a Content-Range. A refusal may come with the status 200 and `Success: false`.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from backends.core.cancel import CancelToken
from backends.core.errors import DownloadError
from backends.core.fields import MODELSCOPE
from backends.core.network import Network, Response
from backends.core.phrase import NOTHING, Phrase
from backends.models.hub import is_repo_name, size_unknown
from backends.models.links import MODELSCOPE_HOSTS, check_repo
from backends.models.listing import models_in
from backends.models.refusals import not_a_hub, not_in_repository, read_json, refusal
from backends.models.remote import (
    MOST_FOUND,
    SEARCH,
    TIMEOUT,
    RemoteFile,
    check_file,
    plain,
    published_date,
    published_sha256,
    published_size,
    rejected,
    split_endpoint,
)
from backends.models.types import HubModel, ModelFile

BRANCH = "master"
LIST_CAP = 3000  # entries in one list
MOST_LISTS = 64  # lists of folders for one repository
_MOST_PER_PAGE = 50
_OF_OTHERS = ("", "main")


class ModelScope:
    """Fulfils `remote.Source`. The token goes to this host alone, as its client sends it: Bearer and session cookie.

    It pins no commit: what its lists call a revision is that of one file's last change.
    """

    def __init__(self, network: Network, endpoint: str = "https://modelscope.cn", token: str | None = None) -> None:
        parts = split_endpoint(endpoint)
        self._base = endpoint.strip().removeprefix(MODELSCOPE).rstrip("/")
        self.host = parts.netloc
        self.hostname = parts.hostname or ""
        known = self.hostname in MODELSCOPE_HOSTS
        self.endpoint = self._base if known else MODELSCOPE + self._base
        self.name = "ModelScope" if known else self.host
        self.notice = NOTHING
        self._network = network
        self._token = token or None

    def headers(self) -> dict[str, str]:
        """What a request to this hub (and to no other host) carries."""
        token = self._token
        return {"Authorization": f"Bearer {token}", "Cookie": f"m_session_id={token}"} if token else {}

    def page(self, repo: str) -> str:
        return f"{self._base}/models/{repo}"

    def files(self, repo: str, *, revision: str = "", cancel: CancelToken | None = None) -> list[ModelFile]:
        """The models in a repository. Raises as `Hub.files`, and Unavailable (`listing_incomplete`)."""
        check_repo(repo)
        entries = self._list(repo, _branch(revision), "", recursive=True, cancel=cancel)
        if len(entries) >= LIST_CAP:
            entries = self._walk(repo, _branch(revision), cancel)
        files = {
            path: (size, published_sha256(entry.get("Sha256")))
            for entry in entries
            if isinstance(path := entry.get("Path"), str)
            and entry.get("Type") != "tree"
            and (size := published_size(entry.get("Size", 0))) is not None
        }
        return models_in(repo, files, host=self.host)

    def resolve(self, repo: str, file: str, *, revision: str = "", cancel: CancelToken | None = None) -> RemoteFile:
        """Where a file is, how large, and what its sha256 will be. Commits of other hubs mean the usual branch."""
        check_repo(repo)
        folder = check_file(file).rpartition("/")[0]
        branch = _branch(revision)
        for entry in self._list(repo, branch, folder, recursive=False, cancel=cancel):
            if entry.get("Path") == file and entry.get("Type") != "tree":
                size, sha256 = published_size(entry.get("Size")), published_sha256(entry.get("Sha256"))
                if not size:
                    raise size_unknown(self.host, file)
                query = urlencode({"Revision": branch, "FilePath": file}, quote_via=quote)
                return RemoteFile(f"{self._base}/api/v1/models/{repo}/repo?{query}", size, sha256, sha256 or "", "")
        raise not_in_repository(self.host, repo, file)

    def search(
        self, text: str, *, limit: int = MOST_FOUND, cancel: CancelToken | None = None, purpose: str = SEARCH
    ) -> list[HubModel]:
        """Repositories with GGUFs, the most downloaded first; those whose names cannot be trusted are left out."""
        limit = min(limit, _MOST_PER_PAGE)
        query = {"search": text, "sort": "downloads", "page_number": 1, "page_size": limit, "filter.library": "gguf"}
        said = self._ask(purpose, f"/openapi/v1/models?{urlencode(query)}", "", cancel)
        models = said.get("models")
        if not isinstance(models, list):
            raise not_a_hub(self.endpoint)
        return [
            HubModel(
                repo=str(model["id"]),
                endpoint=self.endpoint,
                downloads=published_size(model.get("downloads")),
                updated=published_date(model.get("last_modified")),
                gated=bool(model.get("gated")),
            )
            for model in models[:limit]
            if isinstance(model, dict) and is_repo_name(model.get("id")) and _has_gguf(model)
        ]

    def distrust_token(self) -> None:
        """Go on without the token: the hub answered 401 to it."""
        self._token = None
        self.notice = rejected(self.host)

    # ---- asking

    def _walk(self, repo: str, branch: str, cancel: CancelToken | None) -> list[dict[str, Any]]:
        """All entries of a repository whose list was cut, folder by folder."""
        entries: list[dict[str, Any]] = []
        folders = [""]
        for count in range(MOST_LISTS):
            if not folders:
                return entries
            folder = folders.pop(0)
            whole = self._list(repo, branch, folder, recursive=True, cancel=cancel) if count else []
            if count and len(whole) < LIST_CAP:
                entries += whole
                continue
            here = self._list(repo, branch, folder, recursive=False, cancel=cancel)
            if len(here) >= LIST_CAP:
                break
            entries += here
            folders += [str(entry.get("Path")) for entry in here if entry.get("Type") == "tree"]
        raise DownloadError(
            Phrase(f"{self.host} does not list all files of {repo}.", f"{self.host} 无法列出 {repo} 的全部文件。"),
            Phrase("Use another source for this repository.", "请改用其他站点下载该仓库。"),
            code="listing_incomplete",
        )

    def _list(
        self, repo: str, branch: str, root: str, *, recursive: bool, cancel: CancelToken | None
    ) -> list[dict[str, Any]]:
        query = {"Revision": branch, "Recursive": str(recursive)} | ({"Root": root} if root else {})
        path = f"/api/v1/models/{repo}/repo/files?{urlencode(query, quote_via=quote)}"
        files = self._ask("model listing", path, repo, cancel).get("Files")
        if files is None:  # an empty folder
            return []
        if not isinstance(files, list):
            raise not_a_hub(self.endpoint)
        return [entry for entry in files if isinstance(entry, dict)]

    def _ask(self, purpose: str, path: str, repo: str, cancel: CancelToken | None) -> Mapping[str, Any]:
        """The `Data` of an answer."""
        request = self._network.open(
            purpose,
            "GET",
            self._base + path,
            headers=self.headers(),
            timeout=TIMEOUT,
            cancel=cancel,
            secret_host=self.host,
            private_host=self.hostname,
        )
        with request as answer:
            if answer.status == 401 and self._token:
                self.distrust_token()
                return self._ask(purpose, path, repo, cancel)
            if answer.status >= 400:
                raise refusal(answer.status, answer.headers, endpoint=self.endpoint, repo=repo, page=self.page(repo))
            return self._understood(answer)

    def _understood(self, answer: Response) -> Mapping[str, Any]:
        said = read_json(answer, self.endpoint)
        if not isinstance(said, dict):
            raise not_a_hub(self.endpoint)
        lower = {key.lower(): value for key, value in said.items()}
        if lower.get("success") is False:
            why = plain(lower.get("message"))
            raise DownloadError(
                Phrase(
                    f"{self.host} refuses: {why or 'no reason given'}.",
                    f"{self.host} 拒绝了请求：{why or '未说明原因'}。",
                ),
                Phrase("Try again later, or use another source.", "请稍后再试，或使用其他站点。"),
                code="hub_refused",
            )
        data = lower.get("data")
        if not isinstance(data, dict):
            raise not_a_hub(self.endpoint)
        return data


def _has_gguf(model: Mapping[str, Any]) -> bool:
    """Whether what a search found fits the filter, as far as it tells."""
    said = model.get("tags")
    tags = {str(tag) for tag in said} if isinstance(said, list) else set()
    libraries = {tag for tag in tags if tag.startswith("library:")}
    return not libraries or "library:gguf" in libraries or "gguf" in str(model["id"]).lower()


def _branch(revision: str) -> str:
    """ModelScope's name for a revision of another hub, whose commits it does not know."""
    of_others = revision in _OF_OTHERS or (len(revision) == 40 and set(revision) <= set("0123456789abcdef"))
    return BRANCH if of_others else revision
