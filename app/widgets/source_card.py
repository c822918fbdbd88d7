"""Where models are downloaded from: the hub or a mirror, what is tried after it, the proxy, the access tokens, right
where downloads are."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QLayout, QLineEdit, QSpinBox, QWidget

from app import parts
from app.language import Retranslated, say
from app.picture import AccessToken
from app.theme import SPACE
from app.widgets.source_token import TokenField
from backends.core.phrase import Phrase
from backends.core.setting_groups import NetworkSettings

HUBS = ("https://huggingface.co", "https://hf-mirror.com", "https://modelscope.cn")
ENDPOINT, MORE, PROXY, OFFLINE = "network.endpoint", "network.more_sources", "network.proxy", "network.offline"
CONNECTIONS, LIMIT = "network.connections", "network.speed_limit"


class SourceCard(Retranslated, QWidget):
    """One line that opens. `setting_changed(key, value)` asks for a setting, and `show_error` says why it was refused.

    `token_wanted` comes when the card is opened: only then may the keyring be asked.
    """

    setting_changed = Signal(str, object)
    token_wanted = Signal()
    token_entered = Signal(str)
    token_removed = Signal()
    token_host_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._network = NetworkSettings(endpoint="")
        self._toggle = parts.button(kind="link", icon="globe")
        self._toggle.clicked.connect(self._on_toggled)
        self._endpoint, self._more, self._proxy = QLineEdit(), QLineEdit(), QLineEdit()
        self._edits = {ENDPOINT: self._endpoint, MORE: self._more, PROXY: self._proxy}
        self._errors = {key: parts.label(role="caption", tone="danger", wrap=True) for key in self._edits}
        self._hubs = [parts.button(address.removeprefix("https://"), kind="link") for address in HUBS]
        self._adds = [parts.button(address.removeprefix("https://"), kind="link", icon="plus") for address in HUBS]
        self._token_field = TokenField()
        self._token = self._token_field.edit
        self._connections, self._limit = parts.number_box(QSpinBox()), parts.number_box(QDoubleSpinBox())
        self._connections.setRange(1, 8)
        self._limit.setRange(0, 100_000)
        self._limit.setDecimals(1)
        self._offline = parts.Switch()
        self._labels = [parts.label(tone="muted") for _ in range(6)]
        for error in self._errors.values():
            error.hide()
        self._details = parts.card(self._build())
        self._details.hide()
        self._connect()
        self.setLayout(parts.column(parts.row(self._toggle, None), self._details, space=SPACE.s))
        self.retranslate()

    def _connect(self) -> None:
        for edit in self._edits.values():
            edit.editingFinished.connect(self._on_text)
        for box in (self._connections, self._limit):
            box.setKeyboardTracking(False)
        self._connections.valueChanged.connect(lambda value: self._ask(CONNECTIONS, value, self._network.connections))
        self._limit.valueChanged.connect(lambda value: self._ask(LIMIT, value, self._network.speed_limit))
        self._offline.toggled.connect(lambda offline: self._ask(OFFLINE, offline, self._network.offline))
        self._token_field.entered.connect(self.token_entered)
        self._token_field.removed.connect(self.token_removed)
        self._token_field.host_chosen.connect(self.token_host_chosen)
        for button, add, address in zip(self._hubs, self._adds, HUBS, strict=True):
            button.clicked.connect(lambda _=False, address=address: self._pick(address))
            add.clicked.connect(lambda _=False, address=address: self._add(address))

    def _build(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE.m)
        grid.setVerticalSpacing(SPACE.m)
        grid.setColumnStretch(1, 1)
        hubs = parts.row(*self._hubs, None, space=SPACE.l)
        adds = parts.row(*self._adds, None, space=SPACE.l)
        self._limit_help = parts.label(role="caption", tone="muted")
        self._connections_help = parts.label(role="caption", tone="muted")
        rates = parts.row(self._limit, self._limit_help, self._connections, self._connections_help, None)
        rows: Sequence[tuple[QLayout | QWidget, QWidget]] = (
            (parts.column(self._endpoint, self._errors[ENDPOINT], hubs, space=SPACE.xs), self._endpoint),
            (parts.column(self._more, self._errors[MORE], adds, space=SPACE.xs), self._more),
            (parts.column(self._proxy, self._errors[PROXY], space=SPACE.xs), self._proxy),
            (self._token_field, self._token),
            (rates, self._limit),
            (parts.row(self._offline, None), self._offline),
        )
        for row, (label, (field, edit)) in enumerate(zip(self._labels, rows, strict=True)):
            label.setBuddy(edit)
            label.setMinimumHeight(max(edit.sizeHint().height(), edit.minimumHeight()))
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            if isinstance(field, QWidget):
                grid.addWidget(field, row, 1)
            else:
                grid.addLayout(field, row, 1)
        return grid

    def retranslate(self) -> None:
        words = (
            self.tr("Address"),
            self.tr("If that fails"),
            self.tr("Proxy"),
            self.tr("Access token"),
            self.tr("At most"),
            self.tr("Stay offline"),
        )
        for label, text in zip(self._labels, words, strict=True):
            label.setText(text)
        self._endpoint.setAccessibleName(self.tr("Address to download from"))
        self._more.setAccessibleName(self.tr("Addresses to try when that fails"))
        self._more.setPlaceholderText(self.tr("None. Several are tried in turn, with commas between them"))
        self._proxy.setAccessibleName(self.tr("Proxy"))
        self._proxy.setPlaceholderText(self.tr("As the system, or http://127.0.0.1:7890"))
        self._offline.setAccessibleName(self.tr("Stay offline"))
        self._limit.setAccessibleName(self.tr("Download at most so many megabytes a second"))
        self._limit.setSpecialValueText(self.tr("No limit"))
        self._limit_help.setText(self.tr("MB/s, over"))
        self._connections.setAccessibleName(self.tr("Connections for a download"))
        self._connections_help.setText(self.tr("connections"))
        for button, add in zip(self._hubs, self._adds, strict=True):
            button.setAccessibleName(self.tr("Download from %1").replace("%1", button.text()))
            add.setAccessibleName(self.tr("Try %1 when that fails").replace("%1", add.text()))
        self._draw_toggle()

    # ---- shown from outside

    def show_network(self, network: NetworkSettings) -> None:
        """What is not as it was before; what somebody is typing into another field stays."""
        if network == self._network:
            return
        before, self._network = self._network, network
        for key, edit in self._edits.items():
            old, new = (getattr(settings, key.removeprefix("network.")) for settings in (before, network))
            if old != new:
                edit.setText(new)
                self._errors[key].hide()
        self._offline.setChecked(network.offline)
        self._connections.setValue(network.connections)
        self._limit.setValue(network.speed_limit)
        there = network.sources
        for add, address in zip(self._adds, HUBS, strict=True):
            add.setVisible(address not in there)
        self._token_field.show_hosts(network.hosts)
        self._draw_toggle()

    def show_token(self, token: AccessToken) -> None:
        if token == self._token_field.known:
            return
        self._token_field.show_token(token)
        if token.is_set is None and self.is_open:
            self.token_wanted.emit()

    def show_error(self, key: str, message: Phrase) -> None:
        """`key`: the setting that was refused, if it is one of these."""
        if key in self._errors:
            self._errors[key].setText(say(message))
            self._errors[key].show()

    def show_token_error(self, message: Phrase) -> None:
        self._token_field.show_error(message)

    @property
    def is_open(self) -> bool:
        return self._details.isVisibleTo(self)

    def open(self) -> None:
        """Show the fields, as after a download that failed."""
        if not self.is_open:
            self._details.show()
            self._draw_toggle()
            self.token_wanted.emit()

    def close_(self) -> None:
        self.save()
        self._details.hide()
        self._draw_toggle()

    @Slot()
    def save(self) -> None:
        """Ask for what was typed and not yet left: a press on a button elsewhere takes no focus away."""
        self._on_text()
        for box in (self._connections, self._limit):
            box.interpretText()
        self._token_field.save()

    def _draw_toggle(self) -> None:
        network = self._network
        if self.is_open:
            words = self.tr("Where downloads come from")
        elif network.offline:
            words = self.tr("Offline: nothing is downloaded. Change…")
        else:
            first, *others = network.hosts or ("",)
            words = self.tr("Downloads come from %1. Mirror, proxy, token…")
            if not first:
                words = self.tr("Mirror, proxy, token…")
            elif others:
                words = self.tr("Downloads come from %1, else from %2. Mirror, proxy, token…")
            words = words.replace("%1", first).replace("%2", ", ".join(others))
        self._toggle.setText(words)
        self._toggle.setAccessibleDescription(self.tr("Opens and closes the settings for downloads"))

    # ---- what a person does

    def _pick(self, address: str) -> None:
        self._endpoint.setText(address)
        self._on_text()

    def _add(self, address: str) -> None:
        self._more.setText(", ".join(filter(None, (self._more.text().strip().rstrip(","), address))))
        self._on_text()

    @Slot()
    def _on_toggled(self) -> None:
        self.close_() if self.is_open else self.open()

    @Slot()
    def _on_text(self) -> None:
        for key, edit in self._edits.items():
            self._ask(key, edit.text().strip(), getattr(self._network, key.removeprefix("network.")))

    def _ask(self, key: str, value: object, now: object) -> None:
        if key in self._errors:
            self._errors[key].hide()
        if value != now:
            self.setting_changed.emit(key, value)
