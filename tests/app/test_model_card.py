"""The card of one model: what it says and what can be pressed, in every state."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from app import parts
from app.picture import Picture
from app.shelves import CardState, arrange
from app.widgets.model_card import ModelCard
from app.widgets.models_page import ModelsPage
from backends.core.phrase import Phrase
from backends.models.types import LocalModel
from tests.kit import looks, pictures

OWN = pictures.own()


@pytest.fixture
def page(qtbot: QtBot) -> ModelsPage:
    page = ModelsPage()
    qtbot.addWidget(page)
    return page


def here(page: ModelsPage, model: LocalModel, **more: object) -> ModelCard:
    """The card of this file, on a page that is on the screen."""
    page.show_picture(replace(pictures.of(), local=(model,), **more))
    looks.show(page, 900)
    return page.here.cards[str(model.path)]


def offered(page: ModelsPage, picture: Picture) -> ModelCard:
    page.show_picture(picture)
    looks.show(page, 900)
    return page.runs.cards[pictures.pick(picture).model.id]


def buttons(card: ModelCard) -> list[str]:
    return [w.accessibleName() for w in looks.seen(card) if w.inherits("QAbstractButton")]


def small() -> LocalModel:
    return pictures.downloaded(pictures.smallest(pictures.of()))


def test_a_model_that_can_be_had(page: ModelsPage, qtbot: QtBot) -> None:
    picture = pictures.of()
    choice = pictures.pick(picture)
    card = offered(page, picture)
    assert buttons(card) == [f"Download: {choice.model.name}"]
    assert "Fits\nRecommended" in looks.texts(card)
    assert f"{choice.file.quant}  ·" in looks.texts(card)
    assert "tokens/s" in looks.texts(card)
    with qtbot.waitSignal(page.download_requested) as asked:
        looks.button(card, "Download").click()
    assert asked.args == [f"{choice.model.id}:{choice.file.quant}"]


def test_a_model_that_is_too_large_only_says_so(page: ModelsPage) -> None:
    page.show_picture(pictures.of(pictures.LAPTOP))
    looks.show(page, 900)
    for card in page.large.cards.values():
        assert buttons(card) == []
        assert "Too large" in looks.texts(card)
        assert "tokens/s" not in looks.texts(card)
    assert page.large.cards


def test_a_full_disk_is_said_before_the_download(page: ModelsPage) -> None:
    picture = pictures.of(pictures.LAPTOP)
    choice = pictures.pick(picture)
    lacks = choice.file.size + 10**9 - pictures.LAPTOP.disk.free
    assert f"The disk lacks {lacks / 1e9:.1f} GB for it." in looks.texts(offered(page, picture))
    assert "The disk lacks" not in looks.texts(offered(page, pictures.of()))


def test_a_file_of_ones_own_is_loaded_or_taken_off_the_list(page: ModelsPage, qtbot: QtBot) -> None:
    card = here(page, OWN)
    assert str(OWN.path) in looks.texts(card)
    assert "context up to 128K" in looks.texts(card)
    with qtbot.waitSignal(page.load_requested) as asked:
        looks.button(card, "Load").click()
    assert asked.args == [OWN]
    with qtbot.waitSignal(page.remove_requested) as asked:
        looks.button(card, f"Take it off the list (the file stays): {OWN.name}").click()
    assert asked.args == [OWN]


def test_a_file_put_into_the_models_folder_by_hand_is_left_there(page: ModelsPage) -> None:
    by_hand = pictures.own(folder=pictures.MODELS / "mine")
    card = here(page, by_hand)
    forget = f"Take it off the list (the file stays): {by_hand.name}"
    assert buttons(card) == [forget, f"Load: {by_hand.name}", f"Details: {by_hand.name}"]


def test_a_downloaded_model_is_deleted_at_once_since_it_can_be_put_back(page: ModelsPage, qtbot: QtBot) -> None:
    card = here(page, small())
    with qtbot.waitSignal(page.remove_requested) as asked:
        looks.button(card, f"Delete it from this computer: {small().name}").click()
    assert asked.args == [small()]


def test_a_broken_file_says_why(page: ModelsPage) -> None:
    card = here(page, pictures.BROKEN)
    assert "Cannot be loaded" in looks.texts(card)
    assert pictures.BROKEN.problem.en in looks.texts(card)
    assert buttons(card) == [f"Take it off the list (the file stays): {pictures.BROKEN.name}"]


def test_a_load_shows_how_far_it_is_and_can_be_stopped(page: ModelsPage, qtbot: QtBot) -> None:
    model = small()
    page.show_picture(pictures.loading(pictures.of(), model, 0.0))
    looks.show(page, 900)
    card = page.here.cards[str(model.path)]
    assert card._working._bar.maximum() == 0, "it is not known yet how far"
    page.show_picture(pictures.loading(pictures.of(), model, 0.42))
    assert "Loading  42%" in looks.texts(card)
    assert buttons(card) == [f"Details: {model.name}", "Cancel: Loading"]
    with qtbot.waitSignal(page.cancel_load_requested):
        looks.button(card, "Cancel").click()


def test_a_loaded_model_says_where_it_runs(page: ModelsPage, qtbot: QtBot) -> None:
    model = small()
    card = here(page, model, loaded=pictures.loaded(model))
    assert "In use" in looks.texts(card)
    assert "Runs on CUDA0  ·  context 16K  ·  loaded in 1.2 s" in looks.texts(card)
    assert "tokens/s" in looks.texts(card), "what was predicted stays beside it"
    assert buttons(card) == [f"Unload: {model.name}", f"Details: {model.name}"]
    with qtbot.waitSignal(page.unload_requested):
        looks.button(card, "Unload").click()


def test_a_model_that_is_only_partly_on_the_graphics_card_says_so(page: ModelsPage) -> None:
    model = small()
    card = here(page, model, loaded=pictures.loaded(model, gpu_layers=20))
    assert "Runs on CUDA0 (20 of 28 layers) and the processor" in looks.texts(card)


def test_a_silent_processor_is_said(page: ModelsPage) -> None:
    model = small()
    card = here(page, model, loaded=pictures.loaded(model, gpu_layers=0))
    assert "Runs on the processor" in looks.texts(card)
    assert "Planned for the graphics card, but the processor does it" in looks.texts(card)
    card = here(page, OWN, loaded=pictures.loaded(OWN, gpu_layers=0))
    assert "The graphics card is not used" in looks.texts(card)
    note = Phrase("The GPU was not used: the model runs on the CPU.", "未使用 GPU：模型在 CPU 上运行。")
    card = here(page, model, loaded=pictures.loaded(model, gpu_layers=0, notes=(note,)))
    assert note.en in looks.texts(card)
    assert "Planned" not in looks.texts(card)


def test_a_computer_without_graphics_card_is_not_blamed(page: ModelsPage) -> None:
    picture = pictures.of(pictures.LAPTOP)
    model = pictures.downloaded(pictures.pick(picture))
    page.show_picture(replace(picture, local=(model,), loaded=pictures.loaded(model, gpu_layers=0)))
    looks.show(page, 900)
    assert "Runs on the processor" in looks.texts(page.here)
    assert not page.here.cards[str(model.path)]._doubt.isVisible()


def test_the_same_state_draws_nothing(page: ModelsPage) -> None:
    card = here(page, OWN)
    card._name.setText("as it is on the screen")
    card.show_state(replace(card.state))
    assert card._name.text() == "as it is on the screen"
    card.show_state(CardState(local=pictures.LONG_NAME))
    assert card._name.text() == pictures.LONG_NAME.name


def test_only_what_is_ours_is_deleted() -> None:
    model = small()
    by_hand = pictures.own(folder=pictures.MODELS)
    shelves = arrange(replace(pictures.of(), local=(model, OWN, by_hand)))
    assert [state.removal for state in shelves.here] == ["delete", "forget", "forget"]


def test_a_name_that_was_cut_is_whole_in_its_tool_tip_and_no_markup(page: ModelsPage) -> None:
    long = pictures.own("<b>bold</b> " * 20)
    label = here(page, long)._name
    QApplication.sendEvent(label, QHelpEvent(QEvent.Type.ToolTip, QPoint(1, 1), label.mapToGlobal(QPoint(1, 1))))
    assert QToolTip.text() == parts.tip(long.name)
    assert "<b>" not in QToolTip.text()
    QToolTip.hideText()
