"""What happens when a setting is changed: checked, saved, and told to whoever shows it."""

from PySide6.QtCore import QObject, Signal, Slot

from app.notices import NoticeBoard
from backends.core.errors import BackendError, InvalidInput
from backends.core.phrase import Phrase
from backends.core.settings import Settings, spec
from backends.services import Services


class SettingsController(QObject):
    settings_changed = Signal(object)  # Settings
    refused = Signal(str, object)  # key, Phrase
    restart_needed = Signal(str)

    def __init__(self, services: Services, board: NoticeBoard, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = services.settings
        self._board = board

    @property
    def settings(self) -> Settings:
        return self._store.current

    @Slot(str, object)
    def set(self, key: str, value: object) -> None:
        try:
            self._store.set(key, value)
        except InvalidInput as error:
            self.refused.emit(key, Phrase(str(error), f"{error.message.zh}{error.hint.zh}"))
            return
        except BackendError as error:
            self._board.post_error(error)
            return
        if spec(key).restart:
            self.restart_needed.emit(key)

    @Slot(str)
    def reset(self, key: str) -> None:
        self.set(key, spec(key).default)

    def on_changes(self, changes: list[str]) -> None:
        """Settings were changed, here or by a command."""
        if "settings" in changes:
            self.settings_changed.emit(self._store.current)
