"""Scenes of the small window for a quick question for `tests.kit.shots`, laid over the window it belongs to."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.lists.messages import Live, MessageRow
from app.widgets.quick_question import QuickQuestion
from tests.kit import scenes

if TYPE_CHECKING:
    from tests.kit.shots import Studio

Scene = Callable[["Studio"], None]


def _over(studio: "Studio") -> QuickQuestion:
    """Opened over a chat."""
    studio.with_conversations()
    studio.messages.reset(scenes.finished(studio.language))
    quick = QuickQuestion()
    quick.setParent(studio.window)
    quick.open(studio.window)
    quick.move((studio.window.width() - quick.width()) // 2, studio.window.height() // 10)
    return quick


def opened(studio: "Studio") -> None:
    _over(studio)


def written(studio: "Studio") -> None:
    _over(studio).box.setPlainText(_question(studio))


def answer(row: Callable[["Studio"], MessageRow]) -> Scene:
    def scene(studio: "Studio") -> None:
        quick = _over(studio)
        quick.show_question(_question(studio))
        shown = row(studio)
        quick.show_row(shown)
        quick.show_busy(shown.live is not None)

    return scene


def _question(studio: "Studio") -> str:
    return "澳大利亚的首都是哪里？" if studio.language == "zh" else "What is the capital of Australia?"


def _short(studio: "Studio") -> MessageRow:
    if studio.language == "zh":
        text = "**堪培拉**。许多人以为是悉尼：1908 年，人们在悉尼与墨尔本之间选定了一处折中的地点。"
    else:
        text = "**Canberra.** Many think of Sydney: the place was chosen in 1908, between Sydney and Melbourne."
    return MessageRow(2, "assistant", text)


SCENES: dict[str, Scene] = {
    "quick": opened,
    "quick_written": written,
    "quick_thinking": answer(lambda _: MessageRow(-1, "assistant", live=Live("thinking"))),
    "quick_writing": answer(lambda studio: replace(_short(studio), live=Live("writing"))),
    "quick_answered": answer(_short),
    "quick_long": answer(lambda studio: replace(scenes.finished(studio.language)[1], reasoning="")),
    "quick_failed": answer(lambda _: scenes.failed()),
}
