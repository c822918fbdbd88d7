"""The doctor: what is wrong with this machine for DeskSeek, and the repair.

    for finding in services.doctor.examine(): ...          # beside everything else
    for finding in examine(case_of(paths, settings), …)    # without services, when the data folder does not open

Looking changes nothing: databases, models and settings are read as they lie.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from backends.api.request_log import MIGRATIONS as REQUESTS
from backends.chat.store import MIGRATIONS as CHATS
from backends.core.cancel import CancelToken
from backends.core.network import Network, NetworkOptions
from backends.core.paths import Paths
from backends.core.secrets import Secrets
from backends.core.settings import Settings
from backends.core.stream import Runner, Stream
from backends.doctor.case import Case, KnownDatabase
from backends.doctor.types import Finding
from backends.documents.schema import MIGRATIONS as LIBRARY
from backends.governance.keys import MIGRATIONS as KEYS
from backends.monitor.schema import MIGRATIONS as MONITOR
from backends.services.foundation import Foundation


def case_of(
    paths: Paths,
    settings: Settings,
    network: Network | None = None,
    *,
    secrets: Callable[[], Secrets] = Secrets,
    deep: bool = False,
    ask_network: bool = True,
) -> Case:
    """This machine as these folders and settings have it. `network`: the door that is open already; else a new one, if
    anybody is to be asked."""
    chosen = settings.models.folder
    if network is None and ask_network:
        options = settings.network
        network = Network(NetworkOptions(options.proxy, options.ca_file, options.offline), _log_in(paths))
    return Case(
        paths,
        settings,
        Path(chosen).expanduser() if chosen else paths.models,
        (
            KnownDatabase(paths.data / "chats.db", len(CHATS)),
            KnownDatabase(paths.data / "library.db", len(LIBRARY)),
            KnownDatabase(paths.data / "keys.db", len(KEYS)),
            KnownDatabase(paths.data / "requests.db", len(REQUESTS)),
            KnownDatabase(paths.data / "monitor.db", len(MONITOR)),
        ),
        network if ask_network else None,
        secrets,
        deep,
        _ours(paths),
    )


class DoctorServices:
    """Its threads: `doctor`, and one for each look."""

    def __init__(self, foundation: Foundation) -> None:
        self._base = foundation
        self._runner = Runner("doctor")

    def close(self) -> None:
        self._runner.close()

    def examine(self, *, deep: bool = False, network: bool = True) -> Stream[Finding]:
        """All findings as they come. `deep`: every byte of models and databases is read. `network`: sources are
        asked."""
        return self._runner.start(self._examine, deep, network)

    def _examine(self, deep: bool, network: bool, *, cancel: CancelToken) -> Iterator[Finding]:
        from backends.doctor.examination import examine

        base = self._base
        case = case_of(base.paths, base.settings.current, base.network, deep=deep, ask_network=network)
        case = replace(case, models=base.models_folder, secrets=base.secrets.again)
        yield from examine(case, cancel=cancel)


def _log_in(paths: Paths) -> Path | None:
    """The file of connections, if one can be kept."""
    return paths.state / "connections.log" if os.access(paths.state, os.W_OK) else None


def _ours(paths: Paths) -> frozenset[int]:
    """This process, and the one that owns the data folder."""
    try:
        owner = json.loads((paths.data / "owner.json").read_bytes())["pid"]
    except (OSError, ValueError, KeyError, TypeError):
        owner = None
    return frozenset({os.getpid(), *([owner] if isinstance(owner, int) else [])})
