"""What happens when a setting is changed: checked, saved, and told to whoever shows it."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot

from backends.core.errors import BackendError
from backends.core.phrase import Phrase
from backends.core.settings import Settings
from backends.services import Services


class SettingsController(QObject):
    """`refused(key, why)`: the value is none, or cannot be saved; what was set before still holds."""

    settings_changed = Signal(object)  # Settings
    refused = Signal(str, object)  # key, Phrase

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = services.settings

    @property
    def settings(self) -> Settings:
        return self._store.current

    @Slot(str, object)
    def set(self, key: str, value: object) -> None:
        try:
            self._store.set(key, value)
        except BackendError as error:
            self.refused.emit(key, Phrase(str(error), f"{error.message.zh}{error.hint.zh}"))

    @Slot(str)
    def reset(self, key: str) -> None:
        try:
            self._store.reset(key)
        except BackendError as error:
            self.refused.emit(key, Phrase(str(error), f"{error.message.zh}{error.hint.zh}"))

    def on_changes(self, changes: Sequence[str]) -> None:
        """Settings were changed, here or by a command."""
        if "settings" in changes:
            self.settings_changed.emit(self._store.current)
