"""Made states of the tree of messages: variants, what can be done with one, one that is edited, one that is gone."""

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QPoint, Qt

from app.lists.messages import MessageRow
from app.notices import NoticeBoard
from app.undo import Undo
from app.widgets.message_frame import MessageFrame
from app.widgets.prose import ReadOnlyText
from backends.core.phrase import Phrase
from tests.kit import scenes

if TYPE_CHECKING:
    from tests.kit.shots import Studio


class Scene(Protocol):
    def __call__(self, studio: "Studio") -> None: ...


def rows(studio: "Studio", **changes: object) -> tuple[MessageRow, ...]:
    """A question of two versions and an answer of three, and another question; `changes` of the answer."""
    zh = studio.language == "zh"
    question, answer = scenes.finished(studio.language)
    short = "用 `dict.fromkeys`：顺序不变，每行只留一次。" if zh else "Use `dict.fromkeys`: each line once, in order."
    answer = replace(answer, text=short, reasoning="", position=2, siblings=3)
    return (
        replace(question, position=1, siblings=2),
        replace(answer, **changes),
        scenes.follow_up(studio.language),
        replace(answer, id=4, position=1, siblings=1),
    )


def shown(studio: "Studio", **changes: object) -> list[MessageFrame]:
    studio.with_conversations()
    studio.messages.reset(rows(studio, **changes))
    return [studio.chat.transcript.in_sight[n] for n in sorted(studio.chat.transcript.in_sight)]


def variants(studio: "Studio") -> None:
    messages = shown(studio, edited=True)
    messages[0].set_attended(True)
    messages[-2].set_attended(True)


def focused(place: int) -> Scene:
    def scene(studio: "Studio") -> None:
        messages = shown(studio)
        studio.window.activateWindow()
        messages[min(place, len(messages) - 1)].setFocus(Qt.FocusReason.TabFocusReason)

    return scene


def editing(message_id: int, long: bool = False) -> Scene:
    def scene(studio: "Studio") -> None:
        messages = shown(studio)
        messages[message_id - 1].act("edit")
        if long and (editor := messages[message_id - 1].editor) is not None:
            editor.box.setPlainText((scenes.ANSWER_ZH if studio.language == "zh" else scenes.ANSWER_EN)[:420])

    return scene


def menu(place: int) -> Scene:
    """The menu is a window of its own: it is drawn where it would stand."""

    def scene(studio: "Studio") -> None:
        message = shown(studio)[place]
        message.set_attended(True)
        message.open_menu(message.mapToGlobal(QPoint(40, message.height())))

    return scene


def refused(studio: "Studio") -> None:
    """More was pasted than a message takes."""
    editing(1)(studio)
    editor = studio.chat.transcript.in_sight[0].editor
    assert editor is not None
    editor.box.long_pasted.emit("a" * 150_000, None)


def selected(studio: "Studio") -> None:
    """The menu at words of the answer that are selected."""
    message = shown(studio)[1]
    text = next(text for text in message.findChildren(ReadOnlyText) if text.isVisible())
    text.selectAll()
    message.open_menu(text.mapToGlobal(QPoint(60, 30)), text)


def ended(studio: "Studio") -> None:
    studio.with_conversations()
    studio.messages.reset(rows(studio, goes_on=True)[:2])


def deleted(studio: "Studio") -> None:
    studio.with_conversations()
    studio.messages.reset(rows(studio)[:2])
    undoable(studio.chat.notices)


def emptied(studio: "Studio") -> None:
    studio.with_conversations()
    studio.messages.reset(())
    undoable(studio.chat.notices)


def undoable(board: NoticeBoard) -> None:
    def words(_: object) -> Phrase:
        return Phrase("3 messages deleted.", "已删除 3 条消息。")

    Undo[int](board, "deleted_messages", words, lambda _: None, lambda _: None).push(3)


SCENES: dict[str, Scene] = {
    "branch_variants": variants,
    "branch_focus": focused(1),
    "branch_focus_question": focused(2),
    "branch_editing": editing(1),
    "branch_editing_long": editing(1, long=True),
    "branch_editing_answer": editing(2),
    "branch_refused": refused,
    "branch_menu": menu(1),
    "branch_menu_selected": selected,
    "branch_menu_question": menu(2),
    "branch_ended": ended,
    "branch_deleted": deleted,
    "branch_emptied": emptied,
}
