"""A heading and, below it, the cards of some models. Without cards it takes no room."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app import parts
from app.shelves import CardState
from app.theme import SPACE
from app.widgets.model_card import ModelCard

W = TypeVar("W", bound=QWidget)

_SIGNALS = (
    "download_requested",
    "pause_requested",
    "resume_requested",
    "discard_requested",
    "source_requested",
    "other_source_requested",
    "move_requested",
    "load_requested",
    "cancel_load_requested",
    "unload_requested",
    "remove_requested",
    "details_requested",
    "verify_requested",
    "repair_requested",
    "update_requested",
    "plan_smaller_requested",
    "make_smaller_requested",
    "use_requested",
    "adapter_scaled",
    "adapter_removed",
    "adapter_chosen",
    "cancel_work_requested",
)


def pass_on(inner: QObject, outer: QObject) -> None:
    """What is asked for inside is asked for outside under the same name; to resume is to download."""
    for name in _SIGNALS:
        outside = "download_requested" if name == "resume_requested" else name
        if hasattr(inner, name) and hasattr(outer, outside):
            getattr(inner, name).connect(getattr(outer, outside))


class Shelf(QWidget):
    """Models."""

    download_requested = Signal(str)
    load_requested = Signal(object)
    cancel_load_requested = Signal()
    unload_requested = Signal()
    remove_requested = Signal(object)
    details_requested = Signal(object, bool)  # LocalModel, open
    verify_requested = Signal(object)
    repair_requested = Signal(object)
    update_requested = Signal(object)
    plan_smaller_requested = Signal(object, str)  # LocalModel, quant
    make_smaller_requested = Signal(object, str)
    use_requested = Signal(object)
    adapter_scaled = Signal(object, object, float)  # LocalModel, LocalAdapter, scale
    adapter_removed = Signal(object)
    adapter_chosen = Signal(object, str)  # LocalModel, path
    cancel_work_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._title = parts.label(role="heading")
        self._lead = parts.label(role="caption", tone="muted", wrap=True)
        self._lead.hide()
        self._column = parts.column(space=SPACE.s)
        self.cards: dict[str, ModelCard] = {}
        head = parts.column(self._title, self._lead, space=SPACE.xs)
        self.setLayout(parts.column(head, self._column))
        self.hide()

    def name(self, title: str, lead: str = "") -> None:
        self._title.setText(title)
        self._lead.setText(lead)
        self._lead.setVisible(bool(lead))

    def show_cards(self, states: Sequence[CardState]) -> None:
        keep(self._column, self.cards, [state.key for state in states], self._make)
        for state in states:
            self.cards[state.key].show_state(state)
        self.setVisible(bool(states))

    def _make(self, key: str) -> ModelCard:
        card = ModelCard()
        pass_on(card, self)
        return card


def keep(layout: QVBoxLayout, widgets: dict[str, W], keys: Sequence[str], make: Callable[[str], W]) -> None:
    """The widgets of these keys, in this order; those that stay are not touched."""
    for key in widgets.keys() - set(keys):
        gone = widgets.pop(key)
        layout.removeWidget(gone)
        gone.hide()
        gone.deleteLater()
    for position, key in enumerate(keys):
        widget = widgets.get(key)
        if widget is None:
            widget = widgets[key] = make(key)
        if layout.indexOf(widget) != position:
            layout.insertWidget(position, widget)
