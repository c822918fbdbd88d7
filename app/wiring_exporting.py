"""Export, copies and import: the sheet, its controller, and every connection of them."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog

from app.bridge import Pump
from app.controllers.chat import ChatController
from app.controllers.exporting import ExportController
from app.controllers.settings import SettingsController
from app.lists.messages import MessageList
from app.widgets.chat_page import ChatPage
from app.widgets.export_sheet import ExportSheet
from app.widgets.main_window import MainWindow
from backends.chat.export.copied import As
from backends.services import Services

_COPIES: dict[str, As] = {"copy_markdown": "markdown", "copy_text": "text", "copy_rich": "rich"}


class ExportDesk(QObject):
    """Page `export`."""

    def __init__(
        self,
        window: MainWindow,
        page: ChatPage,
        messages: MessageList,
        chat: ChatController,
        settings: SettingsController,
        services: Services,
        pump: Pump,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.window, self.messages, self.chat = window, messages, chat
        self.sheet = ExportSheet()
        self.exporting = ExportController(services, pump, window.notices, self)
        window.add_page("export", self.sheet)
        self._connect(page, settings)

    def close(self) -> None:
        self.exporting.close()

    def on_changes(self, changes: Sequence[str]) -> None:
        if "chats" in changes:
            self.chat.refresh()

    def _connect(self, page: ChatPage, settings: SettingsController) -> None:
        sheet, exporting, actions = self.sheet, self.exporting, self.window.actions_
        page.transcript.message_action.connect(self._on_message_action)
        page.panel.menu.export_requested.connect(exporting.ask_conversations)
        actions.copy_answer.triggered.connect(self._on_copy_last)
        actions.export_chats.triggered.connect(exporting.ask_all)
        actions.import_chats.triggered.connect(self._on_import)

        sheet.export_requested.connect(exporting.export)
        sheet.form_chosen.connect(exporting.choose_form)
        sheet.place_requested.connect(self._on_place)
        sheet.settings_requested.connect(lambda: self.window.show_page("settings"))
        sheet.stop_requested.connect(exporting.stop)
        sheet.left.connect(self._leave)

        exporting.picture_changed.connect(self._draw)
        exporting.opened.connect(self._on_opened)
        exporting.finished.connect(self._leave)
        exporting.imported.connect(self._on_imported)

        settings.settings_changed.connect(exporting.look_at_label)

    @Slot(int, str)
    def _on_message_action(self, message_id: int, name: str) -> None:
        if name == "export":
            self.exporting.ask_message(message_id)
        elif (how := _COPIES.get(name)) is not None:
            self.exporting.copy(message_id, how)

    @Slot()
    def _on_copy_last(self) -> None:
        answers = [row for row in self.messages.rows if row.role == "assistant" and row.id > 0 and row.live is None]
        if answers:
            self.exporting.copy(answers[-1].id, "markdown")

    @Slot()
    def _draw(self) -> None:
        if self.exporting.picture is not None:
            self.sheet.show_picture(self.exporting.picture)

    @Slot()
    def _on_opened(self) -> None:
        self.window.show_page("export")
        self.sheet.focus_first()

    @Slot()
    def _leave(self) -> None:
        if self.window.page == "export":
            self.window.show_page("chat")

    @Slot()
    def _on_place(self) -> None:
        picture = self.exporting.picture
        if picture is None:
            return
        kinds = f"{picture.form.upper()} (*.{picture.form})"
        chosen, _ = QFileDialog.getSaveFileName(self.window, self.tr("Export"), str(picture.path), kinds)
        if chosen:
            self.exporting.choose_place(Path(chosen))

    @Slot()
    def _on_import(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self.window, self.tr("Import chats"), "", "JSON (*.json)")
        if chosen:
            self.exporting.import_(Path(chosen))

    @Slot(tuple)
    def _on_imported(self, ids: tuple[int, ...]) -> None:
        """One alone is opened."""
        self.chat.refresh()
        if len(ids) == 1:
            self.window.show_page("chat")
            self.chat.open(ids[0])


def are_chats(path: Path) -> bool:
    """An export of ours, by its first bytes."""
    if path.suffix.lower() != ".json":
        return False
    try:
        with path.open("rb") as file:
            return b'"deskseek-chats"' in file.read(200)
    except OSError:
        return False
