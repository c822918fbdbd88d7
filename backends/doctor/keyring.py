"""Whether the keyring of the system keeps what it is given."""

import secrets as random
from collections.abc import Iterator

from backends.core.cancel import CancelToken
from backends.core.phrase import Phrase
from backends.doctor.case import Case
from backends.doctor.types import Finding

NAME = "doctor"


def look(case: Case, *, cancel: CancelToken) -> Iterator[Finding]:
    """A word is written, read by another door, and deleted."""
    word, door = random.token_hex(8), case.secrets()
    door.set(NAME, word)
    backend = door.backend
    kept = door.persistent and case.secrets().get(NAME) == word
    door.delete(NAME)
    if kept:
        yield Finding(
            "keyring",
            "keyring_ok",
            "ok",
            Phrase("The system's keyring keeps keys.", "系统密钥环工作正常。"),
            details={"keyring": backend},
        )
    elif backend:
        yield Finding(
            "keyring",
            "keyring_failed",
            "warn",
            Phrase(
                "The system's keyring is there, but does not keep what it is given. Access tokens are asked for again "
                "after each start.",
                "系统密钥环存在，但无法保存内容。每次启动后需要重新输入访问令牌。",
            ),
            Phrase(
                "Unlock it (by signing in to the desktop), then check again.", "请解锁密钥环（登录桌面）后再次检查。"
            ),
            details={"keyring": backend},
        )
    else:
        yield Finding(
            "keyring",
            "no_keyring",
            "warn",
            Phrase(
                "This system offers no keyring. Access tokens are kept in memory and asked for again after each start.",
                "系统没有可用的密钥环。访问令牌只保存在内存中，每次启动后需要重新输入。",
            ),
            Phrase(
                "Install GNOME Keyring or KWallet if you use access tokens; nothing else needs it.",
                "如果使用访问令牌，请安装 GNOME Keyring 或 KWallet；其他功能不受影响。",
            ),
        )
