"""Documents in the whole window: dropped, read, searched, seen on their page, deleted, gone; with the real services."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.wiring_documents import DocumentDesk, are_models
from tests.kit import libraries, looks, printed

LONG = 60_000
Start = Callable[..., Session]


def desk_of(session: Session) -> DocumentDesk:
    assert session.desk is not None
    return session.desk.documents


def drop(session: Session, *files: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    session.window.dropEvent(QDropEvent(QPointF(400, 300), copy, mime, left, none))


def statuses(desk: DocumentDesk) -> dict[str, str]:
    return {document.name: document.status for _, document in desk.rows.held()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    printed.write(folder / "handbook.pdf", printed.handbook(zh=False, passage=libraries.TEXT_EN))
    printed.write(folder / "手册.pdf", printed.handbook(zh=True, passage=libraries.TEXT_ZH))
    (folder / "notes.txt").write_text("The old boiler of the Rosenweg 7 was built in 1987.\n" * 3, encoding="utf-8")
    return folder


def test_from_the_drop_to_the_page_and_away(start: Start, qtbot: QtBot, folder: Path) -> None:
    session = start()
    desk, window = desk_of(session), session.window
    window.show_page("documents")
    qtbot.waitUntil(lambda: "Drop documents here" in looks.texts(desk.documents_page), timeout=LONG)
    drop(session, folder)
    wanted = {"handbook.pdf": "ready", "手册.pdf": "ready", "notes.txt": "ready"}

    def all_read() -> bool:
        desk.documents_page.view.grab()
        return statuses(desk) == wanted

    qtbot.waitUntil(all_read, timeout=LONG)
    qtbot.waitUntil(lambda: not desk.documents_page.intake.isVisible(), timeout=LONG)

    # ask, and go to the page
    window.show_page("search")
    page = desk.search_page
    qtbot.keyClicks(page.box, "coefficient of performance")
    qtbot.waitUntil(lambda: desk.searching.search.state == "found", timeout=LONG)
    first = desk.hits.hits[0]
    assert first.document.name == "handbook.pdf"
    assert first.passage.page == 2
    qtbot.keyClick(page.box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.page == "viewer", timeout=LONG)
    qtbot.waitUntil(lambda: desk.viewer.pdf is not None and bool(desk.viewer.pdf.boxes), timeout=LONG)
    assert desk.viewer.pdf is not None
    assert desk.viewer.pdf.page == 2
    desk.viewer.copy_reference()
    assert QGuiApplication.clipboard().text().endswith("— handbook.pdf, p. 2")
    qtbot.keyClick(desk.viewer, Qt.Key.Key_Escape)
    assert window.page == "search"

    # a citation in Chinese
    chinese = next(document for _, document in desk.rows.held() if document.name == "手册.pdf")
    desk.show_passage(chinese.id, 0, 0, 2, libraries.TEXT_ZH[:40])
    qtbot.waitUntil(lambda: desk.viewer.document == chinese and bool(desk.viewer.pdf), timeout=LONG)
    assert list(desk.viewer.pdf.boxes) == [1]

    # the text of what is no PDF
    notes = next(document for _, document in desk.rows.held() if document.name == "notes.txt")
    desk.show_passage(notes.id, 4, 14, 0)
    qtbot.waitUntil(lambda: desk.viewer.document == notes and desk.viewer.text.lit == "old boiler", timeout=LONG)

    # deleted: not found any more; put back; deleted for good
    window.show_page("documents")
    view = desk.documents_page.view
    assert view.choose(notes.id)
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: desk.documents.library.deleted == 1, timeout=LONG)

    def found(text: str) -> list[str]:
        desk.search_page.ask_for(text)
        qtbot.waitUntil(lambda: desk.searching.search.state == "found", timeout=LONG)
        return [hit.document.name for hit in desk.hits.hits]

    assert "notes.txt" not in found("Rosenweg boiler 1987")
    looks.button(desk.documents_page, "Undo").click()
    qtbot.waitUntil(lambda: desk.documents.library.count == 3, timeout=LONG)
    assert "notes.txt" in found("Rosenweg boiler 1987")
    qtbot.waitUntil(lambda: view.choose(notes.id) or bool(view.grab().isNull()), timeout=LONG)
    looks.button(desk.documents_page, "Delete").click()
    qtbot.waitUntil(lambda: desk.documents.library.deleted == 1, timeout=LONG)
    store = desk.documents._documents.store
    assert store.hidden() == (notes.id,)
    window.show_page("search")
    qtbot.waitUntil(lambda: store.hidden() == (), timeout=LONG)
    assert desk.documents.library.deleted == 0
    assert "notes.txt" not in found("Rosenweg boiler 1987")


def test_a_locked_document_opens_with_its_password(start: Start, qtbot: QtBot, tmp_path: Path) -> None:
    pages = printed.handbook(zh=False, passage=libraries.TEXT_EN)
    path = printed.write(tmp_path / "locked.pdf", pages, password="1234")
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7\n" + b"nothing " * 100)
    session = start()
    desk = desk_of(session)
    session.window.show_page("documents")
    drop(session, path, broken)

    def are(status: str) -> bool:
        desk.documents_page.view.grab()
        return statuses(desk) == {"locked.pdf": status, "broken.pdf": "failed"}

    qtbot.waitUntil(lambda: are("encrypted"), timeout=LONG)
    page = desk.documents_page
    assert page.view.choose(next(d.id for _, d in desk.rows.held() if d.name == "broken.pdf"))
    assert page.foot._message.text()
    assert page.view.choose(next(d.id for _, d in desk.rows.held() if d.name == "locked.pdf"))
    qtbot.keyClicks(page.foot.password, "1234")
    qtbot.keyClick(page.foot.password, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: are("ready"), timeout=LONG)


def test_collections_of_ones_own(start: Start, qtbot: QtBot, tmp_path: Path) -> None:
    session = start()
    desk = desk_of(session)
    session.window.show_page("documents")
    page, library = desk.documents_page, desk.documents
    qtbot.waitUntil(lambda: library.library.state == "ready", timeout=LONG)
    page.collection_added.emit("Taxes")
    qtbot.waitUntil(lambda: library.library.chosen is not None, timeout=LONG)
    taxes = library.library.chosen
    assert taxes is not None
    qtbot.waitUntil(lambda: "Nothing is in this collection yet" in looks.texts(page) or not library.library.documents)
    page.text_pasted.emit("Deductible in 2025\nEverything that has a receipt.")
    qtbot.waitUntil(lambda: library.library.count == 1, timeout=LONG)
    desk.collections.rename_requested.emit(taxes, "Revenue")
    qtbot.waitUntil(lambda: "Revenue" in looks.texts(page), timeout=LONG)
    page.collection_added.emit("revenue")
    qtbot.waitUntil(lambda: "There is a collection" in looks.texts(session.window), timeout=LONG)
    page.collection_removed.emit(taxes)
    qtbot.waitUntil(lambda: library.library.collection(taxes) is None and library.library.deleted == 1, timeout=LONG)
    assert library.library.chosen is None
    looks.button(page, "Undo").click()
    qtbot.waitUntil(lambda: library.library.collection(taxes) is not None, timeout=LONG)


def test_undo_goes_back_a_step_at_a_time(start: Start, qtbot: QtBot, tmp_path: Path) -> None:
    names = ["one.txt", "two.txt", "three.txt"]
    for name in names:
        (tmp_path / name).write_text(f"This is {name}.", encoding="utf-8")
    session = start()
    desk, window = desk_of(session), session.window
    page, library, store = desk.documents_page, desk.documents, desk.documents._documents.store
    window.show_page("documents")
    drop(session, *(tmp_path / name for name in names))

    def listed() -> list[str]:
        page.view.grab()
        return [document.name for _, document in sorted(desk.rows.held())] if library.library.intake is None else []

    def sees(words: str) -> None:
        qtbot.waitUntil(lambda: words in looks.texts(page), timeout=LONG)

    qtbot.waitUntil(lambda: listed() == ["three.txt", "two.txt", "one.txt"], timeout=LONG)
    page.collection_added.emit("Taxes")
    qtbot.waitUntil(lambda: library.library.chosen is not None, timeout=LONG)
    taxes = library.library.chosen
    library.choose(None)
    qtbot.waitUntil(lambda: library.library.count == 3, timeout=LONG)

    for name, steps in (("one.txt", 1), ("two.txt", 2)):
        library.delete([next(document.id for document in store.documents() if document.name == name)])
        qtbot.waitUntil(lambda steps=steps: len(library.library.deletions) == steps, timeout=LONG)
    page.collection_removed.emit(taxes)
    qtbot.waitUntil(lambda: len(library.library.deletions) == 3, timeout=LONG)
    sees(
        "2 documents deleted. They are erased for good when you leave this page. Undo puts back the collection “Taxes”."
    )
    looks.button(page, "Undo").click()
    qtbot.waitUntil(lambda: library.library.collection(taxes) is not None, timeout=LONG)
    sees("2 documents deleted. They are erased for good when you leave this page. Undo puts back “two.txt”.")
    looks.button(page, "Undo").click()
    qtbot.waitUntil(lambda: listed() == ["three.txt", "two.txt"], timeout=LONG)
    sees("1 document deleted. It is erased for good when you leave this page. Undo puts back “one.txt”.")
    looks.button(page, "Undo").click()
    qtbot.waitUntil(lambda: listed() == ["three.txt", "two.txt", "one.txt"], timeout=LONG)
    assert "Undo" not in looks.names(page)
    page.collection_removed.emit(taxes)
    qtbot.waitUntil(lambda: "Collection removed." in looks.texts(page), timeout=LONG)
    window.show_page("chat")
    qtbot.waitUntil(lambda: library.library.deletions == () and store.collections()[-1].id != taxes, timeout=LONG)


def test_cancel_ends_the_reading_of_a_watched_folder_too(start: Start, qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.txt").write_text("A line. " * 50, encoding="utf-8")
    session = start()
    desk = desk_of(session)
    page, library = desk.documents_page, desk.documents
    session.window.show_page("documents")
    qtbot.waitUntil(lambda: library.library.state == "ready", timeout=LONG)
    library.pause()
    page.watch_requested.emit(str(folder))
    qtbot.waitUntil(lambda: "Cancel" in looks.names(page.intake) and page.intake.isVisible(), timeout=LONG)
    looks.button(page.intake, "Cancel").click()
    qtbot.waitUntil(lambda: not page.intake.isVisible(), timeout=LONG)
    qtbot.waitUntil(lambda: "Stopped. Goes on when something changes there" in looks.texts(page.panel), timeout=LONG)
    assert library.library.count < 20
    (folder / "new.txt").write_text("One more.", encoding="utf-8")
    qtbot.waitUntil(lambda: library.library.count == 21, timeout=LONG)
    qtbot.waitUntil(lambda: "Stopped." not in looks.texts(page.panel), timeout=LONG)


def test_a_search_finds_what_comes_after_it(start: Start, qtbot: QtBot, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / f"{name}.txt").write_text(f"The xylophone of the {name} room.", encoding="utf-8")
    session = start()
    desk = desk_of(session)
    session.window.show_page("documents")
    drop(session, tmp_path / "first.txt")
    qtbot.waitUntil(lambda: desk.documents.library.count == 1, timeout=LONG)
    session.window.show_page("search")
    qtbot.keyClicks(desk.search_page.box, "xylophone")

    def found() -> set[str]:
        return {hit.document.name for hit in desk.hits.hits}

    qtbot.waitUntil(lambda: found() == {"first.txt"}, timeout=LONG)
    chosen, states = desk.search_page.view.hit, set()
    desk.searching.search_changed.connect(lambda: states.add(desk.searching.search.state))
    desk.documents.add([tmp_path / "second.txt"])
    qtbot.waitUntil(lambda: found() == {"first.txt", "second.txt"}, timeout=LONG)
    now = desk.search_page.view.hit
    assert chosen is not None
    assert now is not None
    assert now.passage == chosen.passage
    assert states == {"found"}, "quietly"
    qtbot.waitUntil(lambda: "still being read" not in looks.texts(desk.search_page), timeout=LONG)
    store = desk.documents._documents.store
    desk.documents.delete([next(document.id for document in store.documents() if document.name == "first.txt")])
    qtbot.waitUntil(lambda: found() == {"second.txt"}, timeout=LONG)


def test_models_and_documents_part_ways(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.GGUF").write_bytes(b"GGUF")
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "a.pdf").write_bytes(b"%PDF")
    assert are_models(tmp_path / "models")
    assert are_models(tmp_path / "models" / "a.GGUF")
    assert not are_models(tmp_path / "papers")
    assert not are_models(tmp_path / "papers" / "a.pdf")
    assert not are_models(tmp_path / "gone")


def test_what_is_dropped_on_another_page_leads_to_the_documents(start: Start, qtbot: QtBot, tmp_path: Path) -> None:
    session = start()
    desk = desk_of(session)
    session.window.show_page("models")
    note = tmp_path / "note.txt"
    note.write_text("Bread without kneading.", encoding="utf-8")
    drop(session, note)
    qtbot.waitUntil(lambda: "Show the documents" in looks.names(session.window.notices), timeout=LONG)
    looks.button(session.window.notices, "Show the documents").click()
    assert session.window.page == "documents"
    qtbot.waitUntil(lambda: desk.documents.library.count == 1, timeout=LONG)
