"""The model that answers, where it stands, and the way to another one."""

from functools import partial

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QPushButton, QWidget

from app import icons, parts
from app.language import Retranslated, say
from app.model_state import ModelState
from app.theme import px

_TONES = {
    "starting": "faint",
    "empty": "faint",
    "idle": "muted",
    "loading": "warning",
    "ready": "success",
    "failed": "danger",
}
LONGEST = 36  # characters of a name


class ModelChip(Retranslated, QPushButton):
    load_requested = Signal(str)  # the id of a model on disk
    unload_requested = Signal()
    models_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "chip")
        self.setIconSize(QSize(px(12) + 4, px(12)))
        self._state = ModelState()
        self._menu = parts.menu(self)
        self._menu.aboutToShow.connect(self._on_menu_opening)
        self.setMenu(self._menu)
        self.retranslate()

    def show_state(self, state: ModelState) -> None:
        self._state = state
        self.retranslate()

    def retranslate(self) -> None:
        state = self._state
        name = state.model.name if state.model else ""
        if len(name) > LONGEST:
            name = name[: LONGEST - 1] + "…"
        words = {
            "starting": self.tr("Starting…"),
            "empty": self.tr("No model yet"),
            "idle": name or self.tr("No model loaded"),
            "loading": self.tr("Loading {0}").format(name),
            "ready": name,
            "failed": self.tr("Not loaded: {0}").format(name),
        }[state.stage]
        if state.stage == "loading" and state.fraction is not None:
            words += f"  {round(state.fraction * 100)} %"
        self.setText(words.replace("&", "&&"))
        self.setIcon(icons.icon("dot", _TONES[state.stage]))
        hint = {
            "idle": self.tr("Loads when you ask"),
            "ready": self.tr("Runs on {0}").format(state.device),
            "failed": say(state.error.message) if state.error else "",
        }.get(state.stage, "")
        self.setToolTip(parts.tip(hint))
        self.setAccessibleName(self.tr("Model: {0}").format(words))
        self.setAccessibleDescription(hint)

    @Slot()
    def _on_menu_opening(self) -> None:
        state = self._state
        self._menu.clear()
        group = QActionGroup(self._menu)
        for model in state.available:
            action = QAction(model.name.replace("&", "&&"), self._menu)
            action.setCheckable(True)
            action.setChecked(state.model is not None and model.id == state.model.id)
            action.setEnabled(not model.problem.en)
            action.triggered.connect(partial(self.load_requested.emit, model.id))
            group.addAction(action)
            self._menu.addAction(action)
        if state.available:
            self._menu.addSeparator()
        if state.stage in ("ready", "loading"):
            stop = self.tr("Unload") if state.stage == "ready" else self.tr("Stop loading")
            self._menu.addAction(stop, self.unload_requested.emit)
        self._menu.addAction(self.tr("All models…"), self.models_requested.emit)
