"""What is looked at: one machine, one user's folders, these settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from backends.core.network import Network
from backends.core.paths import Paths
from backends.core.secrets import Secrets
from backends.core.settings import Settings


@dataclass(frozen=True, slots=True)
class KnownDatabase:
    """`version`: the number of the last migration that this program knows."""

    path: Path
    version: int


@dataclass(frozen=True, slots=True)
class Case:
    """`deep`: read every byte of models and databases. `network`: None asks nobody. `secrets` makes a new door to the
    keyring, since a failure is remembered by each. `ours`: the processes that may hold the port. `root` and `engine`
    (the folder of the engine's libraries): another machine than this one, for tests."""

    paths: Paths
    settings: Settings
    models: Path
    databases: tuple[KnownDatabase, ...]
    network: Network | None
    secrets: Callable[[], Secrets]
    deep: bool = False
    ours: frozenset[int] = field(default_factory=frozenset)
    root: Path = Path("/")
    engine: Path | None = None
