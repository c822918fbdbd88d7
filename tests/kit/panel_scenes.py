"""Scenes of the conversation panel, for `tests.kit.shots`."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, QPoint, QRect
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from app.notices import Notice, NoticeButton
from backends.chat.organised import Folder
from backends.chat.types import Conversation
from backends.core.phrase import Language, Phrase
from tests.kit import scenes

if TYPE_CHECKING:
    from tests.kit.shots import Studio

Scene = Callable[["Studio"], None]


def folders(language: Language) -> tuple[Folder, ...]:
    names = (Phrase("Work", "工作"), Phrase("Garden and kitchen", "花园与厨房"), Phrase("Later", "以后再看"))
    return tuple(Folder(number, name.to(language)) for number, name in enumerate(names, 1))


def conversations(language: Language) -> tuple[Conversation, ...]:
    """Two pinned, two folders with something in them, one put away."""
    rows = scenes.conversations(language)
    changed = {1: {"pinned": True}, 3: {"folder_id": 2}, 6: {"folder_id": 1}, 7: {"folder_id": 1}, 4: {"pinned": True}}
    away = replace(rows[4], id=8, archived=True)
    return (*(replace(row, **changed.get(row.id, {})) for row in rows), away)


def organised(studio: "Studio", rows: Iterable[Conversation] | None = None) -> None:
    studio.with_conversations()
    studio.messages.reset(scenes.finished(studio.language))
    studio.conversations.show(tuple(rows or conversations(studio.language)), folders(studio.language))
    studio.chat.set_panel_open(True)
    studio.chat.panel.show_current(1)


def in_folders(studio: "Studio") -> None:
    """One is answered, one was answered unseen, one folder is closed."""
    organised(studio)
    studio.conversations.show_busy(frozenset({2, 5, 6}))
    studio.conversations.show_busy(frozenset({6, 2}))
    studio.conversations.close_folders({2})


def several(studio: "Studio") -> None:
    """Chosen, and some deleted before."""
    organised(studio)
    view = studio.chat.panel.list
    for id in (2, 5, 6):
        row = studio.conversations.row_of(id)
        assert row is not None
        view.selectionModel().select(studio.conversations.index(row), QItemSelectionModel.SelectionFlag.Select)
    undo = NoticeButton(Phrase("Undo", "撤销"), lambda: None)
    studio.chat.notices.post(Notice(Phrase("3 chats were deleted.", "已删除 3 个对话。"), buttons=(undo,)))


def menu(studio: "Studio") -> None:
    """Painted into the window: a menu is a window of its own."""
    organised(studio)
    panel = studio.chat.panel
    opened = panel.menu.open(panel, [studio.conversations.conversations[1]], QPoint(0, 0))
    lay(opened, studio.chat, QPoint(150, 160))


def lay(opened: QMenu, page: QWidget, place: QPoint) -> None:
    opened.hide()
    picture = QWidget(page)
    picture.setGeometry(QRect(place, opened.sizeHint()))
    opened.setParent(picture)
    opened.move(0, 0)
    opened.show()
    picture.show()


def naming(studio: "Studio") -> None:
    """A folder that was just made."""
    organised(studio)
    studio.chat.panel.edit_folder(3)
    editor = studio.chat.panel.list.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)


def archive(studio: "Studio") -> None:
    organised(studio)
    studio.conversations.show_archive(True)


def nothing_archived(studio: "Studio") -> None:
    organised(studio, [one for one in conversations(studio.language) if not one.archived])
    studio.conversations.show_archive(True)


def none(studio: "Studio") -> None:
    studio.chat.set_panel_open(True)


def all_archived(studio: "Studio") -> None:
    studio.with_conversations()
    studio.conversations.show([replace(one, archived=True) for one in conversations(studio.language)])
    studio.chat.set_panel_open(True)


SCENES: dict[str, Scene] = {
    "panel": in_folders,
    "panel_several": several,
    "panel_menu": menu,
    "panel_naming": naming,
    "panel_archive": archive,
    "panel_nothing_archived": nothing_archived,
    "panel_all_archived": all_archived,
    "panel_empty": none,
}
