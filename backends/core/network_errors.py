"""The sentences of `network`: what a person reads when a connection fails, by the stable code of the error."""

from backends.core.errors import DownloadError
from backends.core.phrase import Phrase

# Headers that carry a key; they go to one host only.
SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key", "api-key"})

_SETTINGS_HINT = Phrase(
    "Check the network connection. Behind a proxy, enter it under Settings, Network.",
    "请检查网络连接。如果需要代理，请在“设置 → 网络”中填写。",
)
_PROXY_HINT = Phrase(
    "Check the proxy under Settings, Network.",
    "请检查“设置 → 网络”中的代理。",
)

# code -> (English, Chinese, hint); {host} is the other side, {detail} what the system said.
_SENTENCES: dict[str, tuple[str, str, Phrase]] = {
    "no_network": ("{host} cannot be reached: {detail}.", "无法连接 {host}：{detail}。", _SETTINGS_HINT),
    "timeout": (
        "{host} did not answer in time.",
        "{host} 未在规定时间内响应。",
        Phrase(
            "Try again. If it stays so, use a mirror or a proxy (Settings, Network).",
            "请重试。如果仍然如此，请使用镜像或代理（设置 → 网络）。",
        ),
    ),
    "tls_failed": (
        "The secure connection to {host} failed: {detail}.",
        "与 {host} 的安全连接失败：{detail}。",
        Phrase(
            "Check this computer's clock. In a company network, enter its certificate file under Settings, Network.",
            "请检查本机时间。如果在公司网络中，请在“设置 → 网络”中填写公司的证书文件。",
        ),
    ),
    "proxy_failed": ("The proxy {host} does not work: {detail}.", "代理 {host} 无法使用：{detail}。", _PROXY_HINT),
    "proxy_auth": (
        "The proxy {host} wants a user name and a password.",
        "代理 {host} 需要用户名和密码。",
        Phrase(
            "Enter the proxy as http://user:password@host:port under Settings, Network.",
            "请在“设置 → 网络”中按 http://用户名:密码@主机:端口 填写代理。",
        ),
    ),
    "connection_lost": (
        "The connection to {host} was lost.",
        "与 {host} 的连接中断。",
        Phrase("Try again; what has arrived is kept.", "请重试；已下载的部分会保留。"),
    ),
    "redirect_refused": (
        "{host} led to a place that is not safe: {detail}.",
        "{host} 跳转到了不安全的地址：{detail}。",
        Phrase(
            "Nothing was sent there. Check the address of the hub or mirror.",
            "未向该地址发送任何内容。请检查下载站点或镜像的地址。",
        ),
    ),
    "private_address": (
        "{host} is an address inside this computer or its network, which only you may name.",
        "{host} 是本机或内网地址，只有您亲自填写的内网地址才会被访问。",
        Phrase("Enter it yourself as the hub address if you want it.", "如需使用，请在设置中将其填写为站点地址。"),
    ),
    "too_much": (
        "{host} sends more than the answer to this question can be.",
        "{host} 返回的数据超出了合理大小。",
        Phrase(
            "Nothing of it is used. Check the address of the hub.",
            "已全部忽略。请检查站点地址。",
        ),
    ),
    "insecure_address": (
        "{host} would be reached without encryption.",
        "与 {host} 的连接没有加密。",
        Phrase("Use an address that begins with https://.", "请使用以 https:// 开头的地址。"),
    ),
    "bad_address": (
        "{host} is not a web address.",
        "{host} 不是有效的网址。",
        Phrase("It should look like https://huggingface.co.", "网址应形如 https://huggingface.co。"),
    ),
    "offline": (
        "DeskSeek is set to stay offline; {host} was not contacted.",
        "已设置为离线模式，未连接 {host}。",
        Phrase("Turn off “Stay offline” under Settings, Network.", "请在“设置 → 网络”中关闭“离线模式”。"),
    ),
    "bad_ca_file": (
        "The certificate file {host} cannot be used: {detail}.",
        "无法使用证书文件 {host}：{detail}。",
        Phrase("Choose a PEM file under Settings, Network.", "请在“设置 → 网络”中选择 PEM 格式的文件。"),
    ),
}


def network_error(code: str, host: str, detail: object = "") -> DownloadError:
    """The error for `code` about `host`; `detail` is a word of the system or the address that was refused."""
    english, chinese, hint = _SENTENCES[code]
    said = {"host": host, "detail": str(detail).rstrip(".")}
    return DownloadError(Phrase(english.format(**said), chinese.format(**said)), hint, code=code)
