"""A hub that speaks the protocol of huggingface.co, itself or a mirror.

Listing and metadata are huggingface_hub's (version 2.4), through the one door of `core.network`; the bytes are
ours to fetch, because it neither resumes between calls nor checks sha256 over plain HTTP.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlencode

from backends import __version__
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, DownloadError, InvalidInput
from backends.core.network import Network
from backends.core.phrase import NOTHING, Phrase
from backends.models.links import check_repo
from backends.models.listing import models_in
from backends.models.quants import is_model
from backends.models.refusals import not_a_hub, read_json, refusal
from backends.models.remote import (
    HUGGING_FACE,
    MOST_FOUND,
    SEARCH,
    TIMEOUT,
    RemoteFile,
    check_file,
    published_date,
    published_sha256,
    published_size,
    rejected,
    split_endpoint,
)
from backends.models.types import HubModel, ModelFile

if TYPE_CHECKING:
    from huggingface_hub import HfApi

T = TypeVar("T")


class Hub:
    """One hub. `endpoint` is its address, as a person typed it; `token` an access token that belongs to that host.

    The token goes to this host alone. One that the hub does not accept is put aside (and `notice` says so), because
    with it even public models would be refused. Errors: InvalidInput, NotFound, DownloadError, Unavailable.
    """

    def __init__(self, network: Network, endpoint: str = HUGGING_FACE, token: str | None = None) -> None:
        self.endpoint = endpoint.strip().rstrip("/")
        parts = split_endpoint(self.endpoint)
        self.host = parts.netloc  # with its port, if it has one
        self.hostname = parts.hostname or ""
        self.name = "Hugging Face" if self.hostname == "huggingface.co" else self.host
        self.notice = NOTHING
        self._network = network
        self._token = token or None

    def headers(self) -> dict[str, str]:
        """What a request to this hub (and to no other host) carries."""
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def page(self, repo: str) -> str:
        return f"{self.endpoint}/{repo}"

    def files(self, repo: str, *, revision: str = "", cancel: CancelToken | None = None) -> list[ModelFile]:
        """The models in a repository, the smallest first, the parts of a split joined.

        Left out: what llama.cpp does not load as a model (projectors, drafts, importance matrices, raw slices).
        Raises NotFound (`repository_not_found`, `no_gguf`, `raw_parts`), InvalidInput (`foreign_fork`), DownloadError,
        Unavailable.
        """
        check_repo(repo)

        def ask(api: "HfApi", token: str | bool) -> tuple[list[str], dict[str, tuple[int, str | None]]]:
            from huggingface_hub import RepoFile

            info = api.model_info(repo, revision=revision or None, files_metadata=True, timeout=TIMEOUT, token=token)
            listed = [(str(s.rfilename), s.size, s.lfs) for s in info.siblings or ()]
            others = {path: (0, None) for path, _, _ in listed if not is_model(path)}
            listed = [(path, size, lfs) for path, size, lfs in listed if is_model(path)]
            if any(size is None for _, size, _ in listed):  # a mirror may leave them out
                paths = [path for path, _, _ in listed]
                more = api.get_paths_info(repo, paths, revision=revision or None, token=token)
                listed = [(found.path, found.size, found.lfs) for found in more if isinstance(found, RepoFile)]
            files = {
                path: (known, published_sha256(lfs.sha256 if lfs else None))
                for path, size, lfs in listed
                if (known := 0 if size is None else published_size(size)) is not None
            }
            return [str(tag) for tag in info.tags or ()], others | files

        tags, there = self._ask(ask, repo, "", cancel)
        return models_in(repo, there, tags, host=self.host)

    def resolve(self, repo: str, file: str, *, revision: str = "", cancel: CancelToken | None = None) -> RemoteFile:
        """Where a file is, how large, and what its sha256 will be. Raises as `files`, and `size_unknown`."""
        check_repo(repo)
        check_file(file)
        revision = revision or "main"
        url = f"{self.endpoint}/{repo}/resolve/{{}}/{quote(file)}"

        def ask(api: "HfApi", token: str | bool) -> tuple[int | None, str | None, str, str]:
            from huggingface_hub import RepoFile, get_hf_file_metadata

            address = url.format(quote(revision, safe=""))
            meta = get_hf_file_metadata(
                address,
                token=token,
                timeout=TIMEOUT,
                endpoint=self.endpoint,
                library_name=api.library_name,
                library_version=api.library_version,
            )
            commit, etag, size = meta.commit_hash or "", meta.etag or "", meta.size
            sha256 = published_sha256(etag)
            if (
                sha256 is None or size is None
            ):  # not a large file, or a mirror that drops the headers: the listing may know
                for info in api.get_paths_info(repo, file, revision=commit or revision, token=token):
                    if isinstance(info, RepoFile) and info.path == file:
                        size, sha256 = info.size, published_sha256(info.lfs.sha256 if info.lfs else None)
            return published_size(size), sha256, etag, commit

        size, sha256, etag, commit = self._ask(ask, repo, file, cancel)
        if not size:
            raise size_unknown(self.host, file)
        return RemoteFile(url.format(quote(commit or revision, safe="")), size, sha256, etag, commit)

    def search(
        self, text: str, *, limit: int = MOST_FOUND, cancel: CancelToken | None = None, purpose: str = SEARCH
    ) -> list[HubModel]:
        """Repositories tagged `gguf`, the most downloaded first; those whose names cannot be trusted are left out."""
        query = {"search": text, "filter": "gguf", "sort": "downloads", "limit": min(limit, MOST_FOUND)}
        request = self._network.open(  # list_models of huggingface_hub would wait and ask again, whatever is cancelled
            purpose,
            "GET",
            f"{self.endpoint}/api/models?{urlencode({name: value for name, value in query.items() if value})}",
            headers=self.headers(),
            timeout=TIMEOUT,
            cancel=cancel,
            secret_host=self.host,
            private_host=self.hostname,
        )
        with request as answer:
            if answer.status == 401 and self._token:
                self.distrust_token()
                return self.search(text, limit=limit, cancel=cancel, purpose=purpose)
            if answer.status >= 400:
                raise refusal(answer.status, answer.headers, endpoint=self.endpoint, repo="")
            models = read_json(answer, self.endpoint)
        if not isinstance(models, list):
            raise not_a_hub(self.endpoint)
        return [
            HubModel(
                repo=str(model["id"]),
                endpoint=self.endpoint,
                downloads=published_size(model.get("downloads")),
                updated=published_date(model.get("lastModified")),
                gated=bool(model.get("gated")),
            )
            for model in models[:MOST_FOUND]
            if isinstance(model, dict) and is_repo_name(model.get("id"))
        ]

    def _ask(self, question: Callable[["HfApi", str | bool], T], repo: str, file: str, cancel: CancelToken | None) -> T:
        """Put a question through huggingface_hub, and turn what it raises into ours."""
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError

        api = huggingface_hub.HfApi(
            endpoint=self.endpoint, token=False, library_name="DeskSeek", library_version=__version__
        )
        hosts = {"private_host": self.hostname, "secret_host": self.host}
        session = self._network.hub_session("model listing", **hosts, cancel=cancel, timeout=TIMEOUT)
        token = self._token
        try:
            with session:
                return question(api, token or False)
        except BackendError:
            raise
        except HfHubHTTPError as error:
            answer = error.response
            if answer.status_code == 401 and token:
                self.distrust_token()
                return self._ask(question, repo, file, cancel)
            page = self.page(repo)
            raise refusal(
                answer.status_code, answer.headers, endpoint=self.endpoint, repo=repo, file=file, page=page
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise not_a_hub(self.endpoint) from error  # not JSON, or not of the hub's shape

    def distrust_token(self) -> None:
        """Go on without the token: the hub answered 401 to it."""
        self._token = None
        self.notice = rejected(self.host)


def is_repo_name(name: object) -> bool:
    """Whether a repository that a hub tells of has a possible name."""
    try:
        return isinstance(name, str) and bool(check_repo(name))
    except InvalidInput:
        return False


def size_unknown(host: str, file: str) -> DownloadError:
    return DownloadError(
        Phrase(f"{host} does not say how large {file} is.", f"{host} 未说明 {file} 的大小。"),
        Phrase("Try another mirror.", "请尝试其他镜像站点。"),
        code="size_unknown",
    )
