"""What a hub means when it does not give what was asked for: HTTP status and headers in, a clear sentence out.

The `X-Error-Code` and `X-Error-Message` headers are those of huggingface.co; it answers 401 for a repository that does
not exist as well as for a private one, so as not to tell which are there.
"""

import email.utils
import json
import re
import time
from collections.abc import Mapping

from backends.core.errors import BackendError, DownloadError, NotFound, Unavailable
from backends.core.network import Response
from backends.core.phrase import NOTHING, Phrase

LARGEST_ANSWER = 8 << 20  # bytes; a list of 3,000 files has 1.5 MB
LONGEST_WAIT = 3600.0  # seconds; a hub that asks for more is not believed
_TOKEN_HINT = Phrase(
    "Check its name. If it is private, give DeskSeek an access token of an account "
    "that may see it, on the page Models of its window.",
    "请检查名称。如果它是私有的，请在 DeskSeek 窗口的「模型」页填入有权访问的账号的访问令牌。",
)


class RateLimited(Unavailable):
    """The hub wants us to wait so many `seconds`."""

    default_code = "rate_limited"

    def __init__(self, host: str, seconds: float) -> None:
        whole = max(1, round(seconds))
        super().__init__(
            Phrase(
                f"{host} has had too many requests from here. It asks to wait {whole} s.",
                f"{host} 收到来自此处的请求过多，要求等待 {whole} 秒。",
            ),
            Phrase("Try again then.", "请稍后再试。"),
        )
        self.seconds = seconds


def refusal(
    status: int, headers: Mapping[str, str], *, endpoint: str, repo: str, file: str = "", page: str = ""
) -> BackendError:
    """The error for an answer with `status` (>= 400) to a question about `repo` (and `file`) at `endpoint`.

    `repo` "": a search. `page`: where a person can look at the repository.
    """
    host = endpoint.rpartition("//")[2]
    page = page or f"{endpoint}/{repo}"
    code = headers.get("X-Error-Code", "")
    if status == 429:
        return RateLimited(host, _seconds_to_wait(headers))
    if status >= 500:
        return Unavailable(
            Phrase(f"{host} is in trouble (HTTP {status}).", f"{host} 出现故障（HTTP {status}）。"),
            Phrase("Try again later, or use a mirror.", "请稍后再试，或使用镜像站点。"),
            code="hub_unavailable",
        )
    if code == "GatedRepo":
        return DownloadError(
            Phrase(
                f"The publisher of {repo} gives it only to those who accept its licence.",
                f"{repo} 的发布者要求先接受其许可协议。",
            ),
            Phrase(
                f"Open {page}, accept it there, and give DeskSeek an access token of "
                "that account, on the page Models of its window.",
                f"请打开 {page} 接受协议，然后在 DeskSeek 窗口的「模型」页填入该账号的访问令牌。",
            ),
            code="gated",
        )
    if not repo:
        return DownloadError(
            Phrase(f"{host} does not let itself be searched (HTTP {status}).", f"{host} 不支持搜索（HTTP {status}）。"),
            Phrase(
                "Name the repository (unsloth/DeepSeek-R1-GGUF), or use another hub.",
                "请直接输入仓库名（unsloth/DeepSeek-R1-GGUF），或使用其他站点。",
            ),
            code="no_search",
        )
    if code == "RepoNotFound" or (status == 404 and not file and not code):
        return NotFound(
            Phrase(
                f"There is no repository {repo} on {host} that you may see.", f"{host} 上没有您可访问的仓库 {repo}。"
            ),
            _TOKEN_HINT,
            code="repository_not_found",
        )
    if status == 404:
        return not_in_repository(host, repo, file or repo)
    if status == 401:
        return DownloadError(
            Phrase(
                f"{host} does not give {repo} to strangers: it is private, or does not exist.",
                f"{host} 未公开 {repo}：它是私有的，或不存在。",
            ),
            _TOKEN_HINT,
            code="sign_in_needed",
        )
    if status == 403:
        return DownloadError(
            Phrase(f"{host} refuses access to {repo}.", f"{host} 拒绝访问 {repo}。"),
            Phrase(f"See what {page} says about it.", f"请查看 {page} 上的说明。"),
            code="forbidden",
        )
    return DownloadError(
        Phrase(f"{host} refused the request (HTTP {status}).", f"{host} 拒绝了请求（HTTP {status}）。"),
        NOTHING,
        code="hub_refused",
    )


def not_in_repository(host: str, repo: str, file: str) -> NotFound:
    return NotFound(
        Phrase(f"{file} is not (or no longer) in {repo} on {host}.", f"{host} 的 {repo} 中没有（或不再有）{file}。"),
        Phrase("See which files there are and choose another.", "请查看现有文件并选择其他文件。"),
        code="file_not_found",
    )


def read_json(answer: Response, endpoint: str) -> object:
    """What a hub says; DownloadError (`not_a_hub`) if that is no JSON, or endless."""
    body = answer.read(LARGEST_ANSWER + 1)
    try:
        return json.loads(body) if len(body) <= LARGEST_ANSWER else None
    except (ValueError, RecursionError) as error:
        raise not_a_hub(endpoint) from error


def not_a_hub(endpoint: str) -> DownloadError:
    """The other side answered, but not as a hub does: a sign-in page of the network, or some other server."""
    host = endpoint.rpartition("//")[2]
    return DownloadError(
        Phrase(f"What {host} answered is not what a model hub sends.", f"{host} 的响应不是模型站点应有的内容。"),
        Phrase(
            "Open a web page to see whether this network wants you to sign in, and check the address of the hub.",
            "请打开任意网页，看当前网络是否需要登录，并检查站点地址。",
        ),
        code="not_a_hub",
    )


def _seconds_to_wait(headers: Mapping[str, str]) -> float:
    """From `Retry-After` (seconds or a date) or the hub's `RateLimit: "api";r=0;t=55`; 60 where neither says."""
    said = headers.get("Retry-After", "").strip()
    seconds = 60.0
    if said.isdecimal():
        seconds = float(said)
    elif said and (date := email.utils.parsedate_tz(said)):
        seconds = email.utils.mktime_tz(date) - time.time()
    elif match := re.search(r";\s*t=(\d+)", headers.get("RateLimit", "")):
        seconds = float(match[1])
    return min(max(seconds, 0.0), LONGEST_WAIT)
