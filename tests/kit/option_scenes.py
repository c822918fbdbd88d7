"""Made settings of a chat, and scenes of their sheet for `tests.kit.shots`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu

from app.model_state import ModelState
from app.option_picture import OptionPicture
from backends.chat.options import Options, Usual
from backends.core.phrase import Language, Phrase
from backends.models.types import LocalModel
from tests.kit import pictures, scenes

if TYPE_CHECKING:
    from tests.kit.shots import Studio

USUAL = Options(instructions="", temperature=0.6, top_p=0.95, top_k=0, min_p=0.0, repeat_penalty=1.0, thinking_budget=0)


def _model() -> LocalModel:
    return pictures.downloaded(pictures.pick(pictures.of()))


def usual(language: Language) -> OptionPicture:
    """Nothing differs; there are presets."""
    names = (
        Phrase("Code, no talk", "只写代码"),
        Phrase("Translator English – Chinese", "英汉翻译"),
        Phrase("A patient teacher for the first year of physics at school", "面向初中物理入门、循序渐进的耐心教师"),
    )
    model = _model()
    here = ((model.id, model.name), ("qwen3-4b:Q4_K_M", "Qwen3 4B (Q4_K_M)"))
    presets = tuple(name.to(language) for name in names)
    return OptionPicture(1, Options(), Usual(USUAL, model, True), here, presets, for_new=presets[1])


def differing(language: Language) -> OptionPicture:
    instructions = Phrase(
        "You are a patient teacher. Explain each step, and ask whether it was understood.",
        "你是一位耐心的老师。请解释每一步，并询问是否理解。",
    )
    own = Options("gone:Q4_K_M", instructions.to(language), 0.2, 0.9, seed=42, max_tokens=2048, thinking_budget=1000)
    picture = usual(language)
    standing = replace(USUAL, instructions=Phrase("Be brief.", "简明扼要。").to(language), thinking_budget=4000)
    broken = Phrase("notes.json cannot be used: it is no JSON.", "无法使用 notes.json：不是有效的 JSON。")
    return replace(picture, options=own, usual=Usual(standing, picture.usual.model, True, gone=True), broken=(broken,))


def begun(picture: Callable[[Language], OptionPicture]) -> Callable[["Studio"], None]:
    def scene(studio: "Studio") -> None:
        studio.with_conversations()
        studio.messages.reset(scenes.finished(studio.language))
        studio.chat.show_conversation(scenes.conversations(studio.language)[0])
        studio.chat.show_options(picture(studio.language))
        studio.chat.set_options_open(True)
        studio.chat.transcript.verticalScrollBar().setValue(0)

    return scene


def below(studio: "Studio") -> None:
    """The end of the sheet, with something that was refused."""
    begun(differing)(studio)
    row = studio.chat.options.rows["repeat_penalty"]
    row.field.setText("17")  # type: ignore[attr-defined]
    row.save()
    studio.chat.options.page.verticalScrollBar().setValue(10_000)


def new(studio: "Studio") -> None:
    """A chat that has not begun, without presets, and with instructions in the settings."""
    studio.with_conversations()
    studio.chat.show_conversation(None)
    picture = replace(usual(studio.language), conversation=None, presets=(), for_new="")
    standing = replace(USUAL, instructions=Phrase("Be brief.", "简明扼要。").to(studio.language))
    studio.chat.show_options(replace(picture, usual=replace(picture.usual, options=standing)))
    studio.chat.set_options_open(True)
    studio.chat.options.presets.ask_name()


def marked(studio: "Studio") -> None:
    """Closed; the head says what differs."""
    begun(differing)(studio)
    studio.chat.set_options_open(False)


def chip(studio: "Studio") -> None:
    """The menu of the model, for a chat with one of its own; what stands beside it is drawn above."""
    studio.with_conversations()
    other = replace(_model(), id="qwen3-4b:Q4_K_M", name="Qwen3 4B", path=Path("Qwen3-4B-Q4_K_M.gguf"))
    state = ModelState("ready", _model(), device="CPU", available=(_model(), other))
    studio.chat.show_state(state)
    own = replace(usual(studio.language), options=Options(other.id))
    studio.chat.show_options(replace(own, usual=replace(own.usual, answers=other)))
    button = studio.chat.composer.chip
    menu = button.menu()
    menu.popup(button.mapToGlobal(QPoint(0, -220)))
    beside = next(sub for action in menu.actions() if isinstance(sub := action.menu(), QMenu))
    beside.popup(button.mapToGlobal(QPoint(menu.width() + 4, -220)))


SCENES: dict[str, Callable[["Studio"], None]] = {
    "options": begun(usual),
    "options_differing": begun(differing),
    "options_below": below,
    "options_new": new,
    "options_marked": marked,
    "options_chip": chip,
}
