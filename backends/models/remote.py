"""What a source of models is, whatever protocol it speaks, and how what it says is looked at before it is believed."""

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from backends.core.cancel import CancelToken
from backends.core.errors import InvalidInput
from backends.core.fields import MODELSCOPE
from backends.core.paths import safe_name
from backends.core.phrase import Phrase
from backends.models.types import HubModel, ModelFile

HUGGING_FACE = "https://huggingface.co"
TIMEOUT = 30.0  # seconds of silence
LARGEST_FILE = 1 << 50  # bytes; a hub that tells of more is not believed
MOST_FOUND = 50  # repositories that a search gives
SEARCH = "model search"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at a source as it is now. `commit` and `sha256` are empty or None where the source does not tell them."""

    url: str
    size: int
    sha256: str | None
    etag: str
    commit: str


class Source(Protocol):
    """A hub. Errors of its methods: InvalidInput, NotFound, DownloadError, Unavailable, Cancelled.

    Its token goes to `host` alone; one that the hub does not accept is put aside, and `notice` says so.
    """

    @property
    def endpoint(self) -> str:
        """As `open_source` takes it."""
        ...

    @property
    def host(self) -> str:
        """With its port, if it has one."""
        ...

    @property
    def hostname(self) -> str: ...

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def notice(self) -> Phrase: ...

    def headers(self) -> dict[str, str]:
        """What a request to this host (and to no other) carries."""
        ...

    def files(self, repo: str, *, revision: str = "", cancel: CancelToken | None = None) -> list[ModelFile]:
        """The models in a repository, the smallest first, the parts of a split joined."""
        ...

    def resolve(self, repo: str, file: str, *, revision: str = "", cancel: CancelToken | None = None) -> RemoteFile:
        """Where a file is, how large, and what its sha256 will be."""
        ...

    def search(
        self, text: str, *, limit: int = MOST_FOUND, cancel: CancelToken | None = None, purpose: str = SEARCH
    ) -> list[HubModel]:
        """Repositories with GGUFs, the most downloaded first. `purpose`: as that of `Network.open`."""
        ...

    def page(self, repo: str) -> str:
        """The address of the repository's page."""
        ...

    def distrust_token(self) -> None: ...


def split_endpoint(endpoint: str) -> SplitResult:
    """The parts of the address of a hub, without the prefix that names its protocol; InvalidInput (`bad_endpoint`)."""
    try:
        parts = urlsplit(endpoint.strip().removeprefix(MODELSCOPE))
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, valid = urlsplit(""), False
    if not valid or "@" in parts.netloc or parts.query or parts.fragment:
        shown = endpoint.rpartition("@")[2][:100]  # never a password
        raise InvalidInput(
            Phrase(f"{shown} is not the address of a hub.", f"{shown} 不是有效的站点地址。"),
            Phrase(f"It should look like {HUGGING_FACE}.", f"地址应形如 {HUGGING_FACE}。"),
            code="bad_endpoint",
        )
    return parts


def check_file(file: str) -> str:
    """`file` if it may be a path inside a repository (SEC-24); InvalidInput (`bad_name`) if not."""
    for part in file.split("/"):
        safe_name(part)
    return file


def published_sha256(text: object) -> str | None:
    """`text` if it is a sha256 in hexadecimal (SEC-24), else None."""
    return text if isinstance(text, str) and _SHA256.fullmatch(text) else None


def published_size(size: object) -> int | None:
    """`size` if it may be that of a file, else None."""
    return size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= LARGEST_FILE else None


def published_date(text: object) -> str:
    """The day in an ISO time, "" if it is none."""
    match = _DATE.match(text) if isinstance(text, str) else None
    return match[0] if match else ""


def plain(text: object, longest: int = 200) -> str:
    """What a hub says, for people: one line without characters that steer a terminal or turn the writing around."""
    said = " ".join(text.split()) if isinstance(text, str) else ""
    return "".join(c for c in said if c.isprintable())[:longest]


def rejected(host: str) -> Phrase:
    """The notice about a token that a hub answered 401 to."""
    return Phrase(f"{host} does not accept the access token; it is not used.", f"{host} 不接受该访问令牌，已停用。")
