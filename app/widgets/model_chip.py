"""The model that answers the chat that is shown, where it stands, and the way to another one: for all or for it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget, QWidgetAction

from app import figures, icons, parts
from app.language import Retranslated, say
from app.model_state import ModelState
from app.option_picture import OptionPicture
from app.theme import SPACE
from app.widgets.name_chip import NameChip

_TONES = {
    "starting": "faint",
    "empty": "faint",
    "idle": "muted",
    "loading": "warning",
    "ready": "success",
    "failed": "danger",
}
_WIDTHS = 96, 300  # pixels


class ModelChip(Retranslated, NameChip):
    load_requested = Signal(str)  # for all chats; the id of a model on disk
    own_requested = Signal(str)  # for this chat alone; "": the same as for all
    unload_requested = Signal()
    models_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(12, *_WIDTHS, parent)
        self._state = ModelState()
        self._picture = OptionPicture()
        self._menu = parts.menu(self)
        self._menu.aboutToShow.connect(self._on_menu_opening)
        self._alone = parts.menu(self._menu)  # for this chat
        self.setMenu(self._menu)
        self.retranslate()

    def show_state(self, state: ModelState) -> None:
        self._state = state
        self.retranslate()

    def show_picture(self, picture: OptionPicture) -> None:
        """What this chat is answered with."""
        self._picture = picture
        self.retranslate()

    def _here(self) -> ModelState:
        """Of the model that answers this chat: another one may be loaded, for another chat or for all."""
        state, answers = self._state, self._picture.usual.answers
        same = answers is None or (state.model is not None and state.model.id == answers.id)
        if same or state.stage not in ("idle", "ready"):
            return state
        return replace(state, stage="idle", model=answers)

    def retranslate(self) -> None:
        state = self._here()
        name = state.model.name if state.model else ""
        frame = {"loading": self.tr("Loading {0}"), "failed": self.tr("Not loaded: {0}")}.get(state.stage, "{0}")
        if state.stage == "loading" and state.fraction is not None:
            frame += f"  {figures.percent(state.fraction)}"
        if state.stage == "starting":
            name = self.tr("Starting…")
        elif state.stage == "empty":
            name = self.tr("No model yet")
        elif state.stage == "idle":
            name = name or self.tr("No model loaded")
        self.setIcon(icons.icon("dot", _TONES[state.stage]))
        hint = {
            "idle": self.tr("Loads when you ask"),
            "ready": self.tr("Runs on {0}").format(state.device),
            "failed": say(state.error.message) if state.error else "",
        }.get(state.stage, "")
        if self._own is not None:
            hint = "\n".join(filter(None, (self.tr("Only in this chat"), hint)))
        self.say(name, hint, frame)
        self.setAccessibleName(self.tr("Model: {0}").format(frame.format(name)))
        self.setAccessibleDescription(hint)

    @property
    def _own(self) -> str | None:
        """The model that this chat alone names."""
        return self._picture.options.model or None

    @Slot()
    def _on_menu_opening(self) -> None:
        state, chosen = self._state, self._here().model
        self._menu.clear()
        several = len(state.available) > 1 or (bool(state.available) and self._own is not None)
        if several:
            self._head(self.tr("For all chats"))
        names = [(model.id, model.name) for model in state.available]
        self._offer(self._menu, names, chosen.id if chosen and self._own is None else "", self._on_chosen_for_all)
        if several:
            usual = ("", self.tr("As for all chats"))
            self._alone.clear()
            self._alone.setTitle(self.tr("Only for this chat"))
            self._offer(self._alone, [usual, *names], self._own or "", self.own_requested.emit)
            self._menu.addSeparator()
            self._menu.addMenu(self._alone)
        if state.available:
            self._menu.addSeparator()
        if state.stage in ("ready", "loading"):
            stop = self.tr("Unload") if state.stage == "ready" else self.tr("Stop loading")
            self._menu.addAction(stop, self.unload_requested.emit)
        self._menu.addAction(self.tr("All models…"), self.models_requested.emit)

    def _head(self, text: str) -> None:
        """To be read, not to be chosen."""
        action, words = QWidgetAction(self._menu), parts.label(text, role="caption", tone="muted")
        words.setContentsMargins(SPACE.m, SPACE.xs, SPACE.m, SPACE.xs)
        action.setText(text)
        action.setDefaultWidget(words)
        action.setEnabled(False)
        words.setEnabled(True)  # in the colour of what is read
        self._menu.addAction(action)

    @staticmethod
    def _offer(menu: QMenu, models: Sequence[tuple[str, str]], chosen: str, take: Callable[[str], object]) -> None:
        """By id and name, one of them chosen."""
        group = QActionGroup(menu)
        for key, name in models:
            action = QAction(name.replace("&", "&&"), menu)
            action.setCheckable(True)
            action.setChecked(key == chosen)
            action.triggered.connect(partial(take, key))
            group.addAction(action)
            menu.addAction(action)

    def _on_chosen_for_all(self, model_id: str) -> None:
        """This chat is one of them."""
        if self._own is not None:
            self.own_requested.emit("")
        self.load_requested.emit(model_id)
