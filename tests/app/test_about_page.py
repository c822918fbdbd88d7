"""The page about the program."""

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.application import Application
from app.widgets.about_page import AboutPage
from backends import __version__
from backends.core.paths import Paths
from backends.core.phrase import Language
from tests.kit import looks

ENGINE = "llama-cpp-python 0.3.36\nCUDA0: NVIDIA GeForce RTX 4060"


@pytest.fixture
def page(qtbot: QtBot, paths: Paths) -> AboutPage:
    page = AboutPage(paths)
    qtbot.addWidget(page)
    return page


def test_it_says_what_this_is_and_where_things_lie(page: AboutPage, paths: Paths) -> None:
    looks.show(page, 1000)
    said = looks.texts(page)
    assert f"Version {__version__}" in said
    assert "It looks for no updates and sends no statistics." in said
    for folder in (paths.data, paths.models, paths.config, paths.state):
        assert str(folder) in said.splitlines()


def test_the_engine_is_asked_for_once_and_shown(page: AboutPage) -> None:
    asked: list[bool] = []
    page.engine_wanted.connect(lambda: asked.append(True))
    assert not asked
    looks.show(page, 1000)
    page.hide()
    looks.show(page, 1000)
    assert asked == [True]
    page.show_engine(ENGINE)
    assert ENGINE in looks.texts(page)


def test_versions_are_copied(page: AboutPage) -> None:
    looks.show(page, 1000)
    page.show_engine(ENGINE)
    looks.button(page, "Copy").click()
    text = QGuiApplication.clipboard().text()
    assert text.startswith(f"DeskSeek {__version__}\nPython 3.")
    assert text.endswith(ENGINE)
    assert looks.button(page, "Copied")


@pytest.mark.parametrize(("width", "language"), [(560, "en"), (560, "zh"), (1700, "en")])
def test_nothing_is_cut_off(qapp: Application, page: AboutPage, width: int, language: Language) -> None:
    qapp.follow("light", language)
    page.show_engine(ENGINE)
    looks.show(page, width)
    assert looks.misfits(page) == []
    assert looks.nameless(page) == []
    assert looks.unreachable(page) == []
    assert looks.rich(page) == []
