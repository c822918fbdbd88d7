"""What happens to the access token of a hub: looked up, kept in the keyring, removed. Never in settings or logs.

A keyring may take seconds, or ask the person to unlock it: everything is done on a worker, and nothing before
somebody wants to see it.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.picture import AccessToken
from backends.core.phrase import Phrase
from backends.core.stream import Runner
from backends.services import Services
from backends.services.downloads import TOKEN

_LONGEST = 500
_WRONG = Phrase(
    "This is not an access token: it has spaces or characters that no token has.",
    "这不是有效的访问令牌：其中含有空格或令牌不会使用的字符。",
)


class Tokens(QObject):
    """The token of a hub: of the first that the settings name, or of another one that a person has chosen."""

    changed = Signal()
    refused = Signal(object)  # Phrase

    def __init__(self, services: Services, pump: Pump, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._pump = pump
        self._runner = runner
        self._chosen = ""
        self._token = AccessToken(self.host)
        self._keeping = 0  # tokens on their way into the keyring
        self._waiting: list[Callable[[], None]] = []

    @property
    def host(self) -> str:
        """With its port, as tokens are named."""
        network = self._services.settings.current.network
        return self._chosen if self._chosen in network.hosts else network.hosts[0]

    @Slot(str)
    def choose(self, host: str) -> None:
        """Speak of the token of another hub."""
        self._chosen = host
        self.changed.emit()
        self.look_up()

    @property
    def token(self) -> AccessToken:
        """What is known about it; as good as unknown after a change of the endpoint."""
        host = self.host
        return self._token if self._token.host == host else AccessToken(host)

    @Slot()
    def look_up(self) -> None:
        if self.token.is_set is None:
            self._pump.call(self._runner, self._state, self.host, then=self._on_state)

    @Slot(str)
    def set(self, text: str) -> None:
        text = text.strip()
        if not text:
            return
        if len(text) > _LONGEST or not text.isascii() or not text.isprintable() or " " in text:
            self.refused.emit(_WRONG)
            return
        self._keeping += 1
        self._pump.call(self._runner, self._keep, self.host, text, then=self._on_kept)

    @Slot()
    def remove(self) -> None:
        self._pump.call(self._runner, self._drop, self.host, then=self._on_state)

    def when_kept(self, call: Callable[[], None]) -> None:
        """Call it now, or when the keyring has the token that was just typed."""
        if self._keeping:
            self._waiting.append(call)
        else:
            call()

    def _on_kept(self, token: AccessToken) -> None:
        self._keeping -= 1
        self._on_state(token)
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            self.when_kept(call)

    def _keep(self, host: str, text: str) -> AccessToken:
        self._services.secrets.set(TOKEN + host, text)
        return self._state(host)

    def _drop(self, host: str) -> AccessToken:
        self._services.secrets.delete(TOKEN + host)
        return self._state(host)

    def _state(self, host: str) -> AccessToken:
        secrets = self._services.secrets
        return AccessToken(host, secrets.get(TOKEN + host) is not None, secrets.notice)

    def _on_state(self, token: AccessToken) -> None:
        self._token = token
        self.changed.emit()
