"""Requests: those that run, each with a button that ends it, and those that are over."""

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QWidget

from app import api_words, parts
from app.api_picture import ApiPicture
from app.language import Retranslated, say
from app.lists.requests import RequestList
from app.theme import SPACE
from app.widgets.confirm import Confirm
from app.widgets.elided import ElidedLabel
from app.widgets.request_rows import RequestView
from app.widgets.setting_row import SettingRow
from backends.api.live import LiveCall
from backends.api.request_log import Logged
from backends.core.settings import FIELDS

KEPT = ("api.keep_texts", "api.keep_days")


class ApiRequests(Retranslated, QWidget):
    cancel_requested = Signal(str)
    erase_requested = Signal()

    def __init__(self, requests: RequestList) -> None:
        super().__init__()
        self._picture = ApiPicture()
        self._requests = requests
        self._live_title = parts.label(role="heading")
        self._idle = parts.label(tone="muted", wrap=True)
        self._live_column = parts.column(space=SPACE.s)
        self.live: dict[str, _Live] = {}
        self._past_title = parts.label(role="heading")
        self._erase = parts.button(kind="quiet", icon="trash-2")
        self._erase.clicked.connect(self._on_erase)
        self._confirm = Confirm()
        self._confirm.confirmed.connect(self.erase_requested)
        self._none = parts.label(tone="muted", wrap=True)
        self.view = RequestView(requests)
        self.detail = _Detail()
        self.view.chosen.connect(self.detail.show_entry)
        self.view.left.connect(self._on_left)
        self.detail.closed.connect(self._on_left)
        self.settings = {spec.key: SettingRow(spec) for spec in FIELDS if spec.key in KEPT}
        kept = parts.surface("card")
        first, second = self.settings.values()
        kept.setLayout(parts.column(first, parts.line(), second, space=0))
        past = parts.column(
            parts.row(self._past_title, None, self._erase),
            self._confirm,
            self._none,
            self.view,
            self.detail,
            space=SPACE.s,
        )
        live = parts.column(self._live_title, self._idle, self._live_column, space=SPACE.s)
        self.setLayout(parts.column(live, past, kept, space=SPACE.xl))
        requests.modelReset.connect(self._draw_past)
        requests.rowsInserted.connect(self._draw_past)
        self.retranslate()

    def retranslate(self) -> None:
        self._live_title.setText(self.tr("Running now"))
        self._past_title.setText(self.tr("Earlier"))
        self._erase.setText(self.tr("Erase the list"))
        self.view.setAccessibleName(self.tr("Requests that are over"))
        self._requests.retranslate()
        self._draw()

    def show_picture(self, picture: ApiPicture) -> None:
        self._picture = picture
        self._draw()

    def _draw(self) -> None:
        self._draw_live(self._picture.live)
        self._draw_past()

    def _draw_live(self, calls: Sequence[LiveCall]) -> None:
        self._idle.setText(self.tr("No program is asking."))
        self._idle.setVisible(not calls)
        for gone in self.live.keys() - {call.id for call in calls}:
            row = self.live.pop(gone)
            self._live_column.removeWidget(row)
            row.hide()
            row.deleteLater()
        for call in calls:
            row = self.live.get(call.id)
            if row is None:
                row = self.live[call.id] = _Live()
                row.cancel_requested.connect(self.cancel_requested)
                self._live_column.addWidget(row)
            row.show_call(call)

    @Slot()
    def _draw_past(self) -> None:
        empty = not self._requests.rowCount()
        said = self.tr("What programs have asked is listed here: when, by which key, at what cost.")
        if self._picture.keys is None:
            said = say(self._picture.trouble) or self.tr("Looking…")
        self._none.setText(said)
        self._none.setVisible(empty)
        self.view.setVisible(not empty)
        self._erase.setVisible(not empty)

    @Slot()
    def _on_erase(self) -> None:
        self._confirm.ask(self.tr("The whole list is erased, with the texts in it."), self.tr("Erase"))

    @Slot()
    def _on_left(self) -> None:
        self.view.clearSelection()
        self.view.selectionModel().clearCurrentIndex()


class _Live(Retranslated, QFrame):
    cancel_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._call: LiveCall | None = None
        self._state = parts.label(role="pill")
        self._route = ElidedLabel("strong")
        self._facts = ElidedLabel("caption", "muted", steady=True)
        self._cancel = parts.button(kind="secondary")
        self._cancel.clicked.connect(self._on_cancel)
        head = parts.row(self._state, self._route, None)
        row = parts.row(parts.column(head, self._facts, space=SPACE.xs), self._cancel, space=SPACE.m)
        row.setStretch(0, 1)
        self.setLayout(parts.column(row, margin=(SPACE.l, SPACE.s, SPACE.s, SPACE.s)))
        self.retranslate()

    def show_call(self, call: LiveCall) -> None:
        self._call = call
        self.retranslate()

    def retranslate(self) -> None:
        self._cancel.setText(self.tr("Cancel"))
        if (call := self._call) is not None:
            said = api_words.state_of_call(call)
            self._state.setText(said.words)
            parts.set_look(self._state, tone=said.tone)
            self._route.setText(f"{call.method} {call.route}")
            self._facts.setText(api_words.facts_of_call(call))
            self._cancel.setAccessibleName(
                self.tr("Cancel: %1, %2").replace("%1", call.key_name).replace("%2", call.route)
            )

    @Slot()
    def _on_cancel(self) -> None:
        self._cancel.setEnabled(False)
        if self._call is not None:
            self.cancel_requested.emit(self._call.id)


class _Detail(Retranslated, QFrame):
    """All that is known of one that is over."""

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._entry: Logged | None = None
        self._title = parts.label(role="strong", wrap=True, select=True)
        self._close = parts.icon_button("x", size=16)
        self._close.clicked.connect(self.closed)
        self._facts = parts.label(role="caption", tone="muted", wrap=True, select=True)
        self._no_texts = parts.label(role="caption", tone="muted", wrap=True)
        self._asked, self._answered = (parts.label(wrap=True, select=True) for _ in range(2))
        self._asked_title, self._answered_title = (parts.label(role="strong") for _ in range(2))
        head = parts.row(self._title, self._close)
        head.setStretch(0, 1)
        self.setLayout(
            parts.column(
                head,
                self._facts,
                self._no_texts,
                self._asked_title,
                self._asked,
                self._answered_title,
                self._answered,
                space=SPACE.s,
                margin=(SPACE.l, SPACE.s, SPACE.s, SPACE.m),
            )
        )
        self.hide()
        self.retranslate()

    def show_entry(self, entry: Logged | None) -> None:
        self._entry = entry
        self.setVisible(entry is not None)
        self.retranslate()

    def retranslate(self) -> None:
        parts.name_button(self._close, self.tr("Close"))
        self._asked_title.setText(self.tr("Asked"))
        self._answered_title.setText(self.tr("Answered"))
        self._no_texts.setText(self.tr("What was asked and answered is not kept."))
        entry = self._entry
        if entry is None:
            return
        self._title.setText(f"{entry.method} {entry.route}".strip())
        said = (api_words.outcome_of(entry).words, api_words.facts_of(entry), entry.id, entry.client_id)
        self._facts.setText("\n".join(filter(None, (api_words.moment_of(entry.at), *said))))
        self._no_texts.setVisible(not entry.asked and not entry.answered)
        for title, label, text in (
            (self._asked_title, self._asked, entry.asked),
            (self._answered_title, self._answered, entry.answered),
        ):
            label.setText(text[:_LONGEST] + ("…" if len(text) > _LONGEST else ""))
            label.setVisible(bool(text))
            title.setVisible(bool(text))


_LONGEST = 4_000  # characters of a text that are shown
