"""A person exports, copies and imports chats in the real window."""

import json
import re
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2
import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.__main__ import Session
from app.application import Application
from app.exporting import FORMS, ExportPicture
from app.pdf import PdfForm, PdfWriter
from app.pdf_text import meant
from app.widgets.export_sheet import ExportSheet
from app.wiring import Desk
from backends.chat.export.task import export
from backends.chat.export.types import Head, Manner, Selection
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled
from backends.core.paths import Paths
from backends.services import Services
from tests.app.conftest import MINUTE, Start
from tests.kit import export_scenes, looks

ANSWER = "A **list**\n\n1. 保留\n2. two\n\n| a | b |\n|---|---|\n| 文件 | 2 |\n\n```python\nx = 1\n```\n\n\\(E=mc^2\\)"
NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"


def told(services: Services, text: str = ANSWER, title: str = "Lists") -> tuple[int, int]:
    """The conversation, its answer."""
    made = services.chats.create(title)
    services.chats.add_message(made.id, "user", "Which one?")
    return made.id, services.chats.add_message(made.id, "assistant", text, model="tiny").id


def opened(qtbot: QtBot, start: Start) -> tuple[Session, Desk]:
    session = start()
    qtbot.waitUntil(lambda: session.desk is not None, timeout=MINUTE)
    assert session.desk is not None
    return session, session.desk


@pytest.mark.parametrize("form", FORMS)
def test_a_chat_is_exported_by_the_sheet(qtbot: QtBot, start: Start, tmp_path: Path, form: str) -> None:
    session, desk = opened(qtbot, start)
    conversation, _ = told(desk.services)
    session.chat_page.panel.menu.export_requested.emit((conversation,))
    sheet, exporting = desk.exporting.sheet, desk.exporting.exporting
    qtbot.waitUntil(lambda: session.window.page == "export", timeout=MINUTE)
    sheet.form.buttons[form].click()
    assert exporting.picture is not None
    assert exporting.picture.path.suffix == f".{form}"
    exporting.choose_place(tmp_path / "mine")
    looks.button(sheet, "Export").click()
    qtbot.waitUntil(lambda: session.window.page == "chat", timeout=MINUTE)
    qtbot.waitUntil(lambda: f"Exported to mine.{form}." in looks.texts(session.window.notices), timeout=MINUTE)
    assert (tmp_path / f"mine.{form}").stat().st_size > 300
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [f"mine.{form}"]


def test_a_message_is_copied_as_wished(qtbot: QtBot, start: Start) -> None:
    session, desk = opened(qtbot, start)
    _, answer = told(desk.services)
    clipboard, act = QGuiApplication.clipboard(), session.chat_page.transcript.message_action.emit
    for name, expected in (
        ("copy_markdown", f"{ANSWER}\n\n*AI-generated*"),
        ("copy_text", "A list\n\n1. 保留\n2. two\n\na\tb\n文件\t2\n\nx = 1\n\n\\(E=mc^2\\)\n\nAI-generated"),
        ("copy_rich", "A list\n\n1. 保留\n2. two\n\na\tb\n文件\t2\n\nx = 1\n\n\\(E=mc^2\\)\n\nAI-generated"),
    ):
        clipboard.clear()
        with qtbot.waitSignal(desk.exporting.exporting.copied, timeout=MINUTE):
            act(answer, name)
        assert clipboard.text() == expected
    assert "<b>" not in clipboard.text()
    assert "<strong>list</strong>" in clipboard.mimeData().html()
    act(answer, "export")
    qtbot.waitUntil(lambda: session.window.page == "export", timeout=MINUTE)
    assert desk.exporting.sheet.what.count() == 4


def test_an_export_that_is_dropped_on_the_window_comes_in(qtbot: QtBot, start: Start, tmp_path: Path) -> None:
    session, desk = opened(qtbot, start)
    told(desk.services)
    path = tmp_path / "chats.json"
    for _ in desk.services.exporting.export(Selection("all"), path, "json"):
        pass
    session.window.files_dropped.emit([path])
    qtbot.waitUntil(lambda: len(desk.services.chats.conversations()) == 2, timeout=MINUTE)
    qtbot.waitUntil(lambda: "1 chat imported" in looks.texts(session.window.notices), timeout=MINUTE)
    path.write_text(path.read_text()[:-20])
    session.window.files_dropped.emit([path])
    qtbot.waitUntil(lambda: "it ends in the middle" in looks.texts(session.window.notices), timeout=MINUTE)
    assert len(desk.services.chats.conversations()) == 2


# ---- PDF


def pdf(services: Services, path: Path, selection: Selection, **manner: object) -> pypdf.PdfReader:
    exporting = services.exporting
    make = PdfForm(("Noto Sans CJK SC",))
    task = export(
        *(exporting._reader, exporting.unlabelled, selection, path, "pdf", make, Manner(**manner)),  # type: ignore[arg-type]
        overwrite=True,
        cancel=CancelToken(),
    )
    for _ in task:
        pass
    return pypdf.PdfReader(path)


@pytest.fixture
def services(qapp: Application, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.chdir(paths.data)
    services = Services.open(paths)
    qapp.aboutToQuit.connect(lambda: None)
    return services


def test_the_text_of_a_pdf_is_found_each_line_once(services: Services, tmp_path: Path) -> None:
    lines = "\n\n".join(f"Line {n} of it, {'很长的文字' * (n % 9)}。" for n in range(1, 161))
    one, _ = told(services, lines)
    two, _ = told(services, ANSWER, "Second")
    read = pdf(services, tmp_path / "a.pdf", Selection("conversation", (one, two)), language="zh")
    services.close()
    text = "\n".join(page.extract_text() for page in read.pages)
    flat = "".join(text.split())
    for n in range(1, 161):
        assert flat.count(f"Line{n}ofit") == 1
    assert "Second" in read.pages[-1].extract_text()
    assert [page.extract_text().split()[-1] for page in read.pages] == [str(n + 1) for n in range(len(read.pages))]
    assert flat.count("人工智能生成") >= 3
    assert "文件" in flat
    for page in read.pages:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index, union-attr]
            described = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile2", "/FontFile3"} & set(described)


def test_what_goes_on_on_another_page_stands_in_the_text_once(services: Services, tmp_path: Path) -> None:
    def many(name: str, count: int) -> str:
        return " ".join(f"{name}{n:04d}" for n in range(count))

    rows = "\n".join(f"| row{n:04d} {'in a cell that is long ' * (n % 30)} | cell{n:04d} |" for n in range(60))
    text = (
        f"{many('word', 1200)}\n\n```python\n{many('code', 900)}\n```\n\n- {many('item', 900)}"
        f"\n\n> {many('quote', 900)}\n\n| a | b |\n|---|---|\n{rows}"
    )
    one, _ = told(services, text)
    read = pdf(services, tmp_path / "a.pdf", Selection("conversation", (one,)))
    services.close()
    pages = ["".join(page.extract_text().split()) for page in read.pages]
    found = Counter(re.findall(r"(?:word|code|item|quote|row|cell)\d{4}", "".join(pages)))
    assert len(found) == 1200 + 3 * 900 + 2 * 60
    assert [name for name, count in found.items() if count > 1] == []
    for n in range(60):
        assert [f"row{n:04d}" in page for page in pages] == [f"cell{n:04d}" in page for page in pages]


def test_a_table_of_a_pdf_has_one_line_between_its_cells(services: Services, tmp_path: Path) -> None:
    _, answer = told(services, "|  |  |\n|---|---|\n|  |  |", "")
    pdf(services, tmp_path / "a.pdf", Selection("message", (answer,)), label=False)
    services.close()
    with closing(pypdfium2.PdfDocument(tmp_path / "a.pdf")) as read:
        dark = read[0].render(scale=4, grayscale=True).to_numpy() < 250
    below = dark[dark.shape[0] // 8 : dark.shape[0] * 7 // 8]
    begun = ((below[:, 1:] & ~below[:, :-1]).sum(axis=1)).tolist()
    assert Counter(count for count in begun if count).most_common(1)[0][0] == 3


def test_a_pdf_is_given_up_in_the_middle_of_a_message(services: Services, tmp_path: Path) -> None:
    one, _ = told(services, "A paragraph of some words.\n\n" * 20_000)
    cancel, added = CancelToken(), []

    class Writer(PdfWriter):
        def _add(self, *said: Any, **more: Any) -> None:
            added.append(said)
            super()._add(*said, **more)
            if len(added) == 4:
                cancel.cancel()

    exporting = services.exporting
    with pytest.raises(Cancelled):
        for _ in export(
            *(exporting._reader, exporting.unlabelled, Selection("conversation", (one,)), tmp_path / "a.pdf", "pdf"),
            lambda path, head: Writer(path, head, ("Noto Sans CJK SC",)),
            Manner(),
            cancel=cancel,
        ):
            pass
    services.close()
    assert len(added) == 4
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


def test_the_label_of_a_pdf_is_in_its_xmp_if_there_is_one(services: Services, tmp_path: Path) -> None:
    one, answer = told(services)
    question = services.chats.branch(answer)[0].id
    selection = Selection("conversation", (one,))
    metadata = pdf(services, tmp_path / "a.pdf", selection).xmp_metadata
    assert metadata is not None
    (element,) = metadata.rdf_root.getElementsByTagNameNS(NAMESPACE, "AIGC")
    assert json.loads(getattr(element.firstChild, "data", ""))["Label"] == "1"
    assert metadata.dc_title == {"x-default": "Lists"}
    for read in (
        pdf(services, tmp_path / "b.pdf", selection, label=False),
        pdf(services, tmp_path / "c.pdf", Selection("message", (question,))),
    ):
        metadata = read.xmp_metadata
        assert metadata is not None
        assert not metadata.rdf_root.getElementsByTagNameNS(NAMESPACE, "AIGC")
        assert "AI-generated" not in read.pages[0].extract_text()
    services.close()


def test_a_pdf_on_a_full_disk(services: Services, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full is of Linux")
    one, _ = told(services)

    class Full(PdfForm):
        def __call__(self, path: Path, head: Head) -> PdfWriter:
            path.unlink()
            path.symlink_to("/dev/full")
            return super().__call__(path, head)

    stream = services.exporting.export(
        Selection("conversation", (one,)), tmp_path / "a.pdf", "pdf", make=Full(("Noto Sans CJK SC",))
    )
    with pytest.raises(BackendError) as refused:
        list(stream)
    services.close()
    assert refused.value.code == "disk_full"
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


@pytest.mark.parametrize(
    ("read", "character"),
    [
        ("⽂", "文"),
        ("⾏", "行"),
        ("⼾", "户"),
        ("⻓", "长"),
        ("⻚", "页"),
        ("\t", " "),
        ("文", "文"),
        ("a", "a"),
        ("⺀", "⺀"),
    ],
)
def test_a_radical_stands_for_its_ideograph(read: str, character: str) -> None:
    assert meant(read) == character


# ---- looks


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_of_the_sheet_is_cut_off(qtbot: QtBot, qapp: Application, language: str) -> None:
    qapp.follow("light", "zh" if language == "zh" else "en")
    sheet = ExportSheet()
    qtbot.addWidget(sheet)
    for form in FORMS:
        picture: ExportPicture = export_scenes.picture("zh" if language == "zh" else "en", form)
        sheet.show_picture(picture)
        looks.show(sheet, 560)
        assert looks.misfits(sheet) == []
    assert all(name for name in looks.names(sheet))
