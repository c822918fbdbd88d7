"""What happens when chats are exported, copied and imported."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, QStandardPaths, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication

from app import theme
from app.bridge import Pump
from app.exporting import AskedExport, Choice, ExportPicture
from app.language import language
from app.notices import Notice, NoticeBoard, NoticeButton, error_notice
from app.pdf import PdfForm
from backends.chat.export import words
from backends.chat.export.copied import As, Copied
from backends.chat.export.files import file_name, free
from backends.chat.export.types import (
    ExportEvent,
    ExportFinished,
    ExportProgress,
    ImportEvent,
    ImportFinished,
    ImportProgress,
    Selection,
)
from backends.core.errors import BackendError
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.services import Services

_IMPORT = "import"


class ExportController(QObject):
    """`picture`: of the sheet, None until something is to be exported."""

    picture_changed = Signal()
    opened = Signal()
    finished = Signal()
    imported = Signal(tuple)  # of conversation ids
    copied = Signal()

    def __init__(self, services: Services, pump: Pump, board: NoticeBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services, self._pump, self._board = services, pump, board
        self._runner = Runner("export sheet")
        self._stream: Stream[ExportEvent] | None = None
        self._overwrite = False
        self._name = ""
        self.picture: ExportPicture | None = None

    def close(self) -> None:
        if self._stream is not None:
            self._stream.cancel()
        self._runner.close()

    # ---- the sheet

    @Slot(int)
    def ask_message(self, message_id: int) -> None:
        def look() -> tuple[int, str]:
            conversation_id = self._services.chats.message(message_id).conversation_id
            return conversation_id, self._services.chats.conversation(conversation_id).title

        def show(found: tuple[int, str]) -> None:
            conversation_id, title = found
            choices = (
                Choice(Selection("message", (message_id,))),
                Choice(Selection("branch", (message_id,))),
                Choice(Selection("shown", (conversation_id,))),
                Choice(Selection("conversation", (conversation_id,))),
            )
            self._open(choices, title)

        self._pump.call(self._runner, look, then=show, on_error=self._board.post_error)

    @Slot(tuple)
    def ask_conversations(self, ids: Sequence[int]) -> None:
        ids = tuple(ids)
        if len(ids) > 1:
            self._open((Choice(Selection("conversation", ids), len(ids)),), "")
            return

        def show(title: str) -> None:
            self._open((Choice(Selection("shown", ids)), Choice(Selection("conversation", ids))), title)

        def look() -> str:
            return self._services.chats.conversation(next(iter(ids))).title

        self._pump.call(self._runner, look, then=show, on_error=self._board.post_error)

    @Slot()
    def ask_all(self) -> None:
        self._open((Choice(Selection("all"), 2),), "")

    def _open(self, choices: tuple[Choice, ...], title: str) -> None:
        if self._stream is not None:  # one at a time: it is shown how far that is
            self.opened.emit()
            return
        spoken = language()
        usual = words.UNTITLED.to(spoken)
        several = len(choices) == 1
        self._name = words.CHATS.to(spoken) if several else title or usual
        form = self.picture.form if self.picture else "md"
        folder = self.picture.path.parent if self.picture and self.picture.path.parent.is_dir() else _documents()
        path = free(folder / file_name(self._name, form, usual))
        self._overwrite = False
        self._draw(ExportPicture(choices, title, path, form, self._services.exporting.labelled))
        self.opened.emit()

    @Slot(str)
    def choose_form(self, form: str) -> None:
        if self.picture is not None:
            self._overwrite = False
            self._draw(replace(self.picture, form=form, path=free(self.picture.path.with_suffix(f".{form}"))))

    def choose_place(self, path: Path) -> None:
        """The person has said so, and that a file there may go."""
        if self.picture is not None:
            if path.suffix.lower() != f".{self.picture.form}":
                path = free(path.with_name(f"{path.name}.{self.picture.form}"))
            self._overwrite = path.exists()
            self._draw(replace(self.picture, path=path))

    @Slot()
    def look_at_label(self) -> None:
        """The setting may have changed."""
        if self.picture is not None:
            self._draw(replace(self.picture, labelled=self._services.exporting.labelled))

    @Slot(object)
    def export(self, asked: AskedExport) -> None:
        if self.picture is None or self._stream is not None:
            return
        make = PdfForm(theme.current().type.families) if asked.form == "pdf" else None
        self._stream = self._services.exporting.export(
            asked.selection,
            self.picture.path,
            asked.form,
            language=language(),
            thinking=asked.thinking,
            overwrite=self._overwrite,
            make=make,
        )
        self._draw(replace(self.picture, fraction=0.0))
        self._pump.follow(self._stream, self._on_events, self._on_end, self._board.post_error)

    @Slot()
    def stop(self) -> None:
        if self._stream is not None:
            self._stream.cancel()

    def _on_events(self, events: list[ExportEvent]) -> None:
        for event in events:
            match event:
                case ExportProgress(done, total) if self.picture is not None and total:
                    self._draw(replace(self.picture, fraction=done / total))
                case ExportFinished(path, _, messages, _):
                    self._tell(path, messages)
                    self.finished.emit()

    def _on_end(self) -> None:
        self._stream = None
        if self.picture is not None:
            self._draw(replace(self.picture, fraction=None))

    def _tell(self, path: Path, messages: int) -> None:
        def show() -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))

        said = Phrase(f"Exported to {path.name}.", f"已导出到 {path.name}。")
        several = "1 message" if messages == 1 else f"{messages:,} messages"
        count = Phrase(f"{several}.", f"共 {messages:,} 条消息。")
        button = NoticeButton(Phrase("Show in folder", "在文件夹中显示"), show, stays=True)
        self._board.post(Notice(said, count, "success", (button,), key="exported"))

    def _draw(self, picture: ExportPicture) -> None:
        self.picture = picture
        self.picture_changed.emit()

    # ---- the clipboard

    def copy(self, message_id: int, how: As) -> None:
        def put(made: Copied) -> None:
            data = QMimeData()
            data.setText(made.text)
            if made.html:
                data.setHtml(made.html)
            QGuiApplication.clipboard().setMimeData(data)
            self.copied.emit()

        spoken, exporting = language(), self._services.exporting
        self._pump.call(
            self._runner, exporting.copied, message_id, how, spoken, then=put, on_error=self._board.post_error
        )

    # ---- back in

    def import_(self, path: Path) -> None:
        stream = self._services.exporting.import_(path, language())
        stop = NoticeButton(Phrase("Cancel", "取消"), stream.cancel)

        def show(percent: int) -> None:
            said = Phrase(f"Importing {path.name}: {percent}%", f"正在导入 {path.name}：{percent}%")
            self._board.post(Notice(said, buttons=(stop,), key=_IMPORT, closable=False))

        shown = [-1]

        def on_events(events: list[ImportEvent]) -> None:
            for event in events:
                match event:
                    case ImportProgress(fraction):
                        if (percent := int(fraction * 100)) != shown[0]:
                            shown[0] = percent
                            show(percent)
                    case ImportFinished(ids):
                        self._board.post(Notice(_imported(len(ids)), tone="success", key=_IMPORT))
                        self.imported.emit(ids)

        def on_error(error: BackendError) -> None:
            self._board.withdraw(_IMPORT)
            said = error_notice(error)
            message = Phrase(f"{path.name}: {error.message.en}", f"{path.name}：{error.message.zh}")
            self._board.post(replace(said, message=message))

        def on_end() -> None:
            if stream.cancelled:
                self._board.withdraw(_IMPORT)

        self._pump.follow(stream, on_events, on_end, on_error)


def _imported(count: int) -> Phrase:
    chats = "chat" if count == 1 else "chats"
    return Phrase(f"{count:,} {chats} imported into the folder Imported.", f"已将 {count:,} 个对话导入“已导入”文件夹。")


def _documents() -> Path:
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    folder = Path(place) if place else Path.home()
    return folder if folder.is_dir() else Path.home()
