"""Keyrings for tests: real backends of the keyring library, kept in memory, and the ways in which keyrings fail."""

import threading
from typing import ClassVar

from keyring.backend import KeyringBackend
from keyring.compat import properties
from keyring.errors import KeyringLocked, PasswordDeleteError


class Vault(KeyringBackend):
    """One that works; what it holds outlives each instance, as that of a system does."""

    kept: ClassVar[dict[tuple[str, str], str]] = {}

    @properties.classproperty
    def priority(cls) -> float:
        return 1

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError(username)
        del self.kept[service, username]


class Locked(Vault):
    """One that the person does not unlock."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("dismissed")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("dismissed")


class Silent(Vault):
    """One that is found and never answers. `asked` counts the calls."""

    asked: ClassVar[list[str]] = []
    closing: ClassVar[threading.Event] = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append(username)
        self.closing.wait(20)
        return None


class NotHere(Vault):
    """One of another system."""

    @properties.classproperty
    def priority(cls) -> float:
        raise RuntimeError("no such system")
