"""What the page of documents draws, as one frozen picture; rows of the list are apart (`lists.documents`)."""

from dataclasses import dataclass
from typing import Literal

from backends.core.phrase import NOTHING, Phrase
from backends.documents.types import Collection, WatchedFolder

Sort = Literal["added", "name", "modified", "size", "pages"]
SORTS: tuple[Sort, ...] = ("added", "name", "modified", "size", "pages")


@dataclass(frozen=True, slots=True)
class Intake:
    """Files that are being taken in. `files`: in all, as far as is known; `done` of them are read, `failed` among
    them cannot be. `name`: the one that is read now, `read` of `total` pages or bytes of it."""

    files: int = 0
    done: int = 0
    failed: int = 0
    name: str = ""
    read: int = 0
    total: int = 0
    paused: bool = False
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        part = self.read / self.total if self.total else 0.0
        return min(1.0, (self.done + part) / self.files) if self.files else 0.0


@dataclass(frozen=True, slots=True)
class Deletion:
    """One step that can be undone. `name`: of the collection that went with its documents, else of the document if it
    is the only one."""

    ids: tuple[int, ...]
    name: str = ""
    collection_id: int | None = None


@dataclass(frozen=True, slots=True)
class Library:
    """`chosen`: the collection that is listed, None: all. `count`: documents listed, of `whole` without the filter.
    `deletions`: can be undone still, the oldest first. `watched`: of what is listed."""

    state: Literal["opening", "ready", "failed"] = "opening"
    message: Phrase = NOTHING
    hint: Phrase = NOTHING
    collections: tuple[Collection, ...] = ()
    chosen: int | None = None
    watched: tuple[WatchedFolder, ...] = ()
    count: int = 0
    whole: int = 0
    query: str = ""
    sort: Sort = "added"
    intake: Intake | None = None
    deletions: tuple[Deletion, ...] = ()
    quoting: int = 0  # answers that quote what is deleted
    recognises: bool = False  # scanned pages can be read here

    @property
    def deleted(self) -> int:
        """Documents that can be put back."""
        return sum(len(deletion.ids) for deletion in self.deletions)

    @property
    def documents(self) -> int:
        return sum(collection.documents for collection in self.collections)

    def collection(self, collection_id: int | None) -> Collection | None:
        return next((one for one in self.collections if one.id == collection_id), None)
