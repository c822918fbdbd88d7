"""The card that says what holds the model back: what it shows, and its buttons with the real engine behind them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QProgressBar, QPushButton
from pytestqt.qtbot import QtBot

from app.application import Application
from app.holding_picture import HoldingPicture, Work
from app.parts import Page
from app.widgets.limit_card import LimitCard
from app.widgets.main_window import MainWindow
from app.widgets.monitor_page import MonitorPage
from app.wiring_holding import HoldingDesk
from backends.core.phrase import Phrase
from backends.engine.protocol import LoadRequest
from backends.models.types import LocalModel
from backends.monitor.types import Limit
from tests.app.conftest import MINUTE, Start, end
from tests.kit import looks
from tests.kit.desk import Desk
from tests.kit.ggufs import scripted_model
from tests.kit.held_back import GIB, LAPTOP, card, on, seconds, system
from tests.kit.holding_scenes import BANDWIDTH, DONE, HELD, SHARED, STATES, SWAPPING, WELL

# ---- what it shows


@pytest.fixture
def made(qtbot: QtBot) -> Iterator[LimitCard]:
    page, made = Page(width=1080), LimitCard()
    page.body.addWidget(made)
    page.body.addStretch(1)
    qtbot.addWidget(page)
    looks.show(page, 900)
    yield made
    page.close()


def shows(made: LimitCard, picture: HoldingPicture) -> str:
    made.show_picture(picture)
    looks.settle()
    return looks.texts(made)


def buttons(made: LimitCard) -> list[str]:
    return [one.text() for one in made.findChildren(QPushButton) if one.isVisibleTo(made) and one.text()]


def press(made: LimitCard, text: str) -> None:
    (one,) = [one for one in made.findChildren(QPushButton) if one.isVisibleTo(made) and one.text() == text]
    assert one.isEnabled()
    one.click()


def test_before_anything_is_known(made: LimitCard) -> None:
    assert "Looking…" in shows(made, HoldingPicture())
    assert buttons(made) == []


def test_the_sentence_its_button_and_its_share(made: LimitCard, qtbot: QtBot) -> None:
    assert "29 GB/s of at most 33 GB/s of main memory" in shows(made, HoldingPicture(BANDWIDTH))
    assert buttons(made) == ["Choose a model"]
    (bar,) = [one for one in made.findChildren(QProgressBar) if one.isVisibleTo(made)]
    assert (bar.value(), bar.accessibleName()) == (871, "87%")
    with qtbot.waitSignal(made.remedy_requested) as told:
        press(made, "Choose a model")
    assert told.args == [BANDWIDTH[0]]


def test_several_and_each_button_once(made: LimitCard) -> None:
    """The layers are on the processor because of others: one button for both."""
    text = shows(made, HoldingPicture(SHARED))
    assert [text.count(one) for one in ("blender and Xwayland hold", "The context of 16,384", "12 of 36 layers")] == [
        1
    ] * 3
    assert buttons(made) == ["Show the programs", "Use the smaller cache"]


def test_the_programs_and_what_to_do(made: LimitCard, qtbot: QtBot) -> None:
    text = shows(made, HoldingPicture(SHARED, programs=HELD.programs))
    assert "blender  4.0 GiB" in text
    assert "Close what you do not need" in text
    with qtbot.waitSignal(made.remedy_requested) as told:
        press(made, "Load again")
    assert told.args is not None
    assert told.args[0].remedy == "plan_again"
    assert "The driver does not say which" in shows(made, HoldingPicture(SHARED, programs=()))


def test_while_it_is_loaded_again_and_afterwards(made: LimitCard, qtbot: QtBot) -> None:
    text = shows(made, HoldingPicture(SWAPPING, work=Work(0.4)))
    assert "Loading the model again  40%" in text
    (first,) = [one for one in made.findChildren(QPushButton) if one.text() == "Shorten the context"]
    assert not first.isEnabled()
    with qtbot.waitSignal(made.cancel_requested):
        press(made, "Cancel")
    text = shows(made, HoldingPicture(WELL, result=DONE))
    assert "36 of 36 layers are on the graphics card instead of 24" in text
    assert "Loading" not in text


def test_every_state_in_both_languages_at_every_width(made: LimitCard, qapp: Application) -> None:
    page = made.window()
    assert isinstance(page, Page)
    for language in ("en", "zh"):
        qapp.follow("light", language)
        for width in (1200, 640, 420):
            looks.show(page, width)
            for picture in STATES:
                shows(made, picture)
                assert not looks.misfits(page), (language, width)
        assert ("瓶颈" in looks.texts(made)) == (language == "zh")


# ---- with everything behind it


@pytest.fixture
def holding(desk: Desk, qtbot: QtBot) -> Iterator[HoldingDesk]:
    desk.services.settings.set("engine.try_first", False)
    window, page = MainWindow(), MonitorPage()
    qtbot.addWidget(window)
    window.add_page("monitor", page)
    window.add_page("models", Page())
    window.add_page("settings", Page())
    holding = HoldingDesk(window, page, desk.services, desk.controller.loads, desk.pump, window)
    window.show()
    window.show_page("monitor")
    yield holding
    holding.close()


@pytest.fixture
def model(desk: Desk, tmp_path: Path) -> LocalModel:
    desk.controller.start()
    return desk.services.library.add(scripted_model(tmp_path / "greeter-Q4_K_M.gguf"))


def loads(desk: Desk, model: LocalModel, context: int = 8192) -> None:
    desk.controller.loads.follow(desk.services.loading.load(model, context=context), model)
    desk.until_loaded()


def sees(desk: Desk, holding: HoldingDesk, *texts: str) -> None:
    desk.until(lambda: all(text in looks.texts(holding.card) for text in texts))


def offers(holding: HoldingDesk, limit: Limit) -> None:
    """As if the figures said so."""
    holding.card.show_picture(replace(holding.holding.picture, limits=(limit,)))


def test_no_model_and_the_way_to_one(desk: Desk, holding: HoldingDesk) -> None:
    sees(desk, holding, "No model is loaded.")
    press(holding.card, "Choose a model")
    window = holding.card.window()
    assert isinstance(window, MainWindow)
    assert window.page == "models"


def test_nothing_is_sampled_for_a_page_that_nobody_sees(desk: Desk, holding: HoldingDesk) -> None:
    sees(desk, holding, "No model is loaded.")
    window = holding.card.window()
    assert isinstance(window, MainWindow)
    window.show_page("settings")
    assert not holding.holding.watching
    window.show_page("monitor")
    assert holding.holding.watching


def test_a_smaller_cache_by_the_press_of_a_button(desk: Desk, holding: HoldingDesk, model: LocalModel) -> None:
    loads(desk, model)
    sees(desk, holding, "No answer is being written.")
    words: list[str] = []
    holding.holding.picture_changed.connect(lambda _: words.append(looks.texts(holding.card)))
    offers(holding, Limit("context", Phrase("The context takes much.", "上下文占用多。"), "small_kv"))
    press(holding.card, "Use the smaller cache")
    sees(desk, holding, "Loaded again: the cache in q8_0 instead of f16.")
    assert any("Loading the model again" in text for text in words)
    assert desk.picture.loaded is not None
    assert desk.picture.loaded.kv_type == "q8_0"
    assert desk.picture.loading is None


def test_a_load_that_helps_is_cancelled(desk: Desk, holding: HoldingDesk, model: LocalModel) -> None:
    desk.services.settings.set("engine.try_first", True)
    loads(desk, model)
    offers(holding, Limit("swapping", Phrase("Full.", "已满。"), "shorter_context", figures={"context_to": 4096.0}))
    press(holding.card, "Shorten the context")
    holding.card.cancel_requested.emit()
    desk.until(lambda: holding.holding.picture.work is None)
    desk.until(lambda: not desk.controller.loads.is_busy)
    assert holding.holding.picture.result == Phrase("", "") or desk.services.engine.model is not None


def test_a_model_that_was_to_use_a_card_that_is_not_there(desk: Desk, holding: HoldingDesk, model: LocalModel) -> None:
    list(desk.services.engine.load(LoadRequest(model.path, 1024, gpu_layers=-1, alias=model.id)))
    sees(desk, holding, "All layers were to be on a graphics card")
    assert buttons(holding.card) == ["Check this machine"]


def test_the_model_went_away_before_the_button_was_pressed(desk: Desk, holding: HoldingDesk) -> None:
    offers(holding, Limit("cpu_layers", Phrase("Layers.", "层。"), "more_layers"))
    press(holding.card, "Load again with more layers")
    board = holding.card.window().findChild(type(desk.board))
    assert board is not None
    desk.until(lambda: "No model is loaded any more" in looks.texts(board))
    assert holding.holding.picture.work is None


def test_figures_of_the_kit_are_those_of_the_card() -> None:
    """The made samples say what their names say."""
    assert card().memory_others == 0
    assert HELD.memory_others == 5 * GIB
    assert on(LAPTOP).on_gpu == ()
    assert seconds(3, machine=system())[-1].hardware.system.swapped_in == 0.0


def test_the_setting_that_helps_is_brought_into_sight(start: Start, qtbot: QtBot) -> None:
    session = start()
    qtbot.waitUntil(lambda: session.desk is not None, timeout=MINUTE)
    assert session.desk is not None
    page = session.desk.settings_page
    waits = Limit("waiting", Phrase("2 questions wait.", "2 个提问在排队。"), "settings_engine")
    unused = Limit("unused_gpu", Phrase("The card is not used.", "未使用显卡。"), "settings_engine")
    for limit, key in ((waits, "engine.parallel"), (unused, "engine.gpu_layers")):
        session.window.show_page("monitor")
        offers(session.desk.holding, limit)
        press(session.desk.holding.card, "Open the settings")
        assert session.window.page == "settings"
        field = page.rows[key].field.widget
        qtbot.waitUntil(lambda field=field: session.app.focusWidget() is field, timeout=MINUTE)
    end(qtbot, session)
