"""The list of conversations: read, kept in order by the person, deleted with a way back, and erased for ever."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.lists.conversations import ConversationList
from app.notices import NoticeBoard
from app.undo import Undo
from backends.chat.organised import Folder
from backends.chat.titles import shorten
from backends.chat.types import Conversation
from backends.core.errors import BackendError
from backends.core.phrase import Phrase
from backends.core.stream import Runner
from backends.services import Services

T = TypeVar("T")
_TITLE = 40  # characters of one in a notice


@dataclass(frozen=True, slots=True)
class _Gone:
    """What left the list at once. `title`: of the first one."""

    ids: tuple[int, ...]
    title: str


@dataclass(frozen=True, slots=True)
class _GoneFolder:
    folder: Folder
    ids: tuple[int, ...]  # what was in it


class OrganisingController(QObject):
    """Undo brings back one step at a time; what was deleted is erased when its notice goes."""

    listed = Signal(object)  # all conversations, as a tuple
    deleted = Signal(tuple)  # ids
    restored = Signal(int)  # one that had been deleted alone
    duplicated = Signal(int)  # the copy
    folder_made = Signal(int)  # it is in the list and wants a name

    def __init__(
        self,
        services: Services,
        pump: Pump,
        conversations: ConversationList,
        board: NoticeBoard,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._services = services
        self._pump = pump
        self._conversations = conversations
        self._board = board
        self._runner = Runner("organising")
        self._reading = False
        self._stale = False  # something changed while it was being read
        self._nameless: int | None = None  # a folder that is not in the list yet
        self._deleted = Undo[_Gone](board, "deleted", _say_deleted, self._restore, self._erase)
        self._archived = Undo[_Gone](board, "archived", _say_archived, self._unarchive, _keep)
        self._folders = Undo[_GoneFolder](board, "deleted_folder", _say_folders, self._restore_folder, _keep)

    def close(self) -> None:
        self._runner.close()

    @Slot()
    def refresh(self) -> None:
        """Read the list again; asked for often, it is read once more."""
        if self._reading:
            self._stale = True
            return
        self._reading, self._stale = True, False
        chats = self._services.chats

        def read() -> tuple[tuple[Conversation, ...], tuple[Folder, ...]]:
            return chats.conversations(archived=None), chats.organised.folders()

        self._pump.call(self._runner, read, then=self._on_read, on_error=self._on_not_read)

    @Slot()
    def let_go(self) -> None:
        """The person goes on: what was deleted is not wanted back."""
        self._deleted.let_go()

    # ---- conversations

    @Slot(tuple)
    def delete(self, ids: tuple[int, ...]) -> None:
        def deleted(_: None) -> None:
            self.deleted.emit(ids)
            self.refresh()
            self._deleted.push(gone)

        gone = self._gone(ids)
        self._call(self._services.chats.delete, *ids, then=deleted)

    @Slot(tuple, bool)
    def pin(self, ids: tuple[int, ...], pinned: bool) -> None:
        self._change(self._services.chats.organised.pin, ids, pinned)

    @Slot(tuple, object)
    def move(self, ids: tuple[int, ...], folder_id: int | None) -> None:
        """Into a folder, where it stands from now on and not among the pinned ones; None: out of it."""
        if folder_id is None:
            self._change(self._services.chats.organised.move, ids, None)
        else:
            self.place(ids, folder_id, pinned=False)

    @Slot(tuple, object, bool)
    def place(self, ids: tuple[int, ...], folder_id: int | None, pinned: bool) -> None:
        """Where they were dragged to. What is pinned stays in its folder, too."""
        organised = self._services.chats.organised

        def place() -> None:
            organised.pin(ids, pinned)
            if not pinned:
                organised.move(ids, folder_id)

        self._change(place)

    @Slot(tuple, bool)
    def archive(self, ids: tuple[int, ...], archived: bool) -> None:
        gone = self._gone(ids)

        def done(_: None) -> None:
            self.refresh()
            if archived:
                self._archived.push(gone)

        self._call(self._services.chats.organised.archive, ids, archived, then=done)

    @Slot(object, bool)
    def mark_unread(self, ids: frozenset[int], unread: bool) -> None:
        """The list shows it already."""
        self._pump.call(self._runner, self._services.chats.organised.mark_unread, ids, unread)

    @Slot(tuple)
    def duplicate(self, ids: tuple[int, ...]) -> None:
        title = self._gone(ids).title
        name = self.tr("Copy of %1").replace("%1", title or self.tr("New chat"))

        def copied(conversation: Conversation) -> None:
            self.refresh()
            self.duplicated.emit(conversation.id)

        self._call(self._services.conversations.duplicate, ids[0], name, then=copied)

    # ---- folders

    @Slot(tuple)
    def make_folder(self, ids: tuple[int, ...]) -> None:
        """A new one with these in it; its name is asked for in the list."""
        organised = self._services.chats.organised
        first, more = self.tr("New folder"), self.tr("New folder %1")
        names = {folder.name for folder in self._conversations.folders}

        def make() -> Folder:
            number = 1
            while (name := first if number == 1 else more.replace("%1", str(number))) in names:
                number += 1
            folder = organised.create_folder(name)
            if ids:
                organised.pin(ids, False)
                organised.move(ids, folder.id)
            return folder

        def made(folder: Folder) -> None:
            self._nameless = folder.id
            self.refresh()

        self._call(make, then=made)

    @Slot(int, str)
    def rename_folder(self, folder_id: int, name: str) -> None:
        self._change(self._services.chats.organised.rename_folder, folder_id, name)

    @Slot(int)
    def delete_folder(self, folder_id: int) -> None:
        """What is in it stays."""
        folder = next((one for one in self._conversations.folders if one.id == folder_id), None)
        if folder is None:
            return

        def deleted(ids: tuple[int, ...]) -> None:
            self.refresh()
            self._folders.push(_GoneFolder(folder, ids))

        self._call(self._services.chats.organised.delete_folder, folder_id, then=deleted)

    # ---- inside

    def _on_read(self, found: tuple[tuple[Conversation, ...], tuple[Folder, ...]]) -> None:
        self._reading = False
        conversations, folders = found
        self._conversations.show(conversations, folders)
        self.listed.emit(conversations)
        if self._stale:
            self.refresh()
        elif self._nameless is not None:
            made, self._nameless = self._nameless, None
            self.folder_made.emit(made)

    def _on_not_read(self, error: BackendError) -> None:
        self._reading = False
        self._board.post_error(error)

    def _gone(self, ids: tuple[int, ...]) -> _Gone:
        first = self._conversations.conversation(ids[0])
        return _Gone(ids, first.title if first is not None else "")

    def _restore(self, gone: _Gone) -> None:
        def restored(_: Conversation) -> None:
            self.refresh()
            if len(gone.ids) == 1:
                self.restored.emit(gone.ids[0])

        self._back(self._deleted, gone, self._services.chats.restore, *gone.ids, then=restored)

    def _erase(self, gone: Sequence[_Gone]) -> None:
        ids = [id for one in gone for id in one.ids]
        self._pump.follow(self._services.conversations.erase(ids), lambda _: None, on_error=self._board.post_error)

    def _unarchive(self, gone: _Gone) -> None:
        self._back(self._archived, gone, self._services.chats.organised.archive, gone.ids, False)

    def _restore_folder(self, gone: _GoneFolder) -> None:
        self._back(self._folders, gone, self._services.chats.organised.restore_folder, gone.folder, gone.ids)

    def _back(
        self,
        undo: Undo[T],
        gone: T,
        function: Callable[..., object],
        *args: object,
        then: Callable[..., None] | None = None,
    ) -> None:
        """Once more if it fails."""

        def failed(error: BackendError) -> None:
            undo.push(gone)
            self._board.post_error(error)

        self._call(function, *args, then=then or (lambda _: self.refresh()), on_error=failed)

    def _change(self, function: Callable[..., object], *args: object) -> None:
        self._call(function, *args, then=lambda _: self.refresh())

    def _call(
        self,
        function: Callable[..., object],
        *args: object,
        then: Callable[..., None],
        on_error: Callable[[BackendError], None] | None = None,
    ) -> None:
        self._pump.call(self._runner, function, *args, then=then, on_error=on_error or self._board.post_error)


def _keep(gone: object) -> None:
    """Nothing of it is erased."""


def _say(gone: Sequence[_Gone], en: str, zh: str) -> Phrase:
    count, title = sum(len(one.ids) for one in gone), shorten(gone[0].title, _TITLE)
    if count > 1:
        return Phrase(f"{count:,} chats were {en}.", f"已{zh} {count:,} 个对话。")
    if not title:
        return Phrase(f"The chat was {en}.", f"已{zh}对话。")
    return Phrase(f"“{title}” was {en}.", f"已{zh}“{title}”。")


def _say_deleted(gone: Sequence[_Gone]) -> Phrase:
    return _say(gone, "deleted", "删除")


def _say_archived(gone: Sequence[_Gone]) -> Phrase:
    return _say(gone, "archived", "归档")


def _say_folders(gone: Sequence[_GoneFolder]) -> Phrase:
    if (count := len(gone)) > 1:
        en, zh = f"{count} folders were deleted.", f"已删除 {count} 个文件夹，"
        return Phrase(f"{en} Their chats stay.", f"{zh}其中的对话仍保留。")
    name = shorten(gone[0].folder.name, _TITLE)
    return Phrase(f"The folder “{name}” was deleted. Its chats stay.", f"已删除文件夹“{name}”，其中的对话仍保留。")
