"""The smallest window, which is what a screen of 1280 x 800 has at 200 %: nothing needs more room than there is."""

import pytest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.widgets.main_window import SMALLEST
from backends.core.phrase import Language
from tests.kit import looks, shots

PAGES = (
    "begin",
    "answered",
    "notices",
    "notices_many",
    "crashed",
    "composer_too_long",
    "composer_editor",
    "composer_form",
    "options",
    "export",
    "first_run_fresh",
    "models_busy",
    "settings",
    "about",
    "documents",
    "search",
    "viewer_text",
    "xray",
    "api_on",
    "connections",
    "doctor_wrong",
    "monitor",
)


@pytest.mark.parametrize("language", shots.LANGUAGES)
@pytest.mark.parametrize("scene", PAGES)
def test_no_page_needs_more_than_the_smallest_window(
    qtbot: QtBot, qapp: Application, scene: str, language: Language
) -> None:
    qapp.follow("light", language)
    studio = shots.Studio(qapp, language)
    qtbot.addWidget(studio.window)
    studio.window.resize(*SMALLEST)
    studio.window.show()
    shots.SCENES[scene](studio)
    looks.settle()
    central = studio.window.centralWidget()
    assert central is not None
    needed = central.minimumSizeHint()
    assert needed.width() <= SMALLEST[0]
    assert needed.height() <= SMALLEST[1]
    assert (studio.window.width(), studio.window.height()) == SMALLEST
    if studio.window.page == "chat":
        composer = studio.chat.composer
        assert composer.height() >= composer.minimumSizeHint().height(), "it is squeezed"


def test_settings_that_lie_over_the_chat_go_when_another_place_is_pressed(qtbot: QtBot, qapp: Application) -> None:
    studio = shots.Studio(qapp, "en")
    qtbot.addWidget(studio.window)
    studio.window.rail.page_requested.connect(studio.chat.fold_options)
    studio.window.show()
    studio.window.resize(*SMALLEST)
    studio.chat.set_options_open(True)
    studio.window.rail.page_requested.emit("chat")
    assert not studio.chat.options_open
    studio.window.resize(1600, 900)  # beside the chat they stay
    studio.chat.set_options_open(True)
    studio.window.rail.page_requested.emit("chat")
    assert studio.chat.options_open
