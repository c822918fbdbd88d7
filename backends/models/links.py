"""What a person may type or paste to name a model, and nothing else (SEC-24).

    r1-0528-qwen3-8b:Q4_K_M                                     a model of the catalogue
    unsloth/DeepSeek-R1-GGUF:Q4_K_M, hf.co/unsloth/…            a repository
    https://huggingface.co/unsloth/…/blob/main/x-Q4_K_M.gguf    a page or a file of a hub, public or one's own
    https://modelscope.cn/models/unsloth/…/files                the same on ModelScope
    https://example.org/x.gguf                                  a file that no hub vouches for

Names are checked here and never trusted later: what leads elsewhere on this disk is refused in words.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from backends.core.errors import InvalidInput
from backends.core.fields import MODELSCOPE
from backends.core.paths import safe_name
from backends.core.phrase import Phrase
from backends.models.quants import quant_of
from backends.models.remote import HUGGING_FACE, check_file

MODELSCOPE_HOSTS = ("modelscope.cn", "www.modelscope.cn", "modelscope.ai", "www.modelscope.ai")
_HUGGING_FACE_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co", "www.hf.co")
_MIRROR_HOSTS = ("hf-mirror.com", "www.hf-mirror.com")
HUGGING_FACE_FAMILY = (HUGGING_FACE, f"https://{_MIRROR_HOSTS[0]}")  # they hold the same repositories
_SHORT = re.compile(
    rf"(?:{'|'.join(map(re.escape, (*_HUGGING_FACE_HOSTS, *_MIRROR_HOSTS, *MODELSCOPE_HOSTS)))})/", re.I
)
_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
_NAME = re.compile(r"[\w.-]{1,96}")
_REVISION = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
_NO_REPOS = {"api", "blog", "collections", "datasets", "docs", "models", "organization", "papers", "spaces", "studios"}
_BRANCHES = ("main", "master")  # the usual one, whose name is not the same everywhere
_LONGEST = 4096  # characters; signed addresses are long


@dataclass(frozen=True, slots=True)
class Ref:
    """What a person asked for: a model of the catalogue, or a repository; and a quant or file name, or "" for ours.

    `endpoint`: the hub that the link led to, as `open_source` takes it; "" if only a name was given. `revision`: a
    branch or commit other than the usual one. `direct`: the address of a GGUF on a host that is no hub; its header can
    be read for a plan, but nobody publishes a sha256 for it, so it is not downloaded.
    """

    name: str
    wanted: str = ""
    endpoint: str = ""
    revision: str = ""
    direct: str = ""

    @property
    def is_repo(self) -> bool:
        return "/" in self.name


def parse_ref(text: str, endpoints: Iterable[str] = ()) -> Ref:
    """Read what was typed or pasted. `endpoints`: the hubs of the settings, whose addresses may have a path.

    Raises InvalidInput (`bad_ref`, `bad_name`, `password_in_link`).
    """
    asked = text.strip()
    if len(asked) > _LONGEST or not asked.isprintable():
        raise bad_ref(asked)
    if asked.lower().startswith(MODELSCOPE) and not asked[len(MODELSCOPE) :].lower().startswith("http"):
        return _named(asked[len(MODELSCOPE) :], f"https://{MODELSCOPE_HOSTS[0]}", asked)
    if _SHORT.match(asked):
        asked = f"https://{asked}"
    if "://" in asked:
        return _linked(asked, tuple(endpoints))
    return _named(asked, "", asked)


def check_repo(repo: str) -> str:
    """`repo` if it is a possible name of a repository, `org/name` by the rules of the hub; InvalidInput if not."""
    if not _REPO.fullmatch(repo) or "--" in repo or ".." in repo:
        raise bad_ref(repo)
    return check_file(repo)


def check_direct(ref: Ref) -> None:
    """Refuse to download what nobody vouches for: InvalidInput (`no_checksum`)."""
    if ref.direct:
        host = urlsplit(ref.direct).netloc
        raise InvalidInput(
            Phrase(
                f"{host} is no model hub: it publishes no sha256 by which the file could be checked.",
                f"{host} 不是模型站点，没有公布可用于校验文件的 sha256。",
            ),
            Phrase("Download it yourself and import the file.", "请自行下载，然后导入该文件。"),
            code="no_checksum",
        )


def bad_ref(text: str) -> InvalidInput:
    shown = ascii(text[:100]) if not text.isprintable() else repr(text[:100])
    return InvalidInput(
        Phrase(f"{shown} is not the name of a model.", f"{shown} 不是模型名称。"),
        Phrase(
            "Give an id of the catalogue (r1-0528-qwen3-8b:Q4_K_M), a repository (unsloth/DeepSeek-R1-GGUF:Q4_K_M), "
            "or the address of its page.",
            "请使用目录中的编号（r1-0528-qwen3-8b:Q4_K_M）、仓库名（unsloth/DeepSeek-R1-GGUF:Q4_K_M）或其网页地址。",
        ),
        code="bad_ref",
    )


def _named(path: str, endpoint: str, asked: str) -> Ref:
    name, _, wanted = path.partition(":")
    if "/" in name:
        check_repo(name)
    elif endpoint or not _NAME.fullmatch(name) or name.endswith("."):
        raise bad_ref(asked)
    else:
        safe_name(name)
    return Ref(name, check_file(wanted) if wanted else "", endpoint)


def _linked(asked: str, endpoints: tuple[str, ...]) -> Ref:
    """An address with its scheme, `modelscope:` before it or not."""
    prefix = MODELSCOPE if asked.lower().startswith(MODELSCOPE) else ""
    try:
        url = urlsplit(asked[len(prefix) :])
        port = url.port
    except ValueError as error:
        raise bad_ref(asked.rpartition("@")[2]) from error
    if "@" in url.netloc:
        raise InvalidInput(
            Phrase("There is a name or a password in this link.", "该链接中含有用户名或密码。"),
            Phrase(
                "Give the link without it. An access token is entered on the page Models.",
                "请去掉后再试。访问令牌请在「模型」页填写。",
            ),
            code="password_in_link",
        )
    host = (url.hostname or "").rstrip(".").lower()
    if url.scheme not in ("http", "https") or not host or not re.fullmatch(r"[\w.:-]+", host) or port == 0:
        raise bad_ref(asked)
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    if not prefix and port is None:
        if host in _HUGGING_FACE_HOSTS:
            return _page(_parts(url.path, asked), query, HUGGING_FACE, asked)
        if host in _MIRROR_HOSTS:
            return _page(_parts(url.path, asked), query, f"https://{_MIRROR_HOSTS[0]}", asked)
        if host in MODELSCOPE_HOSTS:
            return _scope(_parts(url.path, asked), query, f"https://{host.removeprefix('www.')}", asked)
    return _own_hub(asked, url, query, prefix, endpoints)


def _own_hub(asked: str, url: SplitResult, query: dict[str, str], prefix: str, endpoints: tuple[str, ...]) -> Ref:
    """A page of a hub that only this person knows, or just a file somewhere."""
    for endpoint in sorted(endpoints, key=len, reverse=True):
        known = urlsplit(endpoint.removeprefix(MODELSCOPE))
        path = known.path.rstrip("/") + "/"
        if (known.scheme, known.netloc.lower()) == (url.scheme, url.netloc.lower()) and url.path.startswith(path):
            parts = _parts(url.path[len(path) :], asked)
            if len(parts) == 2 and _is_gguf(parts):
                return _direct(parts, url)
            of_scope = endpoint.startswith(MODELSCOPE) or known.hostname in MODELSCOPE_HOSTS
            return (_scope if of_scope else _page)(parts, query, endpoint, asked)
    parts = _parts(url.path, asked)
    base = f"{url.scheme}://{url.netloc.lower()}"
    if prefix or parts[:1] == ["models"] or parts[:3] == ["api", "v1", "models"]:
        return _scope(parts, query, f"{MODELSCOPE}{base}", asked)
    if len(parts) > 2 and parts[2] in ("resolve", "blob", "raw", "tree"):
        return _page(parts, query, base, asked)
    if _is_gguf(parts):
        return _direct(parts, url)
    return _page(parts, query, base, asked)


def _is_gguf(parts: list[str]) -> bool:
    return bool(parts) and parts[-1].lower().endswith(".gguf")


def _direct(parts: list[str], url: SplitResult) -> Ref:
    name = check_file(parts[-1])
    return Ref(name[:-5] or name, direct=url._replace(fragment="").geturl())


def _parts(path: str, asked: str) -> list[str]:
    """The names in a path, each of them decoded once. What would be another path after that is refused."""
    parts = [unquote(part) for part in path.strip("/").split("/")] if path.strip("/") else []
    for part in parts:
        if not part or set(part) & set("/\\") or re.search(r"%(?:2f|5c|2e)", part, re.I) or not part.isprintable():
            raise bad_ref(asked)
    return parts


def _page(parts: list[str], query: dict[str, str], endpoint: str, asked: str) -> Ref:
    """ORG/NAME[/blob|resolve|raw/REVISION/FILE], ORG/NAME/tree/REVISION[/FOLDER], ORG/NAME?show_file_info=FILE"""
    if len(parts) < 2 or parts[0].lower() in _NO_REPOS:
        raise bad_ref(asked)
    last, colon, quant = parts[1].partition(":")
    name = check_repo(f"{parts[0]}/{last}")
    if colon:
        if len(parts) > 2:
            raise bad_ref(asked)
        return Ref(name, check_file(quant), endpoint)
    kind, rest = parts[2] if len(parts) > 2 else "", parts[3:]
    if kind in ("blob", "resolve", "raw"):
        if len(rest) < 2:
            raise bad_ref(asked)
        return Ref(name, check_file("/".join(rest[1:])), endpoint, _revision(rest[0], asked))
    if kind == "tree" and rest:
        return Ref(name, _of_folder(rest[1:]), endpoint, _revision(rest[0], asked))
    if kind not in ("", "tree", "commits", "discussions", "files"):
        raise bad_ref(asked)
    return Ref(name, check_file(query["show_file_info"]) if "show_file_info" in query else "", endpoint)


def _scope(parts: list[str], query: dict[str, str], endpoint: str, asked: str) -> Ref:
    """[models/]ORG/NAME[/files|summary|…], …/resolve/REVISION/FILE, …/file/view/REVISION/FILE, the API's …?FilePath="""
    if parts[:2] == ["api", "v1"]:
        parts = parts[2:]
    if parts[:1] == ["models"]:
        parts = parts[1:]
    if len(parts) < 2 or parts[0].lower() in _NO_REPOS:
        raise bad_ref(asked)
    last, colon, quant = parts[1].partition(":")
    name = check_repo(f"{parts[0]}/{last}")
    if colon:
        if len(parts) > 2:
            raise bad_ref(asked)
        return Ref(name, check_file(quant), endpoint)
    rest = parts[2:]
    if rest[:2] == ["file", "view"]:
        rest = ["resolve", *rest[2:]]
    revision = _revision(query.get("Revision") or query.get("revision") or "", asked)
    if rest[:1] in (["resolve"], ["tree"]) and len(rest) > 1:
        revision = _revision(rest[1], asked)
        inside = rest[2:]
        wanted = _of_folder(inside) if rest[0] == "tree" else check_file("/".join(inside)) if inside else ""
    else:
        wanted = ""
    file = query.get("FilePath") or query.get("fileName") or ""
    return Ref(name, check_file(file) if file and not wanted else wanted, endpoint, revision)


def _of_folder(parts: list[str]) -> str:
    """Publishers name folders after the quant in them."""
    return quant_of(check_file("/".join(parts)) + "/x.gguf") if parts else ""


def _revision(text: str, asked: str) -> str:
    if text in ("", *_BRANCHES):
        return ""
    if not _REVISION.fullmatch(text) or ".." in text:
        raise bad_ref(asked)
    return text
