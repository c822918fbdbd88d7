"""Where models come from: a hub that speaks the protocol of huggingface.co, itself or a mirror.

    hub = Hub(network, "https://huggingface.co")
    file = choose(hub.files("unsloth/DeepSeek-R1-0528-Qwen3-8B-GGUF"), "Q4_K_M", repo)
    remote = hub.resolve(repo, file.file)     # address, size, sha256 of the bytes; `download` fetches them

Listing and metadata are huggingface_hub's (version 2.4), through the one door of `core.network`; the bytes are ours to
fetch, because it neither resumes between calls nor checks sha256 over plain HTTP.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

from backends import __version__
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, DownloadError, InvalidInput, NotFound
from backends.core.network import Network
from backends.core.paths import safe_name
from backends.core.phrase import NOTHING, Phrase
from backends.models.catalog import Catalog
from backends.models.quants import is_model, model_files, preferred
from backends.models.refusals import not_a_hub, refusal
from backends.models.types import ModelFile

if TYPE_CHECKING:
    from huggingface_hub import HfApi

HUGGING_FACE = "https://huggingface.co"
TIMEOUT = 30.0  # seconds of silence
_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PAGE = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co|hf-mirror\.com)/", re.IGNORECASE)
_FILE_PAGE = re.compile(r"([^/]+/[^/]+)/(?:blob|resolve|raw)/[^/]+/(.+?)(?:\?.*)?")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ref:
    """What a person asked for: a model of the catalogue, or a repository; and a quant or file name, or "" for ours."""

    name: str
    wanted: str = ""

    @property
    def is_repo(self) -> bool:
        return "/" in self.name


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on a hub as it is now. `commit` and `sha256` are empty or None where the hub does not tell them."""

    url: str
    size: int
    sha256: str | None
    etag: str
    commit: str


def parse_ref(text: str) -> Ref:
    """`CATALOGUE-ID[:QUANT]`, `ORG/NAME[:QUANT or FILE]`, or the address of a page on the hub.

    Raises InvalidInput (`bad_ref`, `bad_name`).
    """
    asked = text.strip()
    path = _PAGE.sub("", asked, count=1).rstrip("/") if _PAGE.match(asked) else asked
    if match := _FILE_PAGE.fullmatch(path):
        path = f"{match[1]}:{match[2]}"
    name, _, wanted = path.partition(":")
    if "/" in name:
        check_repo(name)
    elif not re.fullmatch(r"[\w.-]{1,96}", name):
        raise _bad_ref(asked)
    for part in wanted.split("/") if wanted else ():
        safe_name(part)
    return Ref(name, wanted)


def check_repo(repo: str) -> str:
    """`repo` if it is a possible name of a repository, `org/name` by the rules of the hub; InvalidInput if not."""
    if not _REPO.fullmatch(repo) or "--" in repo or ".." in repo:
        raise _bad_ref(repo)
    for part in repo.split("/"):
        safe_name(part)
    return repo


def choose(files: Iterable[ModelFile], wanted: str, repo: str) -> ModelFile:
    """The file with the quant (or of the name) `wanted`; without one Q4_K_M or the nearest good quant.

    NotFound (`quant_not_found`) tells what there is; InvalidInput (`ambiguous_quant`) if several files have it.
    """
    files = list(files)
    low = wanted.lower()
    tests: tuple[Callable[[ModelFile], bool], ...] = (
        lambda f: low in (f.file.lower(), f.file.rpartition("/")[2].lower()),
        lambda f: f.quant.lower() == low,
        lambda f: f.quant.lower() == f"ud-{low}",
    )
    if not wanted:
        best = preferred(files)
        same = [f for f in files if best and f.quant == best.quant]
    else:
        same = next((found for test in tests if (found := [f for f in files if test(f)])), [])
    if len(same) == 1:
        return same[0]
    if same:
        names = ", ".join(f.file for f in same)
        raise InvalidInput(
            Phrase(f"{repo} has several files of that kind.", f"{repo} 中有多个符合的文件。"),
            Phrase(f"Name one of them: {names}.", f"请指定其中一个：{names}。"),
            code="ambiguous_quant",
        )
    there = ", ".join(dict.fromkeys(f.quant or f.file for f in files))
    raise NotFound(
        Phrase(f"{repo} has no {wanted}.", f"{repo} 中没有 {wanted}。"),
        Phrase(f"It has: {there}.", f"现有：{there}。"),
        code="quant_not_found",
    )


def locate(hub: "Hub", catalog: Catalog, text: str, *, cancel: CancelToken | None = None) -> tuple[str, ModelFile]:
    """The repository and the file that `text` (see `parse_ref`) means, as they are on the hub now.

    Raises what `parse_ref`, `Catalog.find`, `Hub.files` and `choose` raise.
    """
    ref = parse_ref(text)
    repo = ref.name if ref.is_repo else catalog.find(ref.name).repo
    return repo, choose(hub.files(repo, cancel=cancel), ref.wanted, repo)


class Hub:
    """One hub. `endpoint` is its address, as a person typed it; `token` an access token that belongs to that host.

    The token goes to this host alone. One that the hub does not accept is put aside (and `notice` says so), because
    with it even public models would be refused. Errors: InvalidInput, NotFound, DownloadError, Unavailable.
    """

    def __init__(self, network: Network, endpoint: str = HUGGING_FACE, token: str | None = None) -> None:
        self.endpoint = endpoint.strip().rstrip("/")
        self.notice = NOTHING
        self._network = network
        self._token = token or None
        parts = urlsplit(self.endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise InvalidInput(
                Phrase(f"{endpoint} is not the address of a hub.", f"{endpoint} 不是有效的站点地址。"),
                Phrase(f"It should look like {HUGGING_FACE}.", f"地址应形如 {HUGGING_FACE}。"),
                code="bad_endpoint",
            )
        self.host = parts.netloc  # with its port, if it has one
        self.hostname = parts.hostname

    def headers(self) -> dict[str, str]:
        """What a request to this hub (and to no other host) carries."""
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def files(self, repo: str, *, cancel: CancelToken | None = None) -> list[ModelFile]:
        """The models in a repository, the smallest first, the parts of a split joined.

        Left out: what llama.cpp does not load as a model (projectors, drafts, importance matrices, raw slices).
        Raises NotFound (`repository_not_found`, `no_gguf`), InvalidInput (`foreign_fork`), DownloadError, Unavailable.
        """
        check_repo(repo)

        def ask(api: "HfApi", token: str | bool) -> tuple[list[str], dict[str, tuple[int, str | None]]]:
            from huggingface_hub import RepoFile

            info = api.model_info(repo, files_metadata=True, timeout=TIMEOUT, token=token)
            listed = [(str(s.rfilename), s.size, s.lfs) for s in info.siblings or () if is_model(str(s.rfilename))]
            if any(size is None for _, size, _ in listed):  # a mirror may leave them out
                more = api.get_paths_info(repo, [path for path, _, _ in listed], token=token)
                listed = [(found.path, found.size, found.lfs) for found in more if isinstance(found, RepoFile)]
            files = {path: (int(size or 0), _sha256(lfs.sha256 if lfs else None)) for path, size, lfs in listed}
            return [str(tag).lower() for tag in info.tags or ()], files

        tags, there = self._ask(ask, repo, "", cancel)
        if any(re.match(r"ik[_-]?llama", tag) for tag in tags):
            raise InvalidInput(
                Phrase(
                    f"{repo} is made for another engine (ik_llama.cpp) and does not run here.",
                    f"{repo} 是为其他引擎（ik_llama.cpp）制作的，无法在此运行。",
                ),
                Phrase("Choose another publisher's GGUF of this model.", "请选择其他发布者提供的该模型 GGUF。"),
                code="foreign_fork",
            )
        if not (found := model_files(there)):
            raise NotFound(
                Phrase(f"{repo} holds no GGUF model.", f"{repo} 中没有 GGUF 模型。"),
                Phrase("Look for a repository whose name ends in -GGUF.", "请查找名称以 -GGUF 结尾的仓库。"),
                code="no_gguf",
            )
        return found

    def resolve(self, repo: str, file: str, *, revision: str = "main", cancel: CancelToken | None = None) -> RemoteFile:
        """Where a file is, how large, and what its sha256 will be. Raises as `files`, and `size_unknown`."""
        check_repo(repo)
        for part in file.split("/"):
            safe_name(part)
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
            sha256 = _sha256(etag)
            if (
                sha256 is None or size is None
            ):  # not a large file, or a mirror that drops the headers: the listing may know
                for info in api.get_paths_info(repo, file, revision=commit or revision, token=token):
                    if isinstance(info, RepoFile) and info.path == file:
                        size, sha256 = info.size, _sha256(info.lfs.sha256 if info.lfs else None)
            return size, sha256, etag, commit

        size, sha256, etag, commit = self._ask(ask, repo, file, cancel)
        if not size:
            raise DownloadError(
                Phrase(f"{self.host} does not say how large {file} is.", f"{self.host} 未说明 {file} 的大小。"),
                Phrase("Try another mirror.", "请尝试其他镜像站点。"),
                code="size_unknown",
            )
        return RemoteFile(url.format(quote(commit or revision, safe="")), size, sha256, etag, commit)

    def _ask(self, question: Callable[["HfApi", str | bool], T], repo: str, file: str, cancel: CancelToken | None) -> T:
        """Put a question through huggingface_hub, and turn what it raises into ours."""
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError

        api = huggingface_hub.HfApi(
            endpoint=self.endpoint, token=False, library_name="DeskSeek", library_version=__version__
        )
        session = self._network.hub_session("model listing", private_host=self.hostname, cancel=cancel, timeout=TIMEOUT)
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
            raise refusal(answer.status_code, answer.headers, endpoint=self.endpoint, repo=repo, file=file) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # not JSON, or not of the hub's shape
            raise not_a_hub(self.endpoint) from error

    def distrust_token(self) -> None:
        """Go on without the token: the hub answered 401 to it."""
        self._token = None
        self.notice = Phrase(
            f"{self.host} does not accept the access token; it is not used.",
            f"{self.host} 不接受该访问令牌，已停用。",
        )


def _sha256(text: str | None) -> str | None:
    """`text` if it is a sha256 in hexadecimal (SEC-24), else None."""
    return text if text is not None and _SHA256.fullmatch(text) else None


def _bad_ref(text: str) -> InvalidInput:
    return InvalidInput(
        Phrase(f"{text[:100]!r} is not the name of a model.", f"{text[:100]!r} 不是模型名称。"),
        Phrase(
            "Give an id of the catalogue (r1-0528-qwen3-8b:Q4_K_M) or a repository (unsloth/DeepSeek-R1-GGUF:Q4_K_M).",
            "请使用目录中的编号（r1-0528-qwen3-8b:Q4_K_M）或仓库名（unsloth/DeepSeek-R1-GGUF:Q4_K_M）。",
        ),
        code="bad_ref",
    )
