"""Has the publisher newer bytes of a model that is here? Asked only when a person asks."""

from collections.abc import Sequence
from typing import Protocol

from backends.core.cancel import CancelToken
from backends.core.errors import NotFound
from backends.models import partial
from backends.models.partial import FilePart, Record
from backends.models.types import ModelFile


class _Remote(Protocol):
    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str | None: ...
    @property
    def etag(self) -> str: ...


class Listing(Protocol):
    """What is asked of a hub."""

    def files(self, repo: str, *, cancel: CancelToken | None = None) -> list[ModelFile]: ...
    def resolve(
        self, repo: str, file: str, *, revision: str = "main", cancel: CancelToken | None = None
    ) -> _Remote: ...


def newer(receipts: Sequence[Record], hub: Listing, *, cancel: CancelToken) -> ModelFile | None:
    """The file as the hub has it now, if its bytes are not those of any version that is here (`receipts`); None too if
    the hub has it no more. Raises what the hub raises."""
    if not receipts:
        return None
    repo, names = receipts[0].repo, [part.file for part in receipts[0].parts]
    try:
        file = next((file for file in hub.files(repo, cancel=cancel) if file.file == names[0]), None)
    except NotFound:
        return None
    if file is None:
        return None
    parts = []
    for name in file.parts or (file.file,):
        remote = hub.resolve(repo, name, cancel=cancel)
        parts.append(FilePart(name, remote.size, remote.sha256, remote.etag))
    now = Record("", repo, "", file.quant, tuple(parts))
    return None if any(partial.same_files(now, receipt) for receipt in receipts) else file
