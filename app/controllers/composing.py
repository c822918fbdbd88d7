"""What is being written: kept as a draft of its conversation, measured against the context, helped by saved prompts.

A draft is on disk half a second after it was written, and when another conversation is opened or the app ends. What is
written is measured when the writing pauses, and not at all while nothing changes.
"""

from collections.abc import Callable, Iterator, Sequence

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.bridge import Pump
from app.controllers.chat import ChatController
from app.controllers.grounding import KEY
from app.notices import Notice, NoticeBoard
from app.undo import Undo
from backends.chat.fit import Fit, rough
from backends.chat.options import Options
from backends.chat.organised import SavedPrompt
from backends.chat.types import Conversation
from backends.core.cancel import CancelToken
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.documents.types import Document
from backends.services import Services

SAVED_AFTER_MS = 500
MEASURED_AFTER_MS = 300
LAST_SAVED = 5.0  # seconds that the end of the app waits for a draft
_PASTED = "pasted"
_TITLE = 60  # characters


class ComposingController(QObject):
    draft_found = Signal(str)  # what the composer is to have now
    fitted = Signal(object)  # Fit, or None
    prompts_changed = Signal(tuple)  # of SavedPrompt
    document_given = Signal()  # the documents of the conversation are others now

    def __init__(
        self,
        services: Services,
        pump: Pump,
        chat: ChatController,
        board: NoticeBoard,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._services, self._pump, self._chat, self._board = services, pump, chat, board
        self._runner = Runner("composing")
        self._key: int | None = None  # the conversation that is written in; None: one that has not begun
        self._text = ""
        self._kept = ""  # of it, on disk
        self._reading = 0  # of the draft that is being read; 0: none
        self._reads = 0
        self._moving: int | None = None  # a conversation that begins with files, and with the draft of the one before
        self._sent: tuple[int | None, str] | None = None
        self._measuring: Stream[Fit] | None = None
        self._options = Options()  # of the conversation that is shown
        self._saving = self._timer(SAVED_AFTER_MS, self._save)
        self._pausing = self._timer(MEASURED_AFTER_MS, self._measure)
        self._deleted: Undo[SavedPrompt] = Undo(board, "deleted_prompts", _deleted, self._restore, lambda _: None)

    def start(self, text: str) -> None:
        """`text`: what was written before anybody could take it."""
        self._text = text
        self._read()
        self._look_at_prompts()

    def close(self) -> None:
        """The draft is on disk when this returns."""
        for timer in (self._saving, self._pausing):
            timer.stop()
        if self._measuring is not None:
            self._measuring.cancel()
        if (write := self._writing()) is not None:

            def last(*, cancel: CancelToken) -> Iterator[None]:
                yield write()

            self._runner.start(last).wait(LAST_SAVED)
        self._runner.close()

    def _timer(self, ms: int, then: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(ms)
        timer.timeout.connect(then)
        return timer

    # ---- drafts

    @Slot(str)
    def write(self, text: str) -> None:
        """The composer has this text now."""
        if text == self._text:
            return
        self._text = text
        if not self._reading and text != self._kept and not self._saving.isActive():
            self._saving.start()  # counted from the first change: who writes without a pause is saved too
        self.look_again()

    @Slot(str)
    def send(self, text: str) -> None:
        """It was asked; its draft goes when it is on disk as a question."""
        self._sent = (self._key, text)

    @Slot()
    def forget_sent(self) -> None:
        """The question is on disk. What was written since stays."""
        if self._sent is None:
            return
        (key, text), self._sent = self._sent, None
        if key != self._key:
            self._keep(key, "")
        elif self._text.strip() == text:
            self._put("")
            self._save()

    @Slot(int)
    def move(self, conversation_id: int) -> None:
        """The conversation that has not begun becomes this one, with what is written in it."""
        self._moving = conversation_id

    @Slot(object)
    def show_conversation(self, conversation: Conversation | None) -> None:
        key = conversation.id if conversation is not None else None
        if key == self._key:
            return
        moved = self._moving is not None and self._moving == key and self._key is None
        self._moving = None
        if moved:
            self._keep(None, "")
            self._key, self._kept = key, ""
            self._save()
            self.look_again()
            return
        self._save()
        self._key = key
        self._put("")
        self._kept = ""
        self._saving.stop()
        self._read()

    def _read(self) -> None:
        self._reads += 1
        self._reading = read = self._reads

        def arrived(draft: str) -> None:
            if self._reading != read:
                return
            self._reading, self._kept = 0, draft
            if draft and draft != self._text:
                self._put(_joined(draft, self._text))
            if self._text != self._kept:
                self._saving.start()

        self._pump.call(self._runner, self._services.chats.organised.draft, self._key, then=arrived)

    def _put(self, text: str) -> None:
        self._text = text
        self.draft_found.emit(text)
        self.look_again()

    def _save(self) -> None:
        self._saving.stop()
        if (write := self._writing()) is not None:
            self._pump.call(self._runner, write)
        if not self._reading:
            self._kept = self._text

    def _writing(self) -> Callable[[], None] | None:
        """What puts the draft on disk; None: it is there. One that was not read yet is written on."""
        key, text, organised = self._key, self._text, self._services.chats.organised
        if self._reading:
            return (lambda: organised.set_draft(key, _joined(organised.draft(key), text))) if text else None
        return (lambda: organised.set_draft(key, text)) if text != self._kept else None

    def _keep(self, key: int | None, text: str) -> None:
        self._pump.call(self._runner, self._services.chats.organised.set_draft, key, text)

    # ---- what fits

    @Slot()
    def look_again(self) -> None:
        """What is written, or what it is measured by, is another."""
        if self._measuring is not None:
            self._measuring.cancel()
            self._measuring = None
        if self._text.strip():
            self._pausing.start()
        else:
            self._pausing.stop()
            self.fitted.emit(None)

    @Slot(object)
    def show_options(self, options: Options) -> None:
        """The conversation that is shown, or the next one, is answered so."""
        if options != self._options:
            self._options = options
            self.look_again()

    def _measure(self) -> None:
        if self._chat.busy:  # what is being said belongs to what will have to fit
            self.fitted.emit(Fit(rough(self._text), exact=False))
            return
        stream = self._services.fitting.fit(self._key, self._text.strip(), self._chat.scope, self._options)
        self._measuring = stream

        def measured(fits: list[Fit]) -> None:
            if self._measuring is stream:
                self.fitted.emit(fits[-1])

        self._pump.follow(stream, measured, on_error=lambda _: self.fitted.emit(None))

    # ---- what is pasted

    @Slot(str)
    def give_text(self, text: str) -> None:
        """A long text becomes a document of this conversation; one that has not begun begins with it."""
        if (current := self._chat.current) is not None:
            self._give(current.id, text)
        else:
            self._chat.begin(lambda conversation: self._give(conversation.id, text))

    def _give(self, conversation_id: int, text: str) -> None:
        services = self._services
        title = " ".join(text[:400].split())[:_TITLE]

        def given(documents: list[Document]) -> None:
            words = Phrase(
                "The text was added. Answers of this chat are made from what it says.",
                "文本已添加，本对话将根据其内容回答。",
            )
            self._board.post(Notice(words, key=KEY))
            self.document_given.emit()

        def give() -> Stream[Document]:
            return services.grounding.give_text(conversation_id, title, text)

        def follow(stream: Stream[Document]) -> None:
            self._pump.follow(stream, given, on_error=self._board.post_error)

        self._pump.call(self._runner, give, then=follow, on_error=self._board.post_error)

    @Slot()
    def refuse_pasted(self) -> None:
        self._board.post(
            Notice(
                Phrase(
                    "That cannot be pasted here: the model reads text only, no pictures.",
                    "无法粘贴：模型只能读取文字，不能读取图片。",
                ),
                Phrase("Files with text can be dropped on the chat.", "可以把含有文字的文件拖到对话中。"),
                key=_PASTED,
            )
        )

    # ---- saved prompts

    @Slot(str, str, object)
    def save_prompt(self, name: str, text: str, prompt_id: int | None) -> None:
        self._change_prompts(lambda: self._services.chats.organised.save_prompt(name, text, prompt_id))

    @Slot(object)
    def delete_prompt(self, prompt: SavedPrompt) -> None:
        self._change_prompts(lambda: self._services.chats.organised.delete_prompt(prompt.id))
        self._deleted.push(prompt)

    def _restore(self, prompt: SavedPrompt) -> None:
        self.save_prompt(prompt.name, prompt.text, None)

    def _change_prompts(self, change: Callable[[], object]) -> None:
        self._pump.call(self._runner, change, then=lambda _: self._look_at_prompts(), on_error=self._board.post_error)

    def _look_at_prompts(self) -> None:
        self._pump.call(self._runner, self._services.chats.organised.saved_prompts, then=self.prompts_changed.emit)


def _joined(draft: str, text: str) -> str:
    return f"{draft}\n{text}" if draft and text else draft or text


def _deleted(prompts: Sequence[SavedPrompt]) -> Phrase:
    name = prompts[-1].name
    if len(prompts) == 1:
        return Phrase(f"The prompt “{name}” was deleted.", f"已删除提示词“{name}”。")
    return Phrase(f"{len(prompts)} prompts were deleted.", f"已删除 {len(prompts)} 个提示词。")
