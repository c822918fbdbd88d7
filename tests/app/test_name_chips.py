"""Names in the row below the composer, in a window that is too narrow for them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from app.application import Application
from app.model_state import ModelState
from app.widgets.main_window import SMALLEST
from app.widgets.name_chip import NameChip
from app.widgets.sources import Sources
from backends.chat.sourced import ConversationScope
from backends.core.phrase import Language
from backends.documents.types import Chip, Collection
from tests.kit import looks, shots

LONG = "Tax papers & letters of the last seven years"
MODEL = replace(shots.MODEL, name="DeepSeek R1-0528 Qwen3 8B, distilled & quantised twice")


@pytest.fixture(params=shots.LANGUAGES)
def studio(request: pytest.FixtureRequest, qtbot: QtBot, qapp: Application) -> Iterator[shots.Studio]:
    """The smallest window with its panel open."""
    language: Language = request.param
    qapp.follow("light", language)
    studio = shots.Studio(qapp, language)
    qtbot.addWidget(studio.window)
    studio.window.resize(*SMALLEST)
    studio.window.show()
    shots.SCENES["answered"](studio)
    studio.chat.set_panel_open(True)
    looks.settle()
    yield studio
    QToolTip.hideText()


def width(chip: NameChip, text: str) -> int:
    return chip.fontMetrics().horizontalAdvance(text)


def tip(chip: QWidget) -> str:
    """What the mouse is told there."""
    place = chip.rect().center()
    QApplication.sendEvent(chip, QHelpEvent(QEvent.Type.ToolTip, place, chip.mapToGlobal(place)))
    return QToolTip.text()


def test_names_are_cut_with_an_ellipsis_and_are_whole_in_the_tool_tip(studio: shots.Studio) -> None:
    composer = studio.chat.composer
    scope = ConversationScope("collections", (7,))
    composer.scope.show_scope(scope, (Collection(7, LONG, 12),), given=0)
    studio.chat.show_state(ModelState("ready", MODEL, device="CUDA0", context=16_384, available=(MODEL,)))
    looks.settle()
    for chip, name in ((composer.chip, MODEL.name), (composer.scope, LONG)):
        assert chip.shown.endswith("…")
        assert name.startswith(chip.shown.removesuffix("…").rstrip())
        assert width(chip, chip.shown) < chip.width() - chip.iconSize().width()
        assert tip(chip).startswith(f"{name}\n")
        assert name in chip.accessibleName()
    row = composer._frame.rect()
    places = [QRect(one.mapTo(composer._frame, QPoint(0, 0)), one.size()) for one in (composer.chip, composer.scope)]
    send = QRect(composer._send.mapTo(composer._frame, QPoint(0, 0)), composer._send.size())
    assert send.width() == send.height()
    for left, right in ((places[0], places[1]), (places[1], send)):
        assert left.right() < right.left()
    assert row.contains(send)


def test_where_a_name_has_room_the_tool_tip_does_not_repeat_it(studio: shots.Studio) -> None:
    chip = studio.chat.composer.chip
    studio.window.resize(1280, 800)
    looks.settle()
    assert chip.shown == shots.MODEL.name
    assert shots.MODEL.name not in tip(chip)
    assert "CUDA0" in tip(chip)


def test_how_much_is_loaded_stays_when_the_name_is_cut(studio: shots.Studio) -> None:
    studio.chat.show_state(ModelState("loading", MODEL, fraction=0.4, available=(MODEL,)))
    studio.window.resize(900, 400)
    looks.settle()
    assert "…" in studio.chat.composer.chip.shown
    assert "40" in studio.chat.composer.chip.shown


def test_what_a_question_was_narrowed_to_stays_within_its_row(qtbot: QtBot, qapp: Application) -> None:
    sources = Sources()
    qtbot.addWidget(sources)
    sources.show_grounds((), "", (Chip("name:1", LONG, 2), Chip("name:2", LONG, 3)), explained=False)
    sources.resize(300, 200)
    sources.show()
    looks.settle()
    chips = sources.findChildren(NameChip)
    assert len(chips) == 2
    for chip in chips:
        assert chip.mapTo(sources, chip.rect().topRight()).x() < 300
        assert chip.shown.endswith("…")
