"""The list of conversations: in which order, what stays while it changes, and what mouse and keyboard do with it."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QPainter
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from app.application import Application
from app.lists.arranged import PINNED, arrange
from app.lists.conversations import ConversationList
from app.widgets.conversation_panel import ConversationPanel
from app.widgets.conversation_rows import ConversationRows
from backends.chat.organised import Folder
from backends.chat.types import Conversation
from tests.kit import looks

TODAY = datetime.date(2026, 3, 20)
NOON = datetime.datetime(2026, 3, 20, 12).timestamp()
DAY = 86_400.0
ANY_INDEX = QModelIndex | QPersistentModelIndex
WORK, HOME = Folder(1, "Work"), Folder(2, "Home")
NONE, CTRL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


def chat(id: int, title: str = "", *, age: float = 0.0, **fields: object) -> Conversation:
    now = datetime.datetime.now().timestamp()
    return replace(Conversation(id, title or f"Chat {id}", False, "", now, now - age * DAY), **fields)


@pytest.fixture
def rows(qapp: Application) -> Iterator[ConversationList]:
    rows = ConversationList()
    tester = QAbstractItemModelTester(rows, QAbstractItemModelTester.FailureReportingMode.Fatal)
    yield rows
    tester.deleteLater()


@pytest.fixture
def panel(qtbot: QtBot, rows: ConversationList) -> ConversationPanel:
    panel = ConversationPanel(rows)
    qtbot.addWidget(panel)
    panel.resize(264, 500)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def texts(rows: ConversationList) -> list[str]:
    return [str(rows.index(row).data()) for row in range(rows.rowCount())]


def index(rows: ConversationList, id: int, kind: str = "conversation") -> QModelIndex:
    row = rows.place_of(("folder" if kind == "folder" else "conversation", id))
    assert row is not None
    return rows.index(row)


def spot(panel: ConversationPanel, id: int, kind: str = "conversation") -> QPoint:
    return panel.list.visualRect(index(panel.list.model(), id, kind)).center()  # type: ignore[arg-type]


def click(
    qtbot: QtBot, panel: ConversationPanel, id: int, held: Qt.KeyboardModifier = NONE, kind: str = "conversation"
) -> None:
    qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, held, spot(panel, id, kind))


# ---- the order


def test_pinned_then_folders_then_days() -> None:
    old = [replace(chat(n), updated=NOON - age * DAY) for n, age in enumerate((0, 1, 2, 7, 8, 30, 31), 1)]
    old[1], old[2] = replace(old[1], pinned=True, folder_id=1), replace(old[2], folder_id=2)
    lines = arrange(old, (WORK, HOME), closed={1}, today=TODAY)
    assert [line.key for line in lines] == [
        ("heading", PINNED),
        ("conversation", 2),
        ("folder", 1),
        ("folder", 2),
        ("conversation", 3),
        ("heading", 0),
        ("conversation", 1),
        ("heading", 2),
        ("conversation", 4),
        ("heading", 3),
        ("conversation", 5),
        ("conversation", 6),
        ("heading", 4),
        ("conversation", 7),
    ]
    assert [line.total for line in lines if line.kind == "folder"] == [0, 1]


def test_where_the_clock_was_wrong_no_day_comes_twice() -> None:
    """The order is that of what was done; a clock that jumped back made the middle one old."""
    wrong = [replace(chat(n), updated=NOON - age * DAY) for n, age in ((1, 0), (2, 400), (3, 0), (4, -300))]
    lines = arrange(wrong, (), today=TODAY)
    assert [line.key for line in lines if line.kind == "heading"] == [("heading", 0), ("heading", 4)]
    assert [line.id for line in lines if line.kind == "conversation"] == [1, 2, 3, 4]


def test_an_empty_folder_says_so_and_a_folder_that_is_gone_holds_nothing(rows: ConversationList) -> None:
    rows.show([chat(1, folder_id=7)], [WORK])
    assert texts(rows) == ["Work", "No chats in this folder", "Today", "Chat 1"]
    rows.open_folder(1, opened=False)
    assert texts(rows) == ["Work", "Today", "Chat 1"]


# ---- brought up to date


STATES: Sequence[tuple[Sequence[Conversation], Sequence[Folder]]] = (
    ([], []),
    ([chat(n) for n in range(1, 9)], [WORK]),
    ([chat(8), *(chat(n) for n in range(1, 8))], [WORK]),
    ([chat(n, folder_id=1 if n % 2 else None) for n in (8, 3, 1, 2)], [WORK, HOME]),
    ([chat(n, pinned=n in (2, 9)) for n in (9, 2, 8, 10, 3)], [HOME, WORK]),
    ([chat(n, folder_id=2, age=n * 5) for n in (3, 2, 9)], [HOME]),
    ([], [HOME]),
)


def test_from_every_state_to_every_other_row_by_row(rows: ConversationList) -> None:
    """Qt's own tester watches; the lines that are held are where they went, or gone."""
    resets = QSignalSpy(rows.modelReset)
    for before in STATES:
        for after in STATES:
            rows.show(*before)
            held = {line.key: QPersistentModelIndex(rows.index(row)) for row, line in enumerate(rows.lines)}
            rows.show(*after)
            assert list(rows.lines) == arrange(*after)
            for key, place in held.items():
                assert (place.row() if place.isValid() else None) == rows.place_of(key), (key, before, after)
    assert resets.count() == 0


def test_what_is_chosen_and_in_sight_stays(qtbot: QtBot, rows: ConversationList, panel: ConversationPanel) -> None:
    many = [chat(n, age=n / 100) for n in range(1, 301)]
    rows.show(many)
    panel.list.choose(("conversation", 150))
    panel.list.selectionModel().select(index(rows, 152), QItemSelectionModel.SelectionFlag.Select)
    panel.list.scrollTo(index(rows, 150), panel.list.ScrollHint.PositionAtCenter)
    seen = panel.list.visualRect(index(rows, 150)).top()
    newest = replace(many[250], updated=many[0].updated + 1)
    rows.show([chat(999), newest, *(one for one in many if one.id not in (251, 40, 41))])
    assert panel.list.chosen == (150, 152)
    assert panel.list.visualRect(index(rows, 150)).top() == seen
    panel.list.scrollToTop()
    rows.show([chat(1000), *rows.conversations])
    assert panel.list.verticalScrollBar().value() == 0


def test_a_title_that_comes_takes_nothing_from_what_is_typed(
    qtbot: QtBot, rows: ConversationList, panel: ConversationPanel
) -> None:
    asked = QSignalSpy(rows.rename_requested)
    rows.show([chat(1), chat(2), chat(3)])
    panel.menu.rename_requested.emit((2,))
    editor = panel.list.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    editor.clear()
    qtbot.keyClicks(editor, "My own")
    rows.show([chat(3), chat(4), chat(2, "What the model calls it"), chat(1)])
    rows.show_busy(frozenset({2}))
    rows.show_busy(frozenset())
    assert panel.list.findChild(QLineEdit) is editor
    assert editor.text() == "My own"
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: asked.count() == 1)  # Qt takes a name when the key is done with
    assert asked.at(0) == [2, "My own"]


def test_dots(rows: ConversationList) -> None:
    rows.show([chat(1), chat(2), chat(3, folder_id=1)], [WORK])
    rows.show_current(1)
    rows.show_busy(frozenset({1, 2, 3}))
    assert [bool(index(rows, id).data(rows.Role.BUSY)) for id in (1, 2, 3)] == [True] * 3
    rows.show_busy(frozenset())
    assert [bool(index(rows, id).data(rows.Role.UNREAD)) for id in (1, 2, 3)] == [False, True, True]
    rows.open_folder(1, opened=False)
    assert index(rows, 1, "folder").data(rows.Role.UNREAD)
    rows.show_current(3)
    assert not index(rows, 1, "folder").data(rows.Role.UNREAD)
    rows.show_busy(frozenset({2}))
    assert not index(rows, 2).data(rows.Role.UNREAD)
    rows.show_busy(frozenset())
    rows.show_current(2)
    assert not index(rows, 2).data(rows.Role.UNREAD)


def test_unread_ones_of_the_last_time_are_marked_and_what_is_looked_at_is_told(rows: ConversationList) -> None:
    told: list[tuple[list[int], bool]] = []
    rows.unread_changed.connect(lambda ids, unread: told.append((sorted(ids), unread)))
    found = [chat(1, unread=True), chat(2, unread=True), chat(3), chat(4, unread=True)]
    rows.show_current(4)
    rows.show(found)
    assert [bool(index(rows, id).data(rows.Role.UNREAD)) for id in (1, 2, 3, 4)] == [True, True, False, False]
    assert told.pop() == ([4], False)
    assert not told
    rows.show_current(1)
    assert told == [([1], False)]
    rows.show(found)  # read before that was on disk
    assert [bool(index(rows, id).data(rows.Role.UNREAD)) for id in (1, 2, 3, 4)] == [False, True, False, False]
    rows.show(found[:1])
    rows.show(found)  # deleted, and brought back
    assert index(rows, 2).data(rows.Role.UNREAD)


class Counting(ConversationRows):
    painted = 0

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        self.painted += 1
        super().paint(painter, option, index)


def test_ten_thousand_are_brought_up_to_date_by_what_changed(
    qtbot: QtBot, rows: ConversationList, panel: ConversationPanel
) -> None:
    many = [chat(n, age=n / 50) for n in range(1, 10_001)]
    rows.show(many)
    changed, moved, came = QSignalSpy(rows.dataChanged), QSignalSpy(rows.layoutChanged), QSignalSpy(rows.rowsInserted)
    counting = Counting(panel.list)
    panel.list.setItemDelegate(counting)
    rows.show([many[0], replace(many[1], title="A title"), *many[2:]])
    panel.list.viewport().repaint()
    assert changed.count() == 1
    assert moved.count() == came.count() == 0
    assert 0 < counting.painted < 60
    rows.show([many[9_999], *many[:9_999]])
    assert moved.count() == 1
    assert rows.row_of(10_000) == 1
    rows.show([chat(10_001), *rows.conversations])
    assert came.count() == 1
    panel.list.selectAll()
    assert len(panel.list.chosen) == 10_001


# ---- mouse and keyboard


def test_several_are_chosen_and_deleted(qtbot: QtBot, rows: ConversationList, panel: ConversationPanel) -> None:
    opened, deleted = QSignalSpy(panel.conversation_requested), QSignalSpy(panel.menu.delete_requested)
    rows.show([chat(n) for n in range(1, 7)])
    click(qtbot, panel, 1)
    click(qtbot, panel, 3, CTRL)
    click(qtbot, panel, 5, SHIFT | CTRL)
    assert opened.count() == 1
    assert panel.list.chosen == (1, 3, 4, 5)
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert deleted.at(0) == [(1, 3, 4, 5)]


def test_headings_are_no_rows(qtbot: QtBot, rows: ConversationList, panel: ConversationPanel) -> None:
    opened = QSignalSpy(panel.conversation_requested)
    rows.show([chat(1), chat(2, age=100)])
    qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, NONE, QPoint(40, 10))
    assert panel.list.chosen == ()
    panel.list.setFocus()
    panel.list.choose(("conversation", 1))
    qtbot.keyClick(panel.list, Qt.Key.Key_Down)
    qtbot.keyClick(panel.list, Qt.Key.Key_Return)
    qtbot.keyClick(panel.list, Qt.Key.Key_Home)
    qtbot.keyClick(panel.list, Qt.Key.Key_Return)
    qtbot.keyClick(panel.list, Qt.Key.Key_End)
    qtbot.keyClick(panel.list, Qt.Key.Key_Return)
    assert [opened.at(n) for n in range(opened.count())] == [[2], [1], [2]]


def test_a_folder_by_the_keyboard(qtbot: QtBot, rows: ConversationList, panel: ConversationPanel) -> None:
    deleted, renamed = QSignalSpy(panel.menu.folder_delete_requested), QSignalSpy(rows.folder_rename_requested)
    rows.show([chat(1, folder_id=1), chat(2, folder_id=1), chat(3)], [WORK])
    panel.list.setFocus()
    panel.list.choose(("conversation", 2))
    qtbot.keyClick(panel.list, Qt.Key.Key_Left)
    assert panel.list.line(panel.list.currentIndex()) == rows.lines[0]
    qtbot.keyClick(panel.list, Qt.Key.Key_Left)
    assert texts(rows) == ["Work", "Today", "Chat 3"]
    qtbot.keyClick(panel.list, Qt.Key.Key_Right)
    assert texts(rows)[:3] == ["Work", "Chat 1", "Chat 2"]
    qtbot.keyClick(panel.list, Qt.Key.Key_Return)
    assert rows.closed == {1}
    qtbot.keyClick(panel.list, Qt.Key.Key_F2)
    editor = panel.list.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    editor.setText("   ")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not panel.list.findChildren(QLineEdit))
    qtbot.keyClick(panel.list, Qt.Key.Key_F2)
    editor = panel.list.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    editor.setText("Office ")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not panel.list.findChildren(QLineEdit))
    assert [renamed.at(n) for n in range(renamed.count())] == [[1, "Office"]]
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert deleted.at(0) == [1]


def menu_texts(menu: QMenu) -> list[str]:
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def opened_menu(panel: ConversationPanel) -> QMenu:
    return next(menu for menu in panel.findChildren(QMenu) if menu.isVisible() and menu.parent() is panel)


def test_the_menu_is_of_all_that_are_chosen(qtbot: QtBot, rows: ConversationList, panel: ConversationPanel) -> None:
    moved, pinned = QSignalSpy(panel.menu.move_requested), QSignalSpy(panel.menu.pin_requested)
    rows.show([chat(1), chat(2, folder_id=2), chat(3)], [WORK, HOME])
    click(qtbot, panel, 1)
    click(qtbot, panel, 3, CTRL)
    panel.list.setFocus()
    qtbot.keyClick(panel.list, Qt.Key.Key_Menu)
    menu = opened_menu(panel)
    assert menu_texts(menu)[0] == "2 chats"
    assert not {"Rename", "Duplicate"} & set(menu_texts(menu))
    (below,) = [one for one in menu.findChildren(QMenu) if one.title() == "Move to"]
    assert menu_texts(below) == ["Work", "Home", "New folder"]
    below.actions()[1].trigger()
    assert moved.at(0) == [(1, 3), 2]
    menu.close()

    more = ConversationRows.more(panel.list.visualRect(index(rows, 2))).center()
    qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, NONE, more)
    menu = opened_menu(panel)
    assert {"Rename", "Pin", "Duplicate", "Archive", "Delete"} <= set(menu_texts(menu))
    (below,) = [one for one in menu.findChildren(QMenu) if one.title() == "Move to"]
    assert menu_texts(below) == ["Work", "New folder", "Out of the folder"]
    next(action for action in menu.actions() if action.text() == "Pin").trigger()
    assert pinned.at(0) == [(2,), True]
    menu.close()


def test_an_archived_one_goes_back(qtbot: QtBot, rows: ConversationList, panel: ConversationPanel) -> None:
    back = QSignalSpy(panel.menu.archive_requested)
    rows.show([chat(1, archived=True)])
    assert "All your chats are archived." in looks.texts(panel)
    panel.archive_button.click()
    assert texts(rows) == ["Today", "Chat 1"]
    menu = panel.menu.open(panel, rows.archived, QPoint())
    next(action for action in menu.actions() if action.text() == "Back to the list").trigger()
    menu.close()
    assert back.at(0) == [(1,), False]
    rows.show([])
    assert "Nothing is archived." in looks.texts(panel)
    panel.back_button.click()
    assert "Your conversations will be listed here." in looks.texts(panel)
    assert not panel.archive_button.isVisible()


# ---- dragged


def drag(panel: ConversationPanel, ids: Sequence[int], on: QPoint) -> None:
    """As Qt says it to the list: it comes, moves, and is let go."""
    rows = panel.list.model()
    assert isinstance(rows, ConversationList)
    mime = rows.mimeData([index(rows, id) for id in ids])
    move, left = Qt.DropAction.MoveAction, Qt.MouseButton.LeftButton
    view = panel.list.viewport()
    QApplication.sendEvent(view, QDragEnterEvent(on, move, mime, left, NONE))
    over = QDragMoveEvent(on, move, mime, left, NONE)
    QApplication.sendEvent(view, over)
    assert over.isAccepted() == (panel.list.rows.marked is not None)
    QApplication.sendEvent(view, QDropEvent(QPointF(on), move, mime, left, NONE))
    assert panel.list.rows.marked is None


@pytest.mark.parametrize(
    ("ids", "on", "kind", "placed"),
    [
        pytest.param((4, 5), 1, "folder", ((4, 5), 1, False), id="into a folder"),
        pytest.param((4,), 2, "conversation", ((4,), 1, False), id="among those in a folder"),
        pytest.param((2,), 4, "conversation", ((2,), None, False), id="out of it"),
        pytest.param((2, 4), 1, "conversation", ((2, 4), None, True), id="to the pinned"),
        pytest.param((1,), 2, "conversation", ((1,), 1, False), id="pinned no more"),
        pytest.param((4,), 5, "conversation", None, id="where it is"),
        pytest.param((2,), 1, "folder", None, id="into its own folder"),
    ],
)
def test_dragging(
    rows: ConversationList, panel: ConversationPanel, ids: Sequence[int], on: int, kind: str, placed: object
) -> None:
    said = QSignalSpy(panel.placed)
    rows.show([chat(1, pinned=True), chat(2, folder_id=1), chat(4), chat(5)], [WORK])
    drag(panel, ids, spot(panel, on, kind))
    assert [tuple(said.at(n)) for n in range(said.count())] == ([placed] if placed else [])


# ---- access


def test_what_a_screen_reader_says(rows: ConversationList, panel: ConversationPanel) -> None:
    rows.show(
        [chat(1, "One", pinned=True), chat(2, "Two", folder_id=1), chat(3, "Three"), chat(4, ""), chat(5)], [WORK, HOME]
    )
    rows.open_folder(2, opened=False)
    rows.show_busy(frozenset({3, 2}))
    rows.show_busy(frozenset({3}))
    spoken = [rows.index(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(rows.rowCount())]
    assert spoken == [
        "Pinned",
        "One, pinned, 1 of 1",
        "Work, folder, expanded, 1 chat",
        "Two, a new answer, Work, 1 of 1",
        "Home, folder, collapsed, 0 chats",
        "Today",
        "Three, being answered, Today, 1 of 3",
        "Chat 4, Today, 2 of 3",
        "Chat 5, Today, 3 of 3",
    ]


def test_every_control_has_a_name_and_is_reached(rows: ConversationList, panel: ConversationPanel) -> None:
    rows.show([chat(1), chat(2, archived=True)], [WORK])
    for archive in (False, True):
        rows.show_archive(archive)
        assert looks.nameless(panel) == []
        assert looks.unreachable(panel) == []


def test_titles_are_plain_text(qtbot: QtBot, rows: ConversationList, panel: ConversationPanel) -> None:
    rows.show([chat(1, "<b>x</b> " * 30)])
    tip = index(rows, 1).data(Qt.ItemDataRole.ToolTipRole)
    assert "&lt;b&gt;x" in tip
    assert tip.count("x") >= 30


def test_results_take_the_place_of_the_list(qtbot: QtBot, panel: ConversationPanel) -> None:
    results = QMenu()
    results.setWindowFlags(Qt.WindowType.Widget)
    panel.show_found(True)
    assert panel.list.isVisible()
    panel.set_results(results)
    panel.show_found(True)
    assert not panel.list.isVisible()
    panel.show_found(False)
    assert panel.list.isVisible()
