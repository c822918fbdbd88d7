"""The page of documents: very many rows, what is chosen, what can be done about each state."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app import document_words
from app.library import Deletion
from app.lists.documents import BLOCK, HELD, DocumentList
from app.widgets.documents_page import DocumentsPage
from backends.documents.types import Document
from tests.kit import libraries, looks


@pytest.fixture
def page(qtbot: QtBot) -> DocumentsPage:
    page = DocumentsPage(libraries.filled("en"), libraries.collection_list("en"))
    qtbot.addWidget(page)
    page.show_library(libraries.library("en"))
    page.resize(1200, 800)
    page.show()
    looks.settle()
    return page


def of(count: int, first: int = 1) -> list[Document]:
    return [libraries.document(n, f"{n}.txt", "text") for n in range(first, first + count)]


# ---- very many


def test_a_hundred_thousand_rows_are_fetched_only_where_somebody_looks(qtbot: QtBot) -> None:
    rows = libraries.endless()
    asked = QSignalSpy(rows.rows_wanted)
    page = DocumentsPage(rows, libraries.collection_list("en"))
    qtbot.addWidget(page)
    page.show_library(libraries.library("en", count=100_000, whole=100_000))
    page.resize(1200, 800)
    page.show()
    page.view.grab()
    assert 1 <= asked.count() <= 2
    bar = page.view.verticalScrollBar()
    for part in range(0, 101):
        bar.setValue(bar.maximum() * part // 100)
        page.view.grab()
    assert asked.count() <= 210
    assert sum(1 for _ in rows.held()) <= HELD * BLOCK
    last = rows.row(99_999)
    assert last is not None
    assert last.document.id == 100_000


def test_everything_can_be_deleted_without_fetching_it(qtbot: QtBot) -> None:
    rows = libraries.endless()
    page = DocumentsPage(rows, libraries.collection_list("en"))
    qtbot.addWidget(page)
    page.show_library(libraries.library("en", count=100_000, whole=100_000))
    page.resize(900, 700)
    page.show()
    page.view.grab()
    deleted = QSignalSpy(page.delete_requested)
    page.view.setFocus()
    qtbot.keyClick(page.view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert "100,000 documents chosen" in looks.texts(page.foot).replace("100000", "100,000")
    qtbot.keyClick(page.view, Qt.Key.Key_Delete)
    ids, absent = deleted.at(0)
    assert len(ids) + sum(count for _, count in absent) == 100_000
    assert len(ids) <= HELD * BLOCK


def test_what_is_chosen_stays_chosen_when_others_come_before_it(qtbot: QtBot) -> None:
    rows = DocumentList()
    rows.reset(5)
    rows.put(0, of(5))
    page = DocumentsPage(rows, libraries.collection_list("en"))
    qtbot.addWidget(page)
    page.show_library(libraries.library("en", count=5, whole=5))
    page.view.choose(2)
    page.view.selectionModel().select(rows.index(3), page.view.selectionModel().SelectionFlag.Select)
    assert page.view.chosen == [2, 4]
    rows.refresh(7)
    rows.put(0, of(2, 90) + of(5))
    assert page.view.chosen == [2, 4]
    assert {index.row() for index in page.view.selectionModel().selectedIndexes()} == {3, 5}
    rows.refresh(6)
    rows.put(0, [document for document in of(2, 90) + of(5) if document.id != 4])
    assert page.view.chosen == [2]


def test_rows_keep_what_they_show_until_something_newer_has_come() -> None:
    rows = DocumentList()
    asked = QSignalSpy(rows.rows_wanted)
    rows.reset(3)
    assert rows.row(0) is None
    assert rows.row(2) is None
    assert [asked.at(n) for n in range(asked.count())] == [[0, BLOCK]]
    rows.put(0, of(3))
    rows.refresh(3)
    shown = rows.row(1)
    assert shown is not None
    assert shown.document.name == "2.txt"
    assert asked.count() == 2
    rows.reset(0)
    assert rows.row(1) is None


# ---- states


def test_there_is_never_a_tick_where_something_is_missing() -> None:
    for document in libraries.documents("en"):
        said = document_words.state_of(document)
        whole = document.status == "ready" and not document.unread and document.problem is None
        assert (said.tone == "success") <= whole, document.name
        if document.status in ("failed", "encrypted", "scanned", "empty") or document.unread:
            assert said.tone in ("warning", "danger"), document.name
    survey = libraries.documents("en")[5]
    assert document_words.state_of(survey).words == "3 of 40 pages are pictures and were not read"
    unembedded = replace(survey, unread=0, problem=libraries.DAMAGED)
    assert document_words.state_of(unembedded).tone == "warning"


def test_a_locked_document_asks_for_its_password_in_place(page: DocumentsPage, qtbot: QtBot) -> None:
    given = QSignalSpy(page.password_given)
    opened = QSignalSpy(page.open_requested)
    page.view.choose(4)
    assert page.foot.password.isVisible()
    qtbot.keyClick(page.view, Qt.Key.Key_Return)
    assert opened.count() == 0
    assert page.foot.password.hasFocus() or not page.isActiveWindow()
    qtbot.keyClicks(page.foot.password, "geheim 1234")
    assert page.foot.password.echoMode() is QLineEdit.EchoMode.Password
    qtbot.keyClick(page.foot.password, Qt.Key.Key_Return)
    assert given.at(0) == [4, "geheim 1234"]
    assert page.foot.password.text() == "", "it is not kept"
    page.foot.password.setText("half")
    page.view.choose(5)
    page.view.choose(4)
    assert page.foot.password.text() == "", "nor given to another document"


def test_each_state_offers_what_helps(page: DocumentsPage, qtbot: QtBot) -> None:
    retried, recognised = QSignalSpy(page.retry_requested), QSignalSpy(page.recognise_requested)
    page.view.choose(9)
    assert "The file is damaged" in looks.texts(page.foot)
    looks.button(page.foot, "Read again").click()
    assert retried.at(0) == [9]
    page.view.choose(5)
    assert "deskseek[ocr]" in looks.texts(page.foot)
    assert "Recognise the text" not in looks.names(page.foot)
    page.show_library(libraries.library("en", recognises=True))
    looks.button(page.foot, "Recognise the text").click()
    assert recognised.at(0) == [5]
    page.view.choose(3)
    assert "Read again" not in looks.names(page.foot)
    opened = QSignalSpy(page.open_requested)
    qtbot.keyClick(page.view, Qt.Key.Key_Return)
    assert opened.at(0)[0].id == 3


def test_reading_is_shown_on_its_row(page: DocumentsPage) -> None:
    rows = page._documents
    index = rows.index(0)
    assert "Reading page 84 of 312" in str(index.data(Qt.ItemDataRole.AccessibleTextRole))
    rows.show_reading({1: (3_000, 6_000)})
    assert "Reading: 50%" in str(index.data(Qt.ItemDataRole.AccessibleTextRole))
    rows.show_reading({})
    assert "Reading…" in str(index.data(Qt.ItemDataRole.AccessibleTextRole))


def test_taking_in_can_be_held_and_ended(page: DocumentsPage) -> None:
    paused, went_on, cancelled = (
        QSignalSpy(signal) for signal in (page.pause_requested, page.going_on_requested, page.cancel_requested)
    )
    page.show_library(libraries.library("en", intake=libraries.READING))
    assert "Reading documents: 3 of 12" in looks.texts(page.intake)
    looks.button(page.intake, "Pause").click()
    page.show_library(libraries.library("en", intake=replace(libraries.READING, paused=True)))
    assert "Pause" not in looks.names(page.intake)
    looks.button(page.intake, "Go on").click()
    looks.button(page.intake, "Cancel").click()
    assert (paused.count(), went_on.count(), cancelled.count()) == (1, 1, 1)
    page.show_library(libraries.library("en"))
    assert not page.intake.isVisible()


# ---- what a person does


def test_typing_filters_once_the_fingers_rest(page: DocumentsPage, qtbot: QtBot) -> None:
    asked = QSignalSpy(page.query_changed)
    qtbot.keyClicks(page.filter, "heat")
    assert asked.count() == 0
    qtbot.waitUntil(lambda: asked.count() == 1)
    assert asked.at(0) == ["heat"]
    qtbot.keyClick(page.filter, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: asked.count() == 2)
    assert asked.at(1) == [""]
    qtbot.keyClick(page.filter, Qt.Key.Key_Down)
    assert page.view.currentIndex().row() == 0


def test_deleted_ones_can_be_put_back_by_key_too(page: DocumentsPage, qtbot: QtBot) -> None:
    undone = QSignalSpy(page.undo_requested)
    qtbot.keyClick(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert undone.count() == 0
    page.show_library(libraries.library("en", deletions=libraries.DELETED))
    when = "They are erased for good when you leave this page."
    assert f"3 documents deleted. {when} Undo puts back “Minutes of the meeting”." in looks.texts(page)
    qtbot.keyClick(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    looks.button(page, "Undo").click()
    assert undone.count() == 2


def test_undo_says_what_it_puts_back(page: DocumentsPage) -> None:
    page.show_library(libraries.library("en", deletions=libraries.DELETED[:1]))
    assert (
        "2 documents deleted. They are erased for good when you leave this page. Undo puts back the last 2 documents."
        in looks.texts(page)
    )
    page.show_library(libraries.library("en", deletions=(Deletion((), "Taxes", 9),)))
    said = looks.texts(page)
    assert "Collection removed. Undo puts back the collection “Taxes”." in said
    assert "erased for good" not in said
    page.show_library(libraries.library("en"))
    assert "Undo" not in looks.names(page)


def test_collections_are_made_renamed_and_removed(page: DocumentsPage, qtbot: QtBot) -> None:
    panel, rows = page.panel, page.panel._collections
    added, removed, chosen = (
        QSignalSpy(signal) for signal in (page.collection_added, page.collection_removed, page.collection_chosen)
    )
    renamed = QSignalSpy(rows.rename_requested)
    panel.new_button.click()
    qtbot.keyClicks(panel._name, "  Taxes ")
    qtbot.keyClick(panel._name, Qt.Key.Key_Return)
    assert added.at(0) == ["Taxes"]
    assert not panel._name.isVisible()
    panel.new_button.click()
    qtbot.keyClicks(panel._name, "no")
    qtbot.keyClick(panel._name, Qt.Key.Key_Escape)
    assert added.count() == 1
    panel.list.setCurrentIndex(rows.index(2))
    assert chosen.at(0) == [2]
    assert rows.setData(rows.index(2), "Home")
    assert renamed.at(0) == [2, "Home"]
    assert not rows.setData(rows.index(0), "Everything"), "that row is all of them"
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert removed.at(0) == [2]
    panel.list.setCurrentIndex(rows.index(0))
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert removed.count() == 1


def test_a_narrow_window_has_a_box_for_the_collections(page: DocumentsPage) -> None:
    assert page.panel.isVisible()
    page.resize(680, 520)
    looks.settle()
    assert not page.panel.isVisible()
    assert page._pick.isVisible()
    chosen = QSignalSpy(page.collection_chosen)
    page._pick.activated.emit(2)
    assert chosen.at(0) == [2]


def test_a_text_is_pasted_as_a_document(page: DocumentsPage, qtbot: QtBot) -> None:
    pasted = QSignalSpy(page.text_pasted)
    mime = QMimeData()
    mime.setText("A line\nand another")
    QGuiApplication.clipboard().setMimeData(mime)
    qtbot.keyClick(page.view, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert pasted.at(0) == ["A line\nand another"]


def test_a_watched_folder_says_what_is_wrong_and_can_be_left(page: DocumentsPage) -> None:
    left = QSignalSpy(page.unwatch_requested)
    assert "The folder cannot be reached at the moment." in looks.texts(page.panel)
    looks.button(page.panel, "No longer watch /mnt/office/contracts").click()
    assert left.at(0) == [2]
