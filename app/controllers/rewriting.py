"""What is being written in place of messages: on disk half a second after it was written, and when the app ends."""

from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer, Slot

from app.bridge import Pump
from app.controllers.composing import LAST_SAVED, SAVED_AFTER_MS
from app.lists.messages import MessageList
from backends.core.cancel import CancelToken
from backends.core.stream import Runner
from backends.services import Services


class RewritingController(QObject):
    def __init__(self, services: Services, pump: Pump, messages: MessageList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._organised, self._pump, self._messages = services.chats.organised, pump, messages
        self._runner = Runner("rewriting")
        self._changed: set[int] = set()  # messages of which the disk has something else
        self._saving = QTimer(self)
        self._saving.setSingleShot(True)
        self._saving.setInterval(SAVED_AFTER_MS)
        self._saving.timeout.connect(self._save)
        messages.edits.changed.connect(self._on_changed)

    def start(self) -> None:
        """What was being written when the app ended is there again."""
        self._pump.call(self._runner, self._organised.edits, then=self._messages.resume_edits)

    def close(self) -> None:
        """All of it is on disk when this returns."""
        self._saving.stop()
        if edits := self._taken():

            def last(*, cancel: CancelToken) -> Iterator[None]:
                yield self._organised.set_edits(edits)

            self._runner.start(last).wait(LAST_SAVED)
        self._runner.close()

    @Slot(int)
    def _on_changed(self, message_id: int) -> None:
        self._changed.add(message_id)
        if message_id not in self._messages.edits.texts:
            self._save()  # what it became is on disk: it is not to come again
        elif not self._saving.isActive():
            self._saving.start()

    @Slot()
    def _save(self) -> None:
        if edits := self._taken():
            self._pump.call(self._runner, self._organised.set_edits, edits)

    def _taken(self) -> dict[int, str | None]:
        edits = {message_id: self._messages.edits.texts.get(message_id) for message_id in self._changed}
        self._changed.clear()
        return edits
