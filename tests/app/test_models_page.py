"""The page about models shows a picture, whole, without flicker, on any width."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.application import Application
from app.picture import Picture
from app.widgets.models_page import ModelsPage
from backends.core.phrase import Language
from backends.hardware.types import Machine
from tests.kit import looks, pictures


@pytest.fixture
def page(qtbot: QtBot) -> ModelsPage:
    page = ModelsPage()
    qtbot.addWidget(page)
    return page


def test_before_anything_is_known_it_says_what_it_does(page: ModelsPage) -> None:
    page.show_picture(Picture())
    looks.show(page, 900)
    assert "Looking at this computer" in looks.texts(page)
    assert not page.runs.isVisible()


def test_models_stand_where_a_person_looks_for_them(page: ModelsPage) -> None:
    picture = pictures.of()
    small = pictures.downloaded(pictures.smallest(picture))
    page.show_picture(replace(picture, local=(pictures.own(), small), loaded=pictures.loaded(small)))
    assert {card.state.local for card in page.here.cards.values()} == {pictures.own(), small}
    looks.show(page, 900)
    assert page.here.cards[str(small.path)].y() < page.here.cards[str(pictures.own().path)].y(), "in use: on top"
    assert small.catalog_id not in page.runs.cards, "what is here is not offered once more"
    recommended = [card for card in page.runs.cards.values() if card.state.recommended]
    assert [card.state.choice for card in recommended] == [pictures.pick(picture)]
    assert all(card.state.choice and card.state.choice.verdict == "too_large" for card in page.large.cards.values())
    assert page.large.cards


def test_each_quant_on_the_disk_can_be_loaded(page: ModelsPage, qtbot: QtBot) -> None:
    picture = pictures.of()
    choice = pictures.smallest(picture)
    one, other = pictures.downloaded(choice), pictures.downloaded(choice, "Q2_K")
    page.show_picture(replace(picture, local=(one, other)))
    looks.show(page, 900)
    with qtbot.waitSignal(page.load_requested) as asked:
        page.here.cards[str(other.path)]._load.click()
    assert asked.args == [other]
    assert page.here.cards[str(one.path)].state.choice is choice, "its speed here is known"
    assert page.here.cards[str(other.path)].state.choice is None, "that is the speed of another quant"


def test_the_recommended_quant_is_offered_beside_another_one(page: ModelsPage) -> None:
    picture = pictures.of()
    choice = pictures.pick(picture)
    page.show_picture(replace(picture, local=(pictures.downloaded(choice, "Q2_K"),)))
    assert choice.model.id in page.runs.cards


def test_what_is_on_its_way_stands_in_the_order_in_which_it_comes_and_nowhere_else(page: ModelsPage) -> None:
    picture = pictures.busy()
    page.show_picture(picture)
    looks.show(page, 900)
    assert pictures.pick(picture).model.id not in page.runs.cards
    assert list(page.coming.bars) == [pictures.ref(pictures.pick(picture)), "bartowski/Some-GGUF:Q4_K_M"]
    assert pictures.pick(picture).model.name in looks.texts(page.coming)
    page.show_picture(replace(picture, downloads=()))
    looks.settle()
    assert not page.coming.isVisible()


@pytest.mark.parametrize(
    ("machine", "width", "language"),
    [
        (pictures.GAMER, 560, "en"),
        (pictures.LAPTOP, 560, "en"),
        (pictures.WORKSTATION, 560, "zh"),
        (pictures.GAMER, 1060, "zh"),
        (pictures.WORKSTATION, 1700, "en"),
    ],
)
def test_nothing_is_cut_off(
    qapp: Application, page: ModelsPage, machine: Machine, width: int, language: Language
) -> None:
    qapp.follow("light", language)
    page.show_picture(pictures.busy(pictures.of(machine)))
    page.source.open()
    looks.show(page, width)
    assert looks.misfits(page) == []


def test_everything_has_a_name_and_nothing_is_markup(page: ModelsPage) -> None:
    markup = replace(pictures.own("<b>bold</b>"), path=Path("/home/lin/<img src=x>.gguf"))
    picture = pictures.busy()
    page.show_picture(replace(picture, local=(*(picture.local or ()), markup)))
    looks.show(page, 900)
    assert looks.nameless(page) == []
    assert looks.unreachable(page) == []
    assert looks.rich(page) == []
    assert "<b>bold</b>" in looks.texts(page)


class Watch(QObject):
    """Counts what a page goes through."""

    def __init__(self, page: ModelsPage) -> None:
        super().__init__()
        self.layouts = self.births = 0
        for widget in [page, *page.findChildren(QWidget)]:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.layouts += event.type() is QEvent.Type.LayoutRequest
        self.births += event.type() is QEvent.Type.ChildAdded
        return False


def running(picture: Picture) -> Iterator[Picture]:
    """Five seconds of a download."""
    own = picture.downloads[1]
    for step in range(50):
        more = pictures.coming(
            picture,
            "running",
            done=1_900_000_000 + step * 3_000_000,
            bytes_per_s=28e6 + step * 137_000,
            seconds_left=112 - step / 10,
        )
        yield replace(picture, downloads=(*more.downloads, replace(own, fraction=0.4 + step / 100)))


def test_a_running_download_moves_its_bar_and_nothing_else(page: ModelsPage) -> None:
    picture = pictures.busy()
    page.show_picture(picture)
    looks.show(page, 900)
    bar = page.coming.bars[pictures.ref(pictures.pick(picture))]
    before = bar._words.text()
    watch = Watch(page)
    for later in running(picture):
        page.show_picture(later)
        looks.settle()
    assert (watch.layouts, watch.births) == (0, 0)
    assert bar._words.text() != before
    assert bar._bar.value() > 0


def dragged(*files: str) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(file) for file in files])
    return mime


def enter(page: ModelsPage, mime: QMimeData) -> bool:
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDragEnterEvent(QPoint(9, 9), copy, mime, left, none)
    event.ignore()
    QApplication.sendEvent(page.viewport(), event)
    return event.isAccepted()


def test_a_model_file_can_be_dropped(page: ModelsPage, qtbot: QtBot) -> None:
    page.show_picture(pictures.of())
    looks.show(page, 900)
    mime = dragged("/home/lin/notes.pdf", "/home/lin/Big.GGUF")
    assert enter(page, mime)
    assert "Drop models here" in looks.texts(page)
    QApplication.sendEvent(page.viewport(), QDragLeaveEvent())
    assert not page._drop.isVisible()
    assert enter(page, mime)
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    with qtbot.waitSignal(page.file_chosen) as chosen:
        QApplication.sendEvent(page.viewport(), QDropEvent(QPointF(9, 9), copy, mime, left, none))
    assert chosen.args == ["/home/lin/Big.GGUF"]
    assert not page._drop.isVisible()


def test_other_files_are_not_for_this_page(page: ModelsPage) -> None:
    looks.show(page, 900)
    assert not enter(page, dragged("/home/lin/notes.pdf"))
    assert not page._drop.isVisible()


def test_where_downloads_come_from_is_shown_when_one_fails(page: ModelsPage) -> None:
    picture = pictures.coming(
        pictures.of(), "failed", message=pictures.NO_ANSWER, hint=pictures.NO_ANSWER_HINT, source_may_help=True
    )
    page.show_picture(picture)
    looks.show(page, 900)
    assert not page.source.is_open
    looks.button(page, f"Download source: {picture.downloads[0].title}").click()
    assert page.source.is_open
    page.source.close_()
    page.show_picture(replace(picture, local=(pictures.own(),)))
    assert not page.source.is_open, "who closed it wants it closed"


def test_a_change_of_language_says_everything_anew(qapp: Application, page: ModelsPage) -> None:
    page.show_picture(pictures.busy())
    looks.show(page, 900)
    qapp.follow("light", "zh")
    looks.settle()
    left = {"Download", "Load", "Pause", "In use", "Recommended", "Fits", "Models", "This computer", "On their way"}
    assert not left & set(looks.texts(page).splitlines())
