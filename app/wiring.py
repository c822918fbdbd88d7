"""What happens when something is clicked: every connection of the app, one line each, grouped by emitter.

`Desk` makes the pages and controllers once the services are open. Everything before that is in `__main__`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog

from app.application import Application
from app.bridge import Pump
from app.controllers.chat import ChatController
from app.controllers.formula_library import FormulaLibrary
from app.controllers.grounding import GroundingController
from app.controllers.links import LinksController
from app.controllers.models import ModelsController
from app.controllers.remembered import RememberedController
from app.controllers.settings import SettingsController
from app.lists.conversations import ConversationList
from app.lists.messages import MessageList
from app.model_state import ModelState, can_chat
from app.notices import NoticeButton, error_notice
from app.sleep import Sleep
from app.widgets.about_page import AboutPage
from app.widgets.chat_page import ChatPage
from app.widgets.first_run import FirstRunPage
from app.widgets.main_window import MainWindow
from app.widgets.models_page import ModelsPage
from app.widgets.settings_page import SettingsPage
from app.widgets.xray_page import XRayPage
from app.wiring_api import ApiDesk
from app.wiring_branches import BranchDesk
from app.wiring_chat_search import ChatSearchDesk
from app.wiring_composing import ComposingDesk
from app.wiring_connections import ConnectionsDesk
from app.wiring_desktop import DesktopDesk
from app.wiring_doctor import DoctorDesk
from app.wiring_documents import DocumentDesk, are_models
from app.wiring_exporting import ExportDesk, are_chats
from app.wiring_holding import HoldingDesk
from app.wiring_models import connect_models, connect_shelves
from app.wiring_monitor import MonitorDesk
from app.wiring_options import OptionDesk
from app.wiring_organising import OrganisingDesk
from backends.chat.sourced import ConversationScope
from backends.chat.types import Conversation
from backends.chat.xray import XRay
from backends.core.errors import BackendError
from backends.core.phrase import Phrase
from backends.core.settings import Settings
from backends.services import Change, Services

SLEEP_AFTER = 2.0  # seconds for a step that is being computed


class Desk(QObject):
    """The app at work: pages, controllers, and what lies between them."""

    def __init__(
        self,
        app: Application,
        window: MainWindow,
        chat_page: ChatPage,
        conversations: ConversationList,
        messages: MessageList,
        pump: Pump,
        services: Services,
    ) -> None:
        super().__init__(window)
        self.app = app
        self.window = window
        self.services = services
        self.pump = pump
        self.chat_page = chat_page
        self.conversations = conversations
        self.first_run = FirstRunPage()
        self.models_page = ModelsPage()
        self.settings_page = SettingsPage({"models.folder": str(services.paths.models)})
        self.about_page = AboutPage(replace(services.paths, models=services.models_folder))
        self.chat = ChatController(services, pump, conversations, messages, chat_page.notices, self)
        self.xray_page = XRayPage()
        self.grounding = GroundingController(services, pump, self.chat, messages, chat_page.notices, self)
        self.links = LinksController(chat_page.notices, self)
        self.models = ModelsController(services, pump, window.notices, self)
        self.settings = SettingsController(services, self)
        self.remembered = RememberedController(services, pump, window.notices, self)
        window.add_page("first_run", self.first_run)
        window.add_page("models", self.models_page)
        window.add_page("settings", self.settings_page)
        window.add_page("about", self.about_page)
        window.add_page("xray", self.xray_page)
        self.documents = DocumentDesk(window, services.documents, services.grounding, pump, self)
        self.composing = ComposingDesk(window, chat_page, messages, services, pump, self.chat, self)
        self.composing.measure_by(self.grounding, self.models, self.settings)
        self.outside = ConnectionsDesk(window, self.settings_page, services, self.settings, pump, self)
        self.api = ApiDesk(window, services, self.settings, pump, self)
        self.monitor = MonitorDesk(window, services, self.settings, pump, self)
        self.holding = HoldingDesk(window, self.monitor.page, services, self.models.loads, pump, self)
        self.doctor = DoctorDesk(window, services, self.settings_page, self.about_page, self.models, pump, self)
        self.holding.holding.setting_wanted.connect(self.doctor.show_setting)
        self.formulas = FormulaLibrary(messages, self)
        self.organising = OrganisingDesk(window, chat_page, conversations, self.chat, services, pump, self)
        self.options = OptionDesk(window, chat_page, self.chat, self.settings, services, pump, self)
        self.composing.follow(self.options.options)
        self.branches = BranchDesk(chat_page, messages, self.chat, self.settings, services, pump, self)
        self.searching = ChatSearchDesk(window, chat_page, services, self.chat, conversations, messages, pump, self)
        self.exporting = ExportDesk(window, chat_page, messages, self.chat, self.settings, services, pump, self)
        self.desktop = DesktopDesk(app, window, chat_page, self.chat, conversations, messages, services, self)
        self.desktop.connect_rooms(self.api.api, self.options.options, self.links)
        self.desktop.say_alerts(self.monitor.alerts)
        self.sleep = Sleep(self)
        self._first_look = True
        self._connect()
        self._changes = services.changes()
        pump.listen(self._changes, self._on_changes)
        pump.ticked.connect(chat_page.transcript.tick)
        self._on_settings(services.settings.current)

    def start(self, *, load: bool) -> None:
        """List what is there, look at the machine; `load`: also the model, if the settings say so."""
        self.chat.refresh()
        self.models.start()
        self.documents.start()
        self.api.start()
        self.composing.start()
        self.options.start()
        self.grounding.refresh()
        self.sleep.watch()
        if load and self.services.settings.current.models.load_at_start:
            self.models.load_default()

    @property
    def state(self) -> ModelState:
        """Where the model stands that answers."""
        return ModelState.of(self.models.picture, self.services.settings.current.models.default_model)

    def load_safely(self) -> None:
        """Load the model that the settings name on the processor alone, after a crash."""
        if (model := self.state.model) is not None:
            self.models.load(model, safe=True)

    def close(self) -> None:
        self.sleep.close()
        self.desktop.close()
        self.remembered.close()
        self._changes.cancel()
        self.composing.close()
        self.exporting.close()
        self.searching.close()
        self.grounding.close()
        self.organising.close()
        self.formulas.close()
        self.options.close()
        self.chat.close()
        self.documents.close()
        self.api.close()
        self.holding.close()
        self.monitor.close()
        self.doctor.close()
        self.models.close()

    def _connect(self) -> None:
        window, page, chat, models = self.window, self.chat_page, self.chat, self.models

        page.composer.text_submitted.connect(chat.send)
        page.composer.stop_requested.connect(chat.stop)
        page.composer.chip.load_requested.connect(self._on_model_chosen)
        page.composer.chip.unload_requested.connect(self._on_unload_requested)
        page.composer.chip.models_requested.connect(lambda: window.show_page("models"))
        page.empty.question_chosen.connect(chat.send)
        page.empty.model_requested.connect(lambda: window.show_page("first_run"))
        page.panel.new_requested.connect(self._on_new_requested)
        page.panel.conversation_requested.connect(chat.open)
        page.rename_requested.connect(chat.rename_current)
        page.transcript.retry_requested.connect(chat.regenerate)
        page.transcript.regenerate_requested.connect(chat.regenerate)
        page.transcript.going_on_requested.connect(chat.go_on)
        page.transcript.answer_now_requested.connect(chat.answer_now)
        page.transcript.link_requested.connect(self.links.ask)
        self.conversations.rename_requested.connect(chat.rename)
        self._connect_grounding()

        chat.conversation_changed.connect(self._on_conversation_changed)
        chat.busy_changed.connect(page.composer.set_busy)
        chat.busy_changed.connect(models.details.look_at_measured)
        chat.model_loaded.connect(lambda: models.on_changes(["model"]))
        chat.model_wanted.connect(lambda: window.show_page("first_run"))

        models.picture_changed.connect(self._on_picture_changed)
        models.model_loaded.connect(self._on_model_loaded)
        models.engine_known.connect(self.about_page.show_engine)

        for pages in (self.first_run, self.models_page):
            connect_models(pages, models, self.settings)
        connect_shelves(self.models_page, models, self.settings)
        self.first_run.models_requested.connect(lambda: window.show_page("models"))

        self.about_page.engine_wanted.connect(models.look_up_engine)

        self.sleep.going_to_sleep.connect(self._on_going_to_sleep)
        self.sleep.woken.connect(self._on_woken)

        self.settings_page.setting_changed.connect(self.settings.set)
        self.settings_page.reset_requested.connect(self.settings.reset)
        self.settings.settings_changed.connect(self._on_settings)
        self.settings.refused.connect(self._on_refused)
        self.settings_page.remembered.forget_requested.connect(self.remembered.forget)
        self.remembered.counted.connect(self.settings_page.remembered.show_bytes)

        window.page_changed.connect(self._on_page_changed)
        window.files_dropped.connect(self.open_files)
        self.app.files_opened.connect(self.open_files)

        actions = window.actions_
        actions.new_chat.triggered.connect(self._on_new_requested)
        self.desktop.new_chat_requested.connect(self._on_new_requested)
        actions.open_file.triggered.connect(self._on_open_file)
        actions.chat.triggered.connect(lambda: window.show_page("chat"))
        actions.models.triggered.connect(lambda: window.show_page("models"))
        actions.settings.triggered.connect(lambda: window.show_page("settings"))
        actions.about.triggered.connect(lambda: window.show_page("about"))
        actions.panel.triggered.connect(lambda: page.set_panel_open(not page.panel_open))
        actions.compose.triggered.connect(self._on_compose)
        actions.regenerate.triggered.connect(chat.regenerate_last)
        actions.go_on.triggered.connect(chat.go_on_last)
        actions.answer_now.triggered.connect(chat.answer_now)
        actions.stop.triggered.connect(chat.stop)
        actions.quit.triggered.connect(self.desktop.quit)

    def _connect_grounding(self) -> None:
        """What answers out of documents ask for."""
        page, grounding = self.chat_page, self.grounding
        page.composer.scope.scope_chosen.connect(grounding.choose)
        page.composer.scope.add_requested.connect(self._on_give)
        page.composer.scope.documents_requested.connect(lambda: self.window.show_page("documents"))
        page.transcript.source_requested.connect(grounding.open_source)
        page.transcript.xray_requested.connect(grounding.explain)
        page.transcript.chip_removed.connect(self.chat.widen)
        grounding.scope_changed.connect(page.composer.scope.show_scope)
        grounding.passage_requested.connect(self.documents.show_passage)
        grounding.xray_found.connect(self._on_xray)
        self.chat.conversation_changed.connect(grounding.show_conversation)
        self.documents.documents.quotes_erased.connect(self.chat.read_again)
        self.documents.documents_page.ask_requested.connect(self._on_ask_documents)
        self.xray_page.back_requested.connect(lambda: self.window.show_page("chat"))

    # ---- between the rooms

    @Slot()
    def _on_give(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self.window, self.tr("Add files to this chat"))
        if chosen:
            self.grounding.give([Path(name) for name in chosen])

    @Slot(object)
    def _on_ask_documents(self, collection_id: int | None) -> None:
        """A new conversation about the documents that are listed."""
        self._on_new_requested()
        chosen = () if collection_id is None else (collection_id,)
        self.grounding.choose(ConversationScope("collections", chosen) if chosen else ConversationScope("all"))

    @Slot(object)
    def _on_xray(self, xray: XRay) -> None:
        self.xray_page.show_xray(xray)
        self.window.show_page("xray")

    def open_files(self, paths: Sequence[Path]) -> None:
        """Files dropped on the window, opened with it, or handed over by a second start: presets, models, documents.
        What is dropped on a conversation is for it only."""
        self.options.sort_out(paths, self._open_rest)

    def _open_rest(self, paths: Sequence[Path]) -> None:
        models = [path for path in paths if are_models(path)]
        chats = [path for path in paths if are_chats(path)]
        rest = [path for path in paths if path not in models and path not in chats]
        for path in chats:
            self.exporting.exporting.import_(path)
        if rest and self.window.page == "chat":
            self.grounding.give(rest)
        elif rest:
            self.documents.add(rest)
        if models:
            self.window.show_page("models")
        for path in models:
            self.models.add_file(str(path))

    @Slot()
    def _on_going_to_sleep(self) -> None:
        """The last thing before it is dark: whoever computes comes to the end of a step, which is no long wait."""
        self.services.loading.suspend().wait(SLEEP_AFTER)
        self.sleep.stopped()

    @Slot()
    def _on_woken(self) -> None:
        self.pump.follow(self.services.loading.resume(), lambda _: None, on_error=self._on_device_lost)

    def _on_device_lost(self, error: BackendError) -> None:
        again = NoticeButton(Phrase("Load on the processor", "用处理器加载"), self.load_safely)
        self.window.notices.post(error_notice(error, again))

    @Slot(str)
    def _on_page_changed(self, name: str) -> None:
        if name == "chat":
            self.chat_page.focus_composer()
        elif name == "settings":
            self.remembered.look()

    @Slot()
    def _on_open_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self.window, self.tr("Open a model file"), "", "GGUF (*.gguf)")
        if chosen:
            self.open_files([Path(name) for name in chosen])

    @Slot()
    def _on_new_requested(self) -> None:
        self.window.show_page("chat")
        self.chat.new()
        self.chat_page.focus_composer()

    @Slot()
    def _on_compose(self) -> None:
        self.window.show_page("chat")
        self.chat_page.focus_composer()

    @Slot(object)
    def _on_conversation_changed(self, conversation: Conversation | None) -> None:
        self.chat_page.show_conversation(conversation)

    @Slot()
    def _on_picture_changed(self) -> None:
        picture = self.models.picture
        state = self.state
        self.first_run.show_picture(picture)
        self.models_page.show_picture(picture)
        self.chat_page.show_state(state)
        self.chat.show_model(state)
        self.api.show_model(state.model.id if state.model else "")
        self.monitor.show_model(state.model.name if state.model else "")
        if self._first_look and state.stage != "starting":
            self._first_look = False
            if state.stage == "empty" and self.window.page == "chat":  # else somebody went elsewhere meanwhile
                self.window.show_page("first_run")
        if picture.local is not None:
            usable = [model for model in picture.local if can_chat(model)]
            self.settings_page.offer_models([(m.id, f"{m.name} ({m.quant})" if m.quant else m.name) for m in usable])

    @Slot()
    def _on_model_loaded(self) -> None:
        if self.window.page == "first_run":
            self.window.show_page("chat")
            self.chat_page.focus_composer()

    @Slot(str)
    def _on_model_chosen(self, model_id: str) -> None:
        chosen = next((m for m in self.models.picture.local or () if m.id == model_id and can_chat(m)), None)
        loaded = self.models.picture.loaded
        if chosen is None:
            return
        if loaded is None or loaded.path != chosen.path:
            self.models.load(chosen)
        else:
            self.settings.set("models.default_model", chosen.id)  # it may have come for one chat alone

    @Slot()
    def _on_unload_requested(self) -> None:
        if self.models.picture.loading is not None:
            self.models.cancel_load()
        else:
            self.models.unload()

    @Slot(object)
    def _on_settings(self, settings: Settings) -> None:
        self.app.follow(settings.general.theme, settings.general.language)
        self.chat_page.composer.set_enter_sends(settings.chat.enter_sends)
        self.settings_page.show_settings(settings)
        self.desktop.show_settings(settings)

    @Slot(str, object)
    def _on_refused(self, key: str, why: Phrase) -> None:
        self.settings_page.show_error(key, why)
        for page in (self.first_run, self.models_page):
            page.show_refused(key, why)

    def _on_changes(self, changes: Sequence[Change]) -> None:
        """Something was changed, in the window or by a command that runs in this process."""
        self.models.on_changes(changes)
        self.documents.on_changes(changes)
        self.exporting.on_changes(changes)
        self.api.on_changes(changes)
        self.monitor.on_changes(changes)
        self.searching.on_changes(changes)
        self.options.on_changes(changes)
        if "documents" in changes:
            self.grounding.look_again()
        self.settings.on_changes(changes)
        if "settings" in changes:
            self._on_picture_changed()
