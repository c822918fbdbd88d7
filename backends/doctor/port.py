"""Whether the API can have its port."""

import socket
import sys
from collections.abc import Iterator

import psutil

from backends.core.cancel import CancelToken
from backends.core.phrase import Phrase
from backends.doctor.case import Case
from backends.doctor.types import Finding


def look(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
    api = case.settings.api
    if _free(api.port):
        yield Finding(
            "port",
            "port_free",
            "ok",
            Phrase(f"Port {api.port} is free for the API.", f"端口 {api.port} 可供 API 使用。"),
            details={"port": api.port, "enabled": api.enabled},
        )
        return
    pid, name = _listener(api.port)
    if pid in case.ours:
        yield Finding(
            "port",
            "port_ours",
            "ok",
            Phrase(f"DeskSeek's own API answers at port {api.port}.", f"DeskSeek 的 API 正在使用端口 {api.port}。"),
            details={"port": api.port, "enabled": api.enabled},
        )
        return
    yield Finding(
        "port",
        "port_taken",
        "fail" if api.enabled else "warn",
        Phrase(
            f"Port {api.port} is used by {name}." if name else f"Port {api.port} is used by another program.",
            f"端口 {api.port} 正被 {name} 使用。" if name else f"端口 {api.port} 已被其他程序占用。",
        ),
        Phrase("Choose another port for the API, or end that program.", "请为 API 换一个端口，或关闭占用它的程序。"),
        "settings_api",
        details={"port": api.port, "enabled": api.enabled, "program": name or None},
    )


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        if sys.platform == "win32":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _listener(port: int) -> tuple[int | None, str]:
    """The process that listens there and its name, as far as this user may know."""
    try:
        held = [
            one.pid
            for one in psutil.net_connections("tcp")
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port
        ]
        pid = next(filter(None, held), None)
        return pid, psutil.Process(pid).name() if pid else ""
    except (psutil.Error, OSError):  # macOS tells this to root alone
        return None, ""
