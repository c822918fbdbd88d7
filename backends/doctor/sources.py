"""The ways out: proxy, certificates, and each source of models, asked one small question."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError
from backends.core.fields import MODELSCOPE
from backends.core.network import Network
from backends.core.phrase import NOTHING, Phrase
from backends.core.routes import proxy_for
from backends.doctor.case import Case
from backends.doctor.types import Finding
from backends.models.sources import open_source

PURPOSE = "doctor"
_OF_PROXY = ("proxy_failed", "proxy_auth")
_SETTINGS = {**dict.fromkeys(_OF_PROXY, "network.proxy"), "bad_ca_file": "network.ca_file"}  # others: the address


def look(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
    network, settings = case.network, case.settings.network
    if settings.offline:
        yield Finding(
            "network",
            "offline",
            "ok",
            Phrase("DeskSeek is set to stay offline, so nobody was asked.", "已设置为离线模式，因此未进行网络检查。"),
            action="go_online",
        )
        return
    if network is None:
        what = Phrase("The sources of models were not asked.", "未检查模型下载站点。")
        yield Finding("network", "not_asked", "ok", what, action="ask_sources")
        return
    try:
        network.tls_context()
    except BackendError as error:
        yield _failed(error, "", {})
        return
    asked = [_ask(network, endpoint, cancel) for endpoint in settings.sources]
    answered = any(one.verdict == "ok" for one in asked)
    proxies = [one for one in asked if one.code in _OF_PROXY]
    if proxies and not answered:
        yield proxies[0]  # the others would say the same
        return
    for one in asked:
        yield replace(one, verdict="warn") if answered and one.verdict == "fail" else one


def _ask(network: Network, endpoint: str, cancel: CancelToken) -> Finding:
    """One question as a search asks it, without a token."""
    host = urlsplit(endpoint.removeprefix(MODELSCOPE)).netloc
    details = {"host": host, "proxy": _proxy(network, endpoint)}
    try:
        open_source(network, endpoint).search("", limit=1, cancel=cancel, purpose=PURPOSE)
    except BackendError as error:
        return _failed(error, "" if error.code in _OF_PROXY else host, details)
    what = Phrase(f"{host} answers.", f"{host} 可以访问。")
    return Finding("network", "source_ok", "ok", what, NOTHING, subject=host, details=details)


def _failed(error: BackendError, subject: str, details: Mapping[str, str | None]) -> Finding:
    target = _SETTINGS.get(error.code, "network.endpoint")
    return Finding(
        "network",
        error.code,
        "fail",
        error.message,
        error.hint,
        "settings_network",
        subject,
        target=target,
        details=details,
    )


def _proxy(network: Network, endpoint: str) -> str | None:
    """`host:port` of the proxy on the way, without its user and password."""
    parts = urlsplit(endpoint.removeprefix(MODELSCOPE))
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        proxy = proxy_for(parts.scheme, parts.hostname or "", port, network.options.proxy)
    except BackendError:
        return None
    return str(proxy) if proxy else None
