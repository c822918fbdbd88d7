"""Tokens and passwords: in the keyring of the system, else in memory until the program ends; never in a file (SEC-51).

Only keyrings that encrypt and belong to the system are used. The `keyring` library would also take what a plug-in, a
configuration file or an environment variable names, plain-text files among them, so it is not asked to choose. A
keyring that does not answer, as on a machine without a desktop, must not hang the program: every call to it has a
thread of its own and a limit, and after one silence it is left alone.
"""

import importlib
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from backends.core.phrase import NOTHING, Phrase

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

# Modules and classes of the keyring library, best first.
_LINUX = (
    "keyring.backends.SecretService.Keyring",
    "keyring.backends.kwallet.DBusKeyring",
    "keyring.backends.libsecret.Keyring",
)
ALLOWED = {
    "win32": ("keyring.backends.Windows.WinVaultKeyring",),
    "darwin": ("keyring.backends.macOS.Keyring",),
}.get(sys.platform, _LINUX)

# What the libraries under those raise when the keyring is locked, refuses, or is not there.
_FAILURES = (
    ("keyring.errors", "KeyringError"),
    ("secretstorage.exceptions", "SecretStorageException"),
    ("jeepney", "DBusErrorResponse"),
    ("dbus", "DBusException"),
    ("gi.repository.GLib", "Error"),
    ("win32ctypes.pywin32.pywintypes", "error"),
)

_MEMORY_ONLY = Phrase(
    "This system offers no keyring, so keys are kept in memory only and asked for again after a restart.",
    "系统没有可用的密钥环，因此密钥只保存在内存中，重启后需要重新输入。",
)
_FAILED = Phrase(
    "The keyring of the system does not answer, so keys are kept in memory only until the program ends.",
    "系统密钥环没有响应，因此密钥只保存在内存中，直到程序退出。",
)

log = logging.getLogger(__name__)


class Secrets:
    """Secrets by name, for this person. Any thread may use it, but the first call may take seconds, and a locked
    keyring asks the person: call it on a worker.

    `candidates`: classes of keyrings in the order of preference. `answer_within` (seconds) bounds the search for one,
    `unlock_within` each later call.
    """

    def __init__(
        self,
        service: str = "DeskSeek",
        *,
        candidates: Sequence[str] = ALLOWED,
        answer_within: float = 5,
        unlock_within: float = 60,
    ) -> None:
        self._service = service
        self._candidates = tuple(candidates)
        self._answer_within = answer_within
        self._unlock_within = unlock_within
        self._lock = threading.Lock()
        self._searched = False
        self._keyring: KeyringBackend | None = None
        self._backend = ""
        self._notice = NOTHING
        self._known: dict[str, str | None] = {}

    def again(self) -> "Secrets":
        """The same keyring, looked for anew: nothing is remembered of what it holds or where it failed."""
        return Secrets(
            self._service,
            candidates=self._candidates,
            answer_within=self._answer_within,
            unlock_within=self._unlock_within,
        )

    @property
    def persistent(self) -> bool:
        """Whether secrets outlive the program."""
        with self._lock:
            return self._found() is not None

    @property
    def backend(self) -> str:
        """The class of the keyring that was found, also of one that failed afterwards; "" if there is none."""
        with self._lock:
            self._found()
            return self._backend

    @property
    def notice(self) -> Phrase:
        """What the person should know about where secrets are kept; empty if all is well."""
        with self._lock:
            self._found()
            return self._notice

    def get(self, name: str) -> str | None:
        with self._lock:
            keyring = self._found()
            if name not in self._known:
                self._known[name] = keyring and self._ask(lambda: keyring.get_password(self._service, name), None)
            return self._known[name]

    def set(self, name: str, value: str) -> None:
        with self._lock:
            keyring = self._found()
            self._known[name] = value
            if keyring:
                self._ask(lambda: keyring.set_password(self._service, name, value), None)

    def delete(self, name: str) -> None:
        """Forget it, in memory and in the keyring; nothing if there is none."""
        with self._lock:
            keyring = self._found()
            self._known[name] = None

            def delete() -> None:
                if keyring and keyring.get_password(self._service, name) is not None:
                    keyring.delete_password(self._service, name)

            self._ask(delete, None)

    def _found(self) -> "KeyringBackend | None":
        if not self._searched:
            self._searched = True
            self._notice = _MEMORY_ONLY
            self._keyring = self._within(self._answer_within, self._search, None)
            if self._keyring:
                self._backend = type(self._keyring).__name__
                self._notice = NOTHING
        return self._keyring

    def _search(self) -> "KeyringBackend | None":
        for candidate in self._candidates:
            module, _, name = candidate.rpartition(".")
            try:
                kind: Any = getattr(importlib.import_module(module), name)
                log.debug("keyring %s, priority %s", candidate, kind.priority)
                return kind()
            except (ImportError, AttributeError, RuntimeError, OSError, *_failures()) as error:
                log.debug("keyring %s is not for us: %s", candidate, error)
        return None

    def _ask(self, call: Callable[[], T], otherwise: T) -> T:
        """Call the keyring; if it fails, leave it alone from now on."""
        return self._within(self._unlock_within, call, otherwise)

    def _within(self, seconds: float, call: Callable[[], T], otherwise: T) -> T:
        answers: list[T] = []

        def ask() -> None:
            try:
                answers.append(call())
            except (RuntimeError, OSError, *_failures()) as error:
                log.warning("the keyring failed: %s", error)

        thread = threading.Thread(target=ask, name="keyring", daemon=True)
        thread.start()
        thread.join(seconds)
        if answers:
            return answers[0]
        self._keyring = None
        self._notice = _FAILED
        return otherwise


def _failures() -> tuple[type[Exception], ...]:
    """The exception classes of `_FAILURES` whose modules are loaded."""
    found = (getattr(sys.modules.get(module), name, None) for module, name in _FAILURES)
    return tuple(kind for kind in found if kind is not None)
