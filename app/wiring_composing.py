"""The composer at work: its controller, and every connection between them."""

from PySide6.QtCore import QObject, Slot

from app.bridge import Pump
from app.controllers.chat import ChatController
from app.controllers.chat_options import OptionController
from app.controllers.composing import ComposingController
from app.controllers.grounding import GroundingController
from app.controllers.models import ModelsController
from app.controllers.rewriting import RewritingController
from app.controllers.settings import SettingsController
from app.lists.messages import MessageList
from app.widgets.chat_page import ChatPage
from app.widgets.main_window import MainWindow
from backends.engine.protocol import LoadedModel
from backends.services import Services


class ComposingDesk(QObject):
    """What is written before it is a question, or in place of one."""

    def __init__(
        self,
        window: MainWindow,
        page: ChatPage,
        messages: MessageList,
        services: Services,
        pump: Pump,
        chat: ChatController,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._page = window, page
        self._models: ModelsController | None = None
        self._loaded: LoadedModel | None = None
        self.composing = ComposingController(services, pump, chat, page.notices, self)
        self.rewriting = RewritingController(services, pump, messages, self)
        self._connect(chat)

    def start(self) -> None:
        self.composing.start(self._page.composer.text())
        self.rewriting.start()

    def close(self) -> None:
        self.composing.close()
        self.rewriting.close()

    def measure_by(
        self, grounding: GroundingController, models: ModelsController, settings: SettingsController
    ) -> None:
        """What decides whether a question fits, beside its text."""
        self._models = models
        self.composing.document_given.connect(grounding.refresh)
        grounding.scope_changed.connect(self.composing.look_again)
        models.picture_changed.connect(self._on_picture_changed)
        settings.settings_changed.connect(self.composing.look_again)

    def follow(self, options: OptionController) -> None:
        """How it will be answered."""
        options.picture_changed.connect(lambda: self.composing.show_options(options.picture.options))

    def _connect(self, chat: ChatController) -> None:
        window, composer, composing = self._window, self._page.composer, self.composing
        composer.text_changed.connect(composing.write)
        composer.text_submitted.connect(composing.send)  # before the chat takes it
        composer.document_requested.connect(composing.give_text)
        composer.unusable_pasted.connect(composing.refuse_pasted)
        composer.prompt_saved.connect(composing.save_prompt)
        composer.prompt_deleted.connect(composing.delete_prompt)

        composing.draft_found.connect(composer.set_text)
        composing.fitted.connect(composer.show_fit)
        composing.prompts_changed.connect(composer.show_prompts)

        chat.question_saved.connect(composing.forget_sent)
        chat.conversation_begun.connect(composing.move)
        chat.conversation_changed.connect(composing.show_conversation)
        chat.busy_changed.connect(composing.look_again)

        window.actions_.prompts.triggered.connect(self._on_prompts)

    @Slot()
    def _on_picture_changed(self) -> None:
        """Of all that changes there only the loaded model counts."""
        if self._models is not None and self._models.picture.loaded is not self._loaded:
            self._loaded = self._models.picture.loaded
            self.composing.look_again()

    @Slot()
    def _on_prompts(self) -> None:
        self._window.show_page("chat")
        self._page.composer.open_prompts()
