"""Every made state of the pages about documents fits a narrow window, is named, and can be reached."""

import pytest
from pytestqt.qtbot import QtBot

from app.application import Application
from backends.core.phrase import Language
from tests.kit import document_scenes, looks
from tests.kit.shots import Studio

RICH = ("documents_locked", "documents_none", "documents_many", "search_narrowed", "search_not_found", "viewer_text")
CASES = [*((name, "en") for name in document_scenes.SCENES), *((name, "zh") for name in RICH)]


@pytest.mark.parametrize(("name", "language"), CASES)
def test_every_state_fits_and_is_named(qapp: Application, qtbot: QtBot, name: str, language: Language) -> None:
    qapp.follow("dark", language)
    studio = Studio(qapp, language)
    qtbot.addWidget(studio.window)
    studio.window.resize(760, 520)
    studio.window.show()
    document_scenes.SCENES[name](studio)
    looks.settle()
    assert looks.cut_off(studio.window, studio.window.width()) == []
    assert looks.nameless(studio.window) == []
    assert looks.unreachable(studio.window) == []
    assert looks.rich(studio.window) == []
