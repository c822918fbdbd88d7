"""What the page of the API shows, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from backends.api.live import LiveCall
from backends.core.phrase import NOTHING, Phrase
from backends.governance.access import Role
from backends.governance.keys import Key

Stage = Literal["off", "starting", "on", "ending", "failed"]


@dataclass(frozen=True, slots=True)
class AskedKey:
    """What a person wants of a new key. `models` (): all. Limits a minute, 0: none. `expires`: seconds since 1970,
    None: never."""

    name: str
    role: Role
    models: tuple[str, ...] = ()
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key whose secret is shown, this once."""

    key: Key
    secret: str


@dataclass(frozen=True, slots=True)
class ApiPicture:
    """`address`: of a server that is on or ending. `message`, `hint`: why it could not start. `keys` None: not read
    yet, or not readable: then `trouble` says why. `last_used`: by key, seconds since 1970."""

    stage: Stage = "off"
    enabled: bool = False  # so the settings say
    address: str = ""
    message: Phrase = NOTHING
    hint: Phrase = NOTHING
    port: int = 0
    port_taken: bool = False
    open_to_all: bool = False  # no key is needed
    beyond: bool = False  # others than this computer may ask
    model: str = ""  # the id of the one that answers
    keys: tuple[Key, ...] | None = None
    last_used: Mapping[str, float] = field(default_factory=dict)
    trouble: Phrase = NOTHING
    made: MadeKey | None = None
    live: tuple[LiveCall, ...] = ()

    @property
    def next_port(self) -> int:
        """Where to try if this one is taken."""
        return self.port + 1 if self.port < 65_535 else 1024
