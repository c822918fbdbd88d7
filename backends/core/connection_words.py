"""What is said of connections: why they were made, what came of them, how they look in a table for other programs."""

import csv
import io
import time
from collections.abc import Iterator, Sequence
from typing import Literal

from backends.core.cells import harmless
from backends.core.connections import Connection
from backends.core.gate import UNKNOWN
from backends.core.phrase import Language, Phrase

Tone = Literal["muted", "warning", "danger"]

PURPOSES: dict[str, Phrase] = {
    "model search": Phrase("Looking for models", "查找模型"),
    "model listing": Phrase("What a model consists of", "查询模型文件列表"),
    "model header": Phrase("Whether a model fits, before it is downloaded", "下载前检查模型是否合适"),
    "model download": Phrase("Download of a model", "下载模型"),
    "doctor": Phrase("Check of this machine", "检查本机"),
}

_OUTCOMES: dict[str, Phrase] = {
    "offline": Phrase("Refused: offline", "已阻止：离线模式"),
    "lookup": Phrase("Name looked up", "已查询域名"),
    "tried": Phrase("Connected", "已连接"),
    "cancelled": Phrase("Cancelled", "已取消"),
    "no_network": Phrase("Not reached", "无法连接"),
    "timeout": Phrase("No answer in time", "响应超时"),
    "tls_failed": Phrase("No secure connection", "安全连接失败"),
    "proxy_failed": Phrase("The proxy does not work", "代理无法使用"),
    "proxy_auth": Phrase("The proxy wants a password", "代理需要密码"),
    "connection_lost": Phrase("Connection lost", "连接中断"),
    "redirect_refused": Phrase("Led to an unsafe place: not followed", "跳转地址不安全，未访问"),
    "private_address": Phrase("Refused: inside this network", "已阻止：内网地址"),
    "insecure_address": Phrase("Refused: not encrypted", "已阻止：未加密"),
    "bad_address": Phrase("Refused: no web address", "已阻止：网址无效"),
    "too_much": Phrase("Broken off: too large", "数据过大，已中断"),
    "bad_ca_file": Phrase("The certificate file cannot be used", "证书文件无法使用"),
}
_REFUSED = frozenset({"offline", "redirect_refused", "private_address", "insecure_address", "bad_address"})
_CALM = frozenset({"lookup", "tried", "cancelled"})


def why(connection: Connection) -> Phrase:
    """The purpose, in words; what came past the door is named by its module."""
    purpose = connection.purpose
    if purpose.startswith(UNKNOWN):
        module = purpose.removeprefix(UNKNOWN)
        return Phrase(f"Unexpected, from {module}", f"意外连接，来自 {module}")
    return PURPOSES.get(purpose, Phrase(purpose, purpose))


def outcome(connection: Connection) -> Phrase:
    code = connection.outcome
    if not code.isdecimal():
        return _OUTCOMES.get(code, Phrase(code, code))
    if code.startswith("3"):
        return Phrase(f"Redirected ({code})", f"跳转（{code}）")
    if code < "400":
        return Phrase("Answered", "已响应") if connection.seconds else Phrase("Running", "进行中")
    return (
        Phrase(f"Declined ({code})", f"对方拒绝（{code}）")
        if code < "500"
        else Phrase(f"Server error ({code})", f"服务器出错（{code}）")
    )


def tone(connection: Connection) -> Tone:
    code = connection.outcome
    if connection.purpose.startswith(UNKNOWN) or refused(connection):
        return "warning"
    return "muted" if code in _CALM or (code.isdecimal() and code < "400") else "danger"


def refused(connection: Connection) -> bool:
    """Whether DeskSeek itself stopped it."""
    return connection.outcome in _REFUSED


def moment(connection: Connection) -> str:
    """When, in this computer's time zone: ISO 8601, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(connection.time))


def table(connections: Sequence[Connection], language: Language) -> Iterator[str]:
    """Lines of CSV, the newest first, after a mark that tells spreadsheets that it is UTF-8. Hosts are what a server on
    the net chose."""
    heads = (
        Phrase("time", "时间"),
        Phrase("purpose", "用途"),
        Phrase("host", "主机"),
        Phrase("outcome", "结果"),
        Phrase("code", "代码"),
        Phrase("received (bytes)", "接收（字节）"),
        Phrase("sent (bytes)", "发送（字节）"),
        Phrase("duration (s)", "用时（秒）"),
    )
    yield "\ufeff" + _row([head.to(language) for head in heads])
    for one in reversed(connections):
        words = (moment(one), why(one).to(language), one.host, outcome(one).to(language), one.outcome)
        yield _row([*map(harmless, words), str(one.received), str(one.sent), f"{one.seconds:.3f}"])


def _row(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
