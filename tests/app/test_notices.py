"""What the window says, in place and in the language of the person; and what it says when we failed."""

import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.application import Application
from app.crash import CrashReports
from app.notices import Banner, Notice, NoticeBoard, NoticeButton, error_notice
from app.undo import Undo
from backends.core.errors import ResourceError
from backends.core.phrase import Phrase
from tests.kit import looks

FULL = ResourceError(Phrase("The disk is full.", "磁盘已满。"), Phrase("Make room.", "请腾出空间。"), code="disk_full")


@pytest.fixture
def board(qtbot: QtBot) -> NoticeBoard:
    board = NoticeBoard()
    qtbot.addWidget(board)
    return board


def test_an_error_is_shown_in_the_language_of_the_window(qapp: Application, qtbot: QtBot, board: NoticeBoard) -> None:
    board.post_error(FULL)
    (banner,) = board.banners
    assert banner.accessibleName() == "The disk is full. Make room."
    qapp.follow("light", "zh")
    qtbot.waitUntil(lambda: banner.accessibleName() == "磁盘已满。 请腾出空间。")


def test_one_of_a_kind_and_three_at_most(board: NoticeBoard) -> None:
    board.post_error(FULL)
    board.post_error(FULL)
    assert len(board.banners) == 1
    for n in range(5):
        board.post(Notice(f"notice {n}"))
    assert [banner.notice.message for banner in board.banners] == ["notice 4", "notice 3", "notice 2"]
    board.clear()
    assert not board.banners
    assert board.isHidden()


def test_a_button_does_its_work_and_the_notice_goes(board: NoticeBoard) -> None:
    pressed: list[str] = []
    again = NoticeButton(Phrase("Try again", "重试"), lambda: pressed.append("again"))
    stays = NoticeButton(Phrase("Copy", "复制"), lambda: pressed.append("copy"), stays=True)
    banner = board.post(error_notice(FULL, again, stays))
    banner.press(1)
    assert board.banners == [banner]
    banner.press(0)
    assert pressed == ["copy", "again"]
    assert not board.banners


def test_buttons_that_find_no_room_are_in_a_menu(board: NoticeBoard, qtbot: QtBot) -> None:
    pressed: list[str] = []
    words = ("Load on the processor", "Check this machine", "Show the report")
    buttons = tuple(NoticeButton(one, lambda one=one: pressed.append(one), stays=True) for one in words)
    board.resize(360, 300)
    banner = board.post(Notice("It ended.", buttons=buttons))
    board.show()
    looks.settle()
    assert not looks.cut_off(board, board.width())
    there = [one for one in words if one in looks.texts(banner).splitlines()]
    assert there[:1] == [words[0]]
    assert len(there) < 3
    looks.button(banner, "More").click()
    menu = banner.findChild(QMenu)
    assert menu is not None
    assert there + [entry.text() for entry in menu.actions()] == [*words]
    menu.actions()[-1].trigger()
    assert pressed == ["Show the report"]
    menu.close()
    board.resize(900, 300)
    qtbot.waitUntil(lambda: [one for one in words if one in looks.texts(banner).splitlines()] == [*words])


def test_who_has_to_know_that_a_notice_went_is_told_once(board: NoticeBoard) -> None:
    gone: list[str] = []

    def post(name: str, key: str = "") -> Banner:
        button = NoticeButton("Undo", lambda: gone.append(f"{name} undone"))
        return board.post(Notice(name, buttons=(button,), key=key, gone=lambda: gone.append(name)))

    post("pressed").press(0)
    assert gone == ["pressed undone"]
    post("closed").dismiss()
    post("kept", "key")
    post("replaced it", "key")
    board.withdraw("key")
    assert gone == ["pressed undone", "closed", "replaced it"]
    for name in ("pushed out", "a", "b", "c"):
        post(name)
    assert gone[3:] == ["pushed out"]
    board.clear()
    assert sorted(gone[4:]) == ["a", "b", "c"]


def test_what_was_taken_away_comes_back_the_last_first_until_the_notice_goes(board: NoticeBoard) -> None:
    told: list[str] = []
    undo = Undo[str](
        board,
        "deleted",
        lambda items: Phrase(f"{len(items)} deleted.", f"已删除 {len(items)} 项。"),
        lambda item: told.append(f"back: {item}"),
        lambda items: told.append(f"erased: {', '.join(items)}"),
    )
    for item in ("one", "two", "three"):
        undo.push(item)
    (banner,) = board.banners
    assert banner.accessibleName() == "3 deleted."
    banner.press(0)
    (banner,) = board.banners
    assert banner.accessibleName() == "2 deleted."
    banner.press(0)
    undo.push("four")
    assert told == ["back: three", "back: two"]
    undo.let_go()
    assert told[2:] == ["erased: one, four"]
    undo.let_go()
    assert not board.banners
    undo.push("five")
    board.banners[0].press(0)
    assert told[3:] == ["back: five"]
    assert not undo.kept


def test_a_bug_is_written_down_shown_and_survived(
    board: NoticeBoard, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[tuple[str, Path | None]] = []
    reports = CrashReports(tmp_path, lambda text, path: shown.append((text, path)))
    before = sys.excepthook
    reports.install()
    try:
        try:
            raise ValueError("it broke here, token=hf_abcdefghijklmnopqrstuvwxyz012345")
        except ValueError as error:
            sys.excepthook(type(error), error, error.__traceback__)
        worker = threading.Thread(target=lambda: 1 // 0)
        worker.start()
        worker.join()
    finally:
        reports.remove()
        sys.excepthook = before
    ((text, path),) = shown  # what fails on another thread is only written down
    assert path is not None
    assert path.read_text(encoding="utf-8") == text
    assert "it broke here" in text
    assert "DeskSeek" in text
    assert "hf_abc" not in text.partition("Traceback")[0] + text.rpartition("ValueError")[2]
    assert len(list(tmp_path.iterdir())) == 2
    assert "it broke here" in caplog.text


def test_a_report_that_cannot_be_shown_or_written_makes_no_second_one(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    def fails(text: str, path: Path | None) -> None:
        raise RuntimeError("no window")

    assert CrashReports(blocked / "x", fails).report(ValueError("first")) is None


def test_old_reports_are_removed(tmp_path: Path) -> None:
    reports = CrashReports(tmp_path, lambda text, path: None)
    for n in range(25):
        (tmp_path / f"crash-2020010{n // 10}-00000{n % 10}-000.txt").write_text("old")
    reports.report(ValueError("new"))
    assert len(list(tmp_path.iterdir())) == CrashReports.KEEP
    assert any("new" in path.read_text() for path in tmp_path.iterdir())
