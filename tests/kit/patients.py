"""One user's machine in order, to be broken: folders with real databases, a real model, a keyring that keeps."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backends.core.cancel import CancelToken
from backends.core.network import Network, NetworkOptions
from backends.core.paths import Paths
from backends.core.secrets import Secrets
from backends.core.settings import Settings, with_value
from backends.doctor.case import Case
from backends.doctor.types import Finding
from backends.models import partial
from backends.models.partial import FilePart, Record
from backends.services import Services
from backends.services.doctor import case_of
from tests.kit import keyrings
from tests.kit.shelves import ENGLISH, put

REPO = "unsloth/Tiny-GGUF"


@dataclass
class Home:
    """A user's folders, and the settings that a look goes by."""

    paths: Paths
    settings: Settings
    tiny: Path

    def set(self, key: str, value: object) -> None:
        self.settings = with_value(self.settings, key, value)

    def case(self, **changed: Any) -> Case:
        options = self.settings.network
        network = Network(NetworkOptions(options.proxy, options.ca_file, options.offline))
        usual = case_of(self.paths, self.settings, network, secrets=vault)
        return replace(usual, **changed)

    def look(self, look: Callable[..., Iterator[Finding]], **changed: Any) -> list[Finding]:
        return list(look(self.case(**changed), cancel=CancelToken()))

    def use(self, filled: bool = False) -> None:
        """DeskSeek is started and ended here; `filled`: with a chat and a document."""
        here = Path.cwd()
        try:
            with Services.open(self.paths) as services:
                if filled:
                    services.chats.create("A chat")
                    put(services.documents.store, "minutes.txt", ENGLISH)
                    for _ in services.documents.index.catch_up(cancel=CancelToken()):
                        pass
                assert services.api.keys.all() == ()
        finally:
            os.chdir(here)

    def download(self, name: str = "tiny-Q4_K_M.gguf") -> Path:
        """A model as a download leaves it, with its receipt."""
        content = self.tiny.read_bytes()
        path = self.paths.models / "unsloth--Tiny-GGUF" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        part = FilePart(name, len(content), hashlib.sha256(content).hexdigest(), "etag", True)
        record = Record("https://huggingface.co", REPO, "0" * 40, "Q4_K_M", (part,))
        partial.write_record(path, record, partial.RECEIPT)
        return path


def vault() -> Secrets:
    return Secrets(candidates=[f"{keyrings.__name__}.Vault"])


def told(findings: list[Finding]) -> dict[str, str]:
    """Codes with their verdicts."""
    return {one.code: one.verdict for one in findings}


def told_in(said: dict[str, Any]) -> dict[str, str]:
    """The same out of JSON."""
    return {one["code"]: one["verdict"] for one in said["findings"]}
