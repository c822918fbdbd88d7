"""The page of searching: what is typed, narrowed, found, walked through with the keys."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.controllers.searching import HITS, request_of
from app.lists.hits import HitList
from app.lit import excerpt, lines, utf16
from app.viewing import Asked, Search
from app.widgets.search_page import SearchPage
from tests.kit import libraries, looks

FOUND = Search(
    "found", Asked("heat pump"), libraries.found("en"), collections=libraries.collections("en"), documents=1_224
)


@pytest.fixture
def page(qtbot: QtBot) -> SearchPage:
    page = SearchPage(HitList())
    qtbot.addWidget(page)
    page.resize(700, 700)
    page.show_search(Search(collections=libraries.collections("en"), documents=1_224))
    page.show()
    looks.settle()
    return page


def asked(spy: QSignalSpy, n: int = 0) -> Asked:
    return spy.at(n)[0]


def test_typing_asks_once_the_fingers_rest_and_enter_at_once(page: SearchPage, qtbot: QtBot) -> None:
    spy = QSignalSpy(page.search_requested)
    assert "Search in 1,224 documents" in looks.texts(page).replace("1224", "1,224")
    qtbot.keyClicks(page.box, "heat pump")
    assert spy.count() == 0
    qtbot.waitUntil(lambda: spy.count() == 1)
    assert asked(spy) == Asked("heat pump")
    qtbot.keyClicks(page.box, "s")
    qtbot.keyClick(page.box, Qt.Key.Key_Return)
    assert asked(spy, 1).text == "heat pumps"
    qtbot.keyClick(page.box, Qt.Key.Key_Escape)
    assert asked(spy, 2).text == ""


def test_enter_that_belongs_to_an_input_method_asks_nothing(page: SearchPage, qtbot: QtBot) -> None:
    spy = QSignalSpy(page.search_requested)
    QApplication.sendEvent(page.box, QInputMethodEvent("reb", []))
    page.box.returnPressed.emit()
    assert spy.count() == 0
    commit = QInputMethodEvent("", [])
    commit.setCommitString("热泵")
    QApplication.sendEvent(page.box, commit)
    page.box.returnPressed.emit()
    assert asked(spy).text == "热泵"


def test_the_keys_walk_from_the_field_through_the_passages(page: SearchPage, qtbot: QtBot) -> None:
    opened = QSignalSpy(page.open_requested)
    page.box.setText("heat pump")
    page.show_search(FOUND)
    assert page.view.currentIndex().row() == 0, "the best one is chosen"
    qtbot.keyClick(page.box, Qt.Key.Key_Down)
    qtbot.keyClick(page.view, Qt.Key.Key_Down)
    qtbot.keyClick(page.view, Qt.Key.Key_Return)
    assert opened.at(0)[0] == libraries.found("en").hits[1]
    qtbot.keyClick(page.view, Qt.Key.Key_Up)
    page.view.left_upwards.emit()
    qtbot.keyClick(page.box, Qt.Key.Key_Return)
    assert opened.at(1)[0] == libraries.found("en").hits[0], "Enter again opens the one that is chosen"


def test_better_finds_leave_the_chosen_one_chosen(page: SearchPage) -> None:
    found = libraries.found("en")
    page.show_search(replace(FOUND, state="searching", found=replace(found, final=False)))
    assert "looking further…" in looks.texts(page)
    page.view.setCurrentIndex(page._hits.index(2))
    better = replace(found, hits=(found.hits[3], found.hits[2], found.hits[0]))
    page.show_search(replace(FOUND, found=better))
    assert page.view.hit == found.hits[2]
    assert "looking further…" not in looks.texts(page)


def test_documents_that_come_do_not_move_what_is_read(page: SearchPage, qtbot: QtBot) -> None:
    found, looked_at = libraries.found("en"), QSignalSpy(page.preview_requested)
    hits = [replace(hit, passage=replace(hit.passage, id=hit.passage.id + n)) for n in range(8) for hit in found.hits]
    page.show_search(replace(FOUND, found=replace(found, hits=tuple(hits))))
    page.view.setCurrentIndex(page._hits.index(20))
    page.view.verticalScrollBar().setValue(page.view.verticalScrollBar().maximum() // 2)
    chosen, place = page.view.hit, page.view.place
    assert place[0] is not None
    qtbot.waitUntil(lambda: not page._looked_at.isActive())
    before = looked_at.count()

    come = [replace(hit, passage=replace(hit.passage, id=hit.passage.id + 100)) for hit in found.hits[:3]]
    page.show_search(replace(FOUND, found=replace(found, hits=(*come, *hits))))
    assert page._hits.hits[:3] == tuple(come)
    assert (page.view.hit, page.view.place) == (chosen, place)
    assert not page._looked_at.isActive(), "its page is there already"
    assert looked_at.count() == before
    page.show_search(replace(FOUND, found=replace(found, hits=found.hits[:1])))
    assert page.view.currentIndex().row() == 0, "what was chosen is gone"


def test_it_says_how_many_are_still_being_read(page: SearchPage) -> None:
    page.show_search(replace(FOUND, waiting=12))
    assert "12 documents are still being read. What they say appears here by itself." in looks.texts(page)
    page.show_search(replace(FOUND, waiting=1))
    assert "1 document is still being read." in looks.texts(page)
    page.show_search(FOUND)
    assert "still being read" not in looks.texts(page)


def test_what_narrows_a_search_can_be_taken_away(page: SearchPage) -> None:
    spy = QSignalSpy(page.search_requested)
    page.box.setText("efficiency in 2024")
    page.show_search(replace(FOUND, found=libraries.narrowed("en")))
    looks.settle()
    said = looks.texts(page)
    assert "Also searched for: 2024 年热泵的效率是多少？" in said
    looks.button(page, "No longer only 2024").click()
    assert asked(spy).without == {"year:2024"}
    looks.button(page, "No longer only handbook").click()
    assert asked(spy, 1).without == {"year:2024", "name:handbook"}
    page.box.textEdited.emit("another question")
    page._settled.timeout.emit()
    assert asked(spy, 2).without == frozenset(), "chips belong to a question"


def test_filters_are_asked_for_and_given_up_again(page: SearchPage) -> None:
    spy = QSignalSpy(page.search_requested)
    page.box.setText("zebra")
    kind = page.filters._kind
    kind.setCurrentIndex(kind.findData("slides"))
    page.filters._collection.setCurrentIndex(2)
    kind.activated.emit(kind.currentIndex())
    last = asked(spy, spy.count() - 1)
    assert (last.kind, last.collection) == ("slides", 2)
    request = request_of(last, 1_000_000_000.0)
    assert request.scope.formats == ("pptx", "odp", "ppt")
    assert request.scope.collections == (2,)
    assert request.limit == HITS
    page.show_search(
        Search("found", last, libraries.nothing("en"), collections=libraries.collections("en"), documents=1_224)
    )
    assert "Nothing found in" in looks.texts(page)
    looks.button(page, "Search everywhere").click()
    assert not asked(spy, spy.count() - 1).narrowed
    older = request_of(Asked("x", period="older"), 1_000_000_000.0).scope
    assert older.since is None
    assert older.until == 1_000_000_000.0 - 365 * 86_400


def test_without_documents_the_page_says_how_to_get_some(page: SearchPage) -> None:
    wanted = QSignalSpy(page.documents_requested)
    page.show_search(Search())
    looks.button(page, "Add documents").click()
    assert wanted.count() == 1
    page.show_search(Search(waiting=3))
    assert "Add documents" not in looks.names(page)


def test_a_tip_says_why_a_passage_stands_where_it_does() -> None:
    hits = HitList()
    hits.show(libraries.found("en").hits)
    tip = str(hits.index(0).data(Qt.ItemDataRole.ToolTipRole))
    assert "Score 0.93" in tip
    assert "by its words: place 13" in tip
    assert "page 37" in str(hits.index(0).data(Qt.ItemDataRole.AccessibleTextRole))


# ---- what is lit


@given(
    st.text(alphabet="ab \n热泵𝔘", min_size=1, max_size=400),
    st.lists(st.tuples(st.integers(0, 399), st.integers(1, 9)), max_size=6),
    st.integers(20, 200),
)
def test_an_excerpt_shows_what_is_lit(text: str, places: list[tuple[int, int]], room: int) -> None:
    lit = sorted((start, min(len(text), start + length)) for start, length in places if start < len(text))
    shown, kept = excerpt(text, lit, room)
    flat = "".join(" " if character.isspace() else character for character in text)
    assert len(shown) <= len(flat) + 4
    assert bool(kept) == bool(lit)
    for start, end in kept:
        assert 0 <= start < end <= len(shown)
        assert any(shown[start:end] in flat[a:b] for a, b in lit)
    assert utf16(text, len(text)) == len(text.encode("utf-16-le")) // 2


def test_letters_of_a_line_are_lit_as_one_and_columns_apart() -> None:
    letters = [(10.0, 50.0, 5.0, 8.0), (16.0, 52.0, 5.0, 6.0), (24.0, 50.0, 5.0, 8.0)]
    assert lines(letters) == [(10.0, 50.0, 19.0, 8.0)]
    assert len(lines([*letters, (10.0, 64.0, 5.0, 8.0)])) == 2
    assert len(lines([*letters, (300.0, 50.0, 5.0, 8.0)])) == 2
