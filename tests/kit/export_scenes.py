"""Scenes of the export sheet for `tests.kit.shots`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from app.exporting import Choice, ExportPicture
from app.notices import Notice, NoticeButton
from app.widgets.export_sheet import ExportSheet
from backends.chat.export.types import Selection
from backends.core.phrase import Language, Phrase
from tests.kit import scenes

if TYPE_CHECKING:
    from tests.kit.shots import Studio

_FOLDER = Phrase("/home/lin/Documents", "/home/lin/文档")


def picture(language: Language, form: str = "md", **fields: object) -> ExportPicture:
    title = scenes.conversations(language)[0].title
    choices = tuple(Choice(Selection(extent, (1,))) for extent in ("message", "branch", "shown", "conversation"))
    path = Path(_FOLDER.to(language)) / f"{title.rstrip('?？')}.{form}"
    return ExportPicture(choices, title, path, form, **fields)  # type: ignore[arg-type]


def sheet(form: str = "md", **fields: object) -> "Callable[[Studio], None]":
    def scene(studio: "Studio") -> None:
        studio.with_conversations()
        page = ExportSheet()
        studio.window.add_page("export", page)
        page.show_picture(picture(studio.language, form, **fields))
        studio.window.show_page("export")

    return scene


def exported(studio: "Studio") -> None:
    """It is there."""
    studio.with_conversations()
    studio.messages.reset(scenes.finished(studio.language))
    button = NoticeButton(Phrase("Show in folder", "在文件夹中显示"), lambda: None)
    said = Phrase("Exported to Bread without kneading.pdf.", "已导出到 免揉面包.pdf。")
    studio.window.notices.post(Notice(said, Phrase("24 messages.", "共 24 条消息。"), "success", (button,)))


SCENES: "dict[str, Callable[[Studio], None]]" = {
    "export": sheet(),
    "export_unlabelled": sheet("docx", labelled=False),
    "export_running": sheet("pdf", fraction=0.4),
    "exported": exported,
}
