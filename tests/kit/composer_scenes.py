"""Scenes of the composer for `tests.kit.shots`: saved prompts, what will not fit, long pastes, counted thinking."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData

from app.lists.messages import Live
from backends.chat.fit import Fit
from backends.chat.organised import SavedPrompt
from backends.core.errors import Problem
from backends.core.phrase import Phrase
from tests.kit import scenes

if TYPE_CHECKING:
    from tests.kit.shots import Studio

Scene = Callable[["Studio"], None]

TOO_LONG = Problem(
    "context_too_long",
    Phrase(
        "The question is 21,408 tokens long; with the context of 16,384 it may have 16,128.",
        "问题长度为 21,408 个 token；当前上下文为 16,384，问题最多 16,128 个。",
    ),
    Phrase(
        "Shorten it, or load the model with a larger context (Settings, Models).",
        "请缩短问题，或以更大的上下文加载模型（设置 → 模型）。",
    ),
)


def _talk(studio: "Studio") -> None:
    studio.with_conversations()
    studio.messages.reset(scenes.finished(studio.language))
    studio.chat.focus_composer()


def _prompts(studio: "Studio") -> tuple[SavedPrompt, ...]:
    if studio.language == "zh":
        return (
            SavedPrompt(1, "周报", "根据以下要点写一份周报，语气正式，不超过三百字："),
            SavedPrompt(2, "翻译成英文", "把下面的文字翻译成自然的英文：\n\n{clipboard}"),
            SavedPrompt(3, "代码审查", "审查下面的代码，按严重程度列出问题："),
        )
    return (
        SavedPrompt(1, "Code review", "Review this code and list what is wrong, the worst first:"),
        SavedPrompt(2, "Letter to an office", "Write a formal letter, at most one page, about the following:"),
        SavedPrompt(3, "Translate into Chinese", "Translate into natural Chinese:\n\n{clipboard}"),
    )


def listed(studio: "Studio") -> None:
    _talk(studio)
    studio.chat.composer.show_prompts(_prompts(studio))
    studio.chat.composer.box.insertPlainText("/")


def suggested(studio: "Studio") -> None:
    studio.with_conversations()
    studio.chat.composer.show_prompts(())
    studio.chat.composer.box.insertPlainText("/")


def editor(studio: "Studio") -> None:
    _talk(studio)
    studio.chat.composer.show_prompts(_prompts(studio))
    studio.chat.composer.open_prompts()


def form(studio: "Studio") -> None:
    editor(studio)
    studio.chat.composer.editor.change(_prompts(studio)[1])


def left_out(studio: "Studio") -> None:
    _talk(studio)
    studio.chat.composer.set_text(scenes.follow_up(studio.language).text)
    zh = studio.language == "zh"
    first, last = (
        ("去重用列表还是集合？", "那就用集合。") if zh else ("List or set for unique lines?", "Then use a set.")
    )
    title = "2025 年度报告" if zh else "Annual report 2025"
    studio.chat.composer.show_fit(
        Fit(48, left_out=12, first=first, last=last, not_whole=(title,), passages=7, wanted=12)
    )


def too_long(studio: "Studio") -> None:
    _talk(studio)
    studio.chat.composer.set_text(
        "\n".join(scenes.ANSWER_ZH if studio.language == "zh" else scenes.ANSWER_EN for _ in "ab")
    )
    studio.chat.composer.show_fit(Fit(21_408, problem=TOO_LONG))


def pasted(studio: "Studio") -> None:
    _talk(studio)
    mime = QMimeData()
    mime.setText((scenes.ANSWER_ZH if studio.language == "zh" else scenes.ANSWER_EN) * 30)
    studio.chat.composer.box.insertFromMimeData(mime)
    studio.chat.composer.show_fit(Fit(9_120))


def budget(studio: "Studio") -> None:
    studio.with_conversations()
    live = Live("thinking", thinking_since=time.monotonic() - 12, thought=840, budget=2000)
    row = replace(scenes.on_its_way(live, studio.language), live=live)
    studio.messages.reset((scenes.follow_up(studio.language), row))
    studio.chat.composer.set_busy(True)


SCENES: dict[str, Scene] = {
    "composer_prompts": listed,
    "composer_suggested": suggested,
    "composer_editor": editor,
    "composer_form": form,
    "composer_left_out": left_out,
    "composer_too_long": too_long,
    "composer_pasted": pasted,
    "composer_budget": budget,
}
