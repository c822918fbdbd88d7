"""Searching the conversations, as pictures: found, nothing found, slow, and the words lit where they stand."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.lists.chat_hits import ChatHitList
from app.widgets.chat_search import ChatSearchBox, ChatSearchResults
from app.widgets.lit_words import LitWords
from backends.chat.search import ChatHit, ChatsFound
from backends.chat.search_words import Wanted
from backends.core.phrase import Language
from tests.kit import scenes

if TYPE_CHECKING:
    from tests.kit.shots import Studio

DAY = 86_400.0
_SAID: dict[Language, tuple[str, list[tuple[str, str, str, bool, bool, float]]]] = {
    "en": (
        "sets keep",
        [  # title, text, role (title: none), thoughts, archived, days ago
            ("Sets keep each item once", "", "", False, False, 0),
            ("Removing duplicate lines", "When do sets keep the order of their items?", "user", False, False, 0),
            (
                "Removing duplicate lines, but in the order in which they came",
                "A list keeps every item, in order. Looking something up means walking through it; sets find it at "
                "once, and they keep it once.",
                "assistant", False, False, 1,
            ),
            ("Python containers", "They ask whether sets keep order. They do not.", "assistant", True, False, 9),
            ("Old notes", "Two sets of glasses to keep in the cupboard", "user", False, True, 320),
        ],
    ),
    "zh": (
        "集合",
        [
            ("集合与列表的区别", "", "", False, False, 0),
            ("去除重复的行", "集合会保留元素的顺序吗？", "user", False, False, 0),
            (
                "去除文件中重复的行并保持原来的顺序",
                "列表按顺序保留所有元素，查找时需要逐个比较；集合每个元素只保留一份，查找几乎是瞬间完成的。",
                "assistant", False, False, 1,
            ),
            ("Python 容器", "用户想知道集合是否有序。实际上没有。", "assistant", True, False, 9),
            ("旧笔记", "下午三点在大门口集合", "user", False, True, 320),
        ],
    ),
}  # fmt: skip


def _placed(studio: "Studio", text: str) -> tuple[ChatSearchBox, ChatSearchResults]:
    studio.with_conversations()
    studio.messages.reset(scenes.finished(studio.language))
    box, results = ChatSearchBox(), ChatSearchResults(ChatHitList())
    place = studio.chat.panel.search_place.layout()
    assert place is not None
    place.addWidget(box)
    studio.chat.panel.set_results(results)
    studio.chat.panel.show_found(bool(text))
    studio.chat.set_panel_open(True)
    box.setText(text)
    box.setFocus()
    return box, results


def _hits(language: Language) -> ChatsFound:
    text, said = _SAID[language]
    wanted = Wanted.of(text)
    hits = []
    for number, (title, content, role, thinking, archived, days) in enumerate(said):
        snippet, lit = wanted.snippet(content) if content else (title, wanted.spans(title))
        author = None if not role else "user" if role == "user" else "assistant"
        created = time.time() - days * DAY
        message = number if content else None
        hits.append(ChatHit(number, title, archived, message, author, thinking, snippet, lit, created))
    return ChatsFound(text, tuple(hits), more=True)


def resting(studio: "Studio") -> None:
    _placed(studio, "")


def found(studio: "Studio") -> None:
    box, results = _placed(studio, _SAID[studio.language][0])
    results.show_found(_hits(studio.language))
    results.view.step(2)
    lit = LitWords(studio.chat.transcript, studio.messages, studio.chat)
    row = next(row for row in studio.messages.rows if row.role == "assistant")
    lit.show(row.id, _SAID[studio.language][0], False)
    box.setFocus()


def nothing(studio: "Studio") -> None:
    _, results = _placed(studio, "walrus")
    results.show_found(ChatsFound("walrus"))


def reading(studio: "Studio") -> None:
    _, results = _placed(studio, "walrus")
    results.show_found(ChatsFound("walrus", waiting=900))


SCENES: dict[str, Callable[["Studio"], None]] = {
    "chat_search_resting": resting,
    "chat_search_found": found,
    "chat_search_nothing": nothing,
    "chat_search_reading": reading,
}
