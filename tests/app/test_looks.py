"""What can be checked of every made state of the page of models without eyes: at any width, in both languages."""

import itertools
from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.picture import Picture
from app.tab_order import stops
from app.widgets.first_run import FirstRunPage
from app.widgets.models_page import ModelsPage
from backends.core.phrase import Language
from tests.kit import looks, pictures

STATES: dict[str, Callable[[], Picture]] = {
    "busy": pictures.busy,
    "queued": pictures.queued,
    "of_others": pictures.of_others,
    "searched": pictures.searched,
    "missed": pictures.missed,
    "linked": pictures.linked,
    "direct": pictures.direct,
    "not_found": pictures.not_found,
    "not_searched": pictures.not_searched,
    "detailed": pictures.detailed,
    "making": lambda: pictures.detailed(work=True),
    "laptop": lambda: pictures.of(pictures.LAPTOP),
    "workstation": lambda: pictures.of(pictures.WORKSTATION),
}


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize(("width", "language"), [(560, "zh"), (560, "en"), (1060, "en")])
def test_every_state_fits_and_is_named(
    qapp: Application, qtbot: QtBot, name: str, width: int, language: Language
) -> None:
    qapp.follow("dark", language)
    page = ModelsPage()
    qtbot.addWidget(page)
    page.show_picture(STATES[name]())
    page.source.open()
    looks.show(page, width)
    for repository in page.found.repositories.values():
        repository._open()
    looks.settle()
    assert looks.misfits(page) == []
    assert looks.nameless(page) == []
    assert looks.unreachable(page) == []
    assert looks.rich(page) == []


@pytest.mark.parametrize("name", ["queued", "of_others", "laptop", "workstation"])
@pytest.mark.parametrize(("width", "language"), [(560, "zh"), (560, "en")])
def test_the_first_page_fits_too(qapp: Application, qtbot: QtBot, name: str, width: int, language: Language) -> None:
    qapp.follow("light", language)
    page = FirstRunPage()
    qtbot.addWidget(page)
    page.show_picture(STATES[name]())
    looks.show(page, width)
    assert looks.misfits(page) == []
    assert looks.nameless(page) == []


def test_tab_goes_down_the_page(qtbot: QtBot) -> None:
    """From what is above to what is below, card by card."""
    page = ModelsPage()
    qtbot.addWidget(page)
    page.show_picture(pictures.detailed())
    page.source.open()
    looks.show(page, 900, 3000)
    inner = page.widget()
    assert inner is not None
    heights = [widget.mapTo(inner, widget.rect().topLeft()).y() for widget in stops(inner)]
    assert len(heights) > 20
    back = [(above, below) for above, below in itertools.pairwise(heights) if below < above - 40]
    assert back == []
