"""Scenes of the pages about documents, for `tests.kit.shots`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Literal

from app.library import Deletion, Library
from app.lists.collections import CollectionList
from app.lists.documents import DocumentList
from app.lists.hits import HitList
from app.viewing import Asked, Mark, Piece, Search, Shown
from app.widgets.documents_page import DocumentsPage
from app.widgets.search_page import SearchPage
from app.widgets.viewer import Viewer
from backends.core.phrase import Phrase
from backends.documents.problems import stopped
from backends.documents.types import Collection, Found, Section, StoredSection, WatchedFolder
from tests.kit import grounded_scenes, libraries, printed

if TYPE_CHECKING:
    from tests.kit.shots import Studio

Scene = Callable[["Studio"], None]


def documents(choose: int | None = None, **fields: object) -> Scene:
    def scene(studio: "Studio") -> None:
        page = DocumentsPage(libraries.filled(studio.language), libraries.collection_list(studio.language))
        page.show_library(libraries.library(studio.language, **fields))
        studio.window.add_page("documents", page)
        studio.window.show_page("documents")
        if choose is not None:
            page.view.choose(choose)

    return scene


def many(studio: "Studio") -> None:
    """Several are chosen among very many."""
    rows = libraries.endless()
    page = DocumentsPage(rows, libraries.collection_list(studio.language))
    page.show_library(libraries.library(studio.language, count=100_000, whole=100_000, chosen=3, watched=()))
    studio.window.add_page("documents", page)
    studio.window.show_page("documents")
    page.view.selectAll()


def empty(state: Library, with_collections: bool = False) -> Scene:
    def scene(studio: "Studio") -> None:
        collections = CollectionList()
        shown = state
        if with_collections:
            made = libraries.collections(studio.language)
            collections.show(made)
            shown = replace(state, collections=made)
        page = DocumentsPage(DocumentList(), collections)
        page.show_library(shown)
        studio.window.add_page("documents", page)
        studio.window.show_page("documents")

    return scene


FAILED = Library(
    "failed",
    message=Phrase("The documents cannot be opened: the disk is full.", "无法打开文档库：磁盘已满。"),
    hint=Phrase("Free some space and try again.", "请释放空间后重试。"),
)
NONE = Library("ready", collections=(Collection(1, "My documents"),))


def search(
    found: Callable[..., Found] | None,
    asked: str = "heat pump COP",
    state: Literal["idle", "searching", "found", "failed"] = "found",
    **fields: object,
) -> Scene:
    def scene(studio: "Studio") -> None:
        page = SearchPage(HitList())
        studio.window.add_page("search", page)
        studio.window.show_page("search")
        made = Search(
            state,
            Asked(asked),
            found(studio.language) if found else None,
            collections=libraries.collections(studio.language),
            documents=1_224,
        )
        page.box.setText(asked if state != "idle" else "")
        page.show_search(replace(made, **fields))
        hit = page.view.hit
        if hit is not None:
            page.preview.show_document(pdf_shown(studio))

    return scene


def pdf_shown(studio: "Studio", **fields: object) -> Shown:
    """A real PDF, on its second page."""
    zh = studio.language == "zh"
    text = libraries.TEXT_ZH if zh else libraries.TEXT_EN
    path = Path(mkdtemp()) / "handbook.pdf"
    printed.write(path, printed.handbook(zh=zh, passage=text))
    made = replace(libraries.documents(studio.language)[2], path=str(path), pages=3)
    marks = (
        Mark(1_000, 1_000 + len(text), 2, "", text),
        Mark(9_000, 9_020, 3, "", printed.LAST_ZH if zh else printed.LAST),
    )
    return replace(Shown(made, marks=marks), **fields)


def sections(studio: "Studio") -> tuple[StoredSection, ...]:
    zh = studio.language == "zh"
    filler = printed.FILLER_ZH if zh else printed.FILLER
    rows = [
        Section(filler * 3, 8, headings=("第一部分",) if zh else ("Part one",)),
        Section(
            "机型\t功率\t价格\nAW-9\t9 kW\t31200\n" if zh else "Model\tPower\tPrice\nAW-9\t9 kW\t3120\n",
            8,
            kind="table",
        ),
        Section((libraries.TEXT_ZH if zh else libraries.TEXT_EN) + "\n" + filler, 9, headings=("<b>3.2</b>",)),
        Section(filler * 6, 10),
    ]
    stored, start = [], 0
    for number, section in enumerate(rows):
        stored.append(StoredSection(3, number, start, start + len(section.text), section))
        start += len(section.text)
    return tuple(stored)


def text_shown(studio: "Studio", **fields: object) -> Shown:
    placed = sections(studio)
    text = libraries.TEXT_ZH if studio.language == "zh" else libraries.TEXT_EN
    mark = Mark(placed[2].start, placed[2].start + len(text), 9, "", text)
    end = placed[-1].end
    made = replace(libraries.documents(studio.language)[7], passages=12)
    return replace(Shown(made, marks=(mark,), piece=Piece(0, end, end, placed)), **fields)


def viewer(make: Callable[..., Shown], password: str = "", **fields: object) -> Scene:
    def scene(studio: "Studio") -> None:
        page = Viewer()
        studio.window.add_page("viewer", page)
        studio.window.rail.show_page("search")
        studio.window.show_page("viewer")
        shown = make(studio, **fields)
        if password:
            path = Path(shown.document.path)
            printed.write(path, printed.handbook(zh=False, passage=""), password=password)
        page.show_document(shown)

    return scene


SCENES: dict[str, Scene] = {
    "documents": documents(),
    "documents_reading": documents(1, intake=libraries.READING),
    "documents_paused": documents(2, intake=replace(libraries.READING, paused=True)),
    "documents_looking": documents(intake=replace(libraries.READING, files=0, done=0, name="", failed=0)),
    "documents_deleted": documents(deletions=libraries.DELETED),
    "documents_deleted_quoted": documents(deletions=libraries.DELETED, quoting=3),
    "documents_removed": documents(deletions=(Deletion((), "Taxes", 9),)),
    "documents_stopped": documents(watched=(WatchedFolder(1, 1, "/home/lin/Reports", stopped()), *libraries.watched())),
    "documents_locked": documents(4, intake=libraries.READING, deletions=libraries.DELETED[:1]),
    "documents_scanned": documents(5),
    "documents_scanned_ocr": documents(5, recognises=True),
    "documents_partly": documents(6, recognises=True),
    "documents_failed": documents(9),
    "documents_filtered": documents(query="a"),
    "documents_many": many,
    "documents_none": empty(NONE),
    "documents_opening": empty(Library()),
    "documents_not_opened": empty(FAILED),
    "documents_nothing_called_so": empty(Library("ready", whole=16, query="zebra"), with_collections=True),
    "documents_empty_collection": empty(Library("ready", chosen=2), with_collections=True),
    "search": search(libraries.found),
    "search_narrowed": search(libraries.narrowed, waiting=3),
    "search_idle": search(None, state="idle"),
    "search_nothing_there": search(None, state="idle", documents=0),
    "search_not_found": search(libraries.nothing, "zebra"),
    "search_searching": search(None, state="searching"),
    "search_failed": search(None, state="failed", message=FAILED.message, hint=FAILED.hint),
    "viewer_pdf": viewer(pdf_shown),
    "viewer_pdf_changed": viewer(pdf_shown, file="changed"),
    "viewer_pdf_unlit": viewer(pdf_shown, marks=(Mark(5, 90, 1, "", "Zebras live in herds, and nobody keeps them."),)),
    "viewer_pdf_locked": viewer(pdf_shown, password="1234"),
    "viewer_text": viewer(text_shown),
    "viewer_gone": viewer(text_shown, file="gone"),
    "viewer_opening": viewer(text_shown, piece=None),
    **grounded_scenes.SCENES,
}
