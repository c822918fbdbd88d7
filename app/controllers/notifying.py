"""Which answers are told to somebody who looks elsewhere: the long ones, by the title of their chat and no more, as
others may look at the screen, too."""

import time
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject, Signal, Slot

from app.controllers.answers import Answers
from app.lists.conversations import ConversationList

LONG = 10.0  # seconds


class NotifyingController(QObject):
    """`noticed(conversation, title, words)`. `clock` is in seconds; `in_front`: whether one of our windows is."""

    noticed = Signal(int, str, str)

    def __init__(
        self,
        answers: Answers,
        conversations: ConversationList,
        in_front: Callable[[], bool],
        parent: QObject | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self.wanted = True
        self._answers, self._conversations = answers, conversations
        self._in_front, self._clock = in_front, clock
        self._since: dict[int, float] = {}
        answers.changed.connect(self._on_changed)
        answers.ended.connect(self._on_ended)

    @Slot()
    def _on_changed(self) -> None:
        now = self._clock()
        for conversation in self._answers.conversations:
            self._since.setdefault(conversation, now)

    @Slot(int, bool)
    def _on_ended(self, conversation: int, answered: bool) -> None:
        began = self._since.pop(conversation, None)
        if began is None or not self.wanted or self._clock() - began <= LONG or self._in_front():
            return
        for listed in self._conversations.conversations:
            if listed.id == conversation:  # else it was deleted meanwhile
                translate = QCoreApplication.translate
                done = translate("NotifyingController", "The answer is done.")
                failed = translate("NotifyingController", "There is no whole answer.")
                title = listed.title or translate("NotifyingController", "New chat")
                self.noticed.emit(conversation, title, done if answered else failed)
