"""Where models are downloaded from: the hub or a mirror, the proxy, the access token, right where downloads are."""

from urllib.parse import urlsplit

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from app import parts
from app.language import Retranslated, say
from app.picture import AccessToken
from app.theme import SPACE
from backends.core.phrase import Phrase
from backends.core.settings import NetworkSettings

HUBS = ("https://huggingface.co", "https://hf-mirror.com")
ENDPOINT, PROXY, OFFLINE = "network.endpoint", "network.proxy", "network.offline"
TOKEN = "token"  # not a setting: it lives in the keyring


class SourceCard(Retranslated, QWidget):
    """One line that opens. `setting_changed(key, value)` asks for a setting, and `show_error` says why it was refused.

    A token goes out by `token_entered` and never comes back: what is shown is whether there is one.
    `token_wanted` comes when the card is opened: only then may the keyring be asked.
    """

    setting_changed = Signal(str, object)
    token_wanted = Signal()
    token_entered = Signal(str)
    token_removed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._network = NetworkSettings(endpoint="")
        self._known = AccessToken()
        self._toggle = parts.button(kind="link", icon="globe")
        self._toggle.clicked.connect(self._on_toggled)
        self._endpoint, self._proxy, self._token = QLineEdit(), QLineEdit(), QLineEdit()
        self._offline = parts.Switch()
        self._labels = [parts.label(tone="muted") for _ in range(4)]
        self._errors = {key: parts.label(role="caption", tone="danger", wrap=True) for key in (ENDPOINT, PROXY, TOKEN)}
        self._hubs = [parts.button(address.removeprefix("https://"), kind="link") for address in HUBS]
        self._save_token = parts.button(kind="secondary")
        self._drop_token = parts.button(kind="secondary")
        self._token_words = parts.label()
        self._token_help = parts.label(role="caption", tone="muted", wrap=True)
        self._token.setEchoMode(QLineEdit.EchoMode.Password)
        for error in self._errors.values():
            error.hide()
        self._connect()
        self._details = parts.card(self._build())
        self._details.hide()
        self.setLayout(parts.column(parts.row(self._toggle, None), self._details, space=SPACE.s))
        self.retranslate()

    def _connect(self) -> None:
        self._endpoint.editingFinished.connect(self._on_endpoint)
        self._proxy.editingFinished.connect(self._on_proxy)
        self._offline.toggled.connect(self._on_offline)
        self._token.returnPressed.connect(self._on_token)
        self._save_token.clicked.connect(self._on_token)
        self._drop_token.clicked.connect(self.token_removed)
        for button, address in zip(self._hubs, HUBS, strict=True):
            button.clicked.connect(lambda _=False, address=address: self._pick(address))

    def _build(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE.m)
        grid.setVerticalSpacing(SPACE.m)
        grid.setColumnStretch(1, 1)
        token = parts.row(self._token, self._token_words, self._save_token, self._drop_token)
        token.setStretch(0, 1)
        token.setStretch(1, 1)
        fields = (
            parts.column(
                self._endpoint, self._errors[ENDPOINT], parts.row(*self._hubs, None, space=SPACE.l), space=SPACE.xs
            ),
            parts.column(self._proxy, self._errors[PROXY], space=SPACE.xs),
            parts.column(token, self._errors[TOKEN], self._token_help, space=SPACE.xs),
            parts.row(self._offline, None),
        )
        edits = (self._endpoint, self._proxy, self._token, self._offline)
        for row, (label, field, edit) in enumerate(zip(self._labels, fields, edits, strict=True)):
            label.setBuddy(edit)
            label.setMinimumHeight(max(edit.sizeHint().height(), edit.minimumHeight()))
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addLayout(field, row, 1)
        return grid

    def retranslate(self) -> None:
        words = (self.tr("Address"), self.tr("Proxy"), self.tr("Access token"), self.tr("Stay offline"))
        for label, text in zip(self._labels, words, strict=True):
            label.setText(text)
        self._endpoint.setAccessibleName(self.tr("Address to download from"))
        self._proxy.setAccessibleName(self.tr("Proxy"))
        self._proxy.setPlaceholderText(self.tr("As the system, or http://127.0.0.1:7890"))
        self._token.setAccessibleName(self.tr("Access token"))
        self._offline.setAccessibleName(self.tr("Stay offline"))
        for button in self._hubs:
            button.setAccessibleName(self.tr("Download from %1").replace("%1", button.text()))
        self._save_token.setText(self.tr("Save"))
        self._save_token.setAccessibleName(self.tr("Save the access token"))
        self._drop_token.setText(self.tr("Remove"))
        self._drop_token.setAccessibleName(self.tr("Remove the access token"))
        self._draw_toggle()
        self._draw_token()

    # ---- shown from outside

    def show_network(self, network: NetworkSettings) -> None:
        """What is not as it was before; what somebody is typing into another field stays."""
        if network == self._network:
            return
        before, self._network = self._network, network
        for edit, key, old, new in (
            (self._endpoint, ENDPOINT, before.endpoint, network.endpoint),
            (self._proxy, PROXY, before.proxy, network.proxy),
        ):
            if old != new:
                edit.setText(new)
                self._errors[key].hide()
        self._offline.setChecked(network.offline)
        self._draw_toggle()

    def show_token(self, token: AccessToken) -> None:
        if token == self._known:
            return
        self._known = token
        self._token.clear()
        self._errors[TOKEN].hide()
        self._draw_token()
        if token.is_set is None and self.is_open:
            self.token_wanted.emit()

    def show_error(self, key: str, message: Phrase) -> None:
        """`key`: the setting that was refused, if it is one of these."""
        if key in (ENDPOINT, PROXY):
            self._errors[key].setText(say(message))
            self._errors[key].show()

    def show_token_error(self, message: Phrase) -> None:
        self._errors[TOKEN].setText(say(message))
        self._errors[TOKEN].show()

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
        self._on_endpoint()
        self._on_proxy()
        self._on_token()

    # ---- drawing

    def _draw_toggle(self) -> None:
        if self.is_open:
            words = self.tr("Where downloads come from")
        elif self._network.offline:
            words = self.tr("Offline: nothing is downloaded. Change…")
        else:
            host = urlsplit(self._network.endpoint).netloc
            words = self.tr("Downloads come from %1. Mirror, proxy, token…").replace("%1", host)
        self._toggle.setText(words)
        self._toggle.setAccessibleDescription(self.tr("Opens and closes the settings for downloads"))

    def _draw_token(self) -> None:
        token = self._known
        is_set = token.is_set is True
        for widget in (self._token, self._save_token):
            widget.setVisible(not is_set)
            widget.setEnabled(token.is_set is not None)
        for widget in (self._token_words, self._drop_token):
            widget.setVisible(is_set)
        waiting = self.tr("Looking into the keyring…")
        self._token.setPlaceholderText(self.tr("None") if token.is_set is not None else waiting)
        self._token_words.setText(self.tr("There is one for %1.").replace("%1", token.host))
        help_ = self.tr("Only for models that want a sign-in. It is sent to %1 alone.").replace("%1", token.host)
        self._token_help.setText(f"{help_}\n{say(token.notice)}".strip())

    # ---- what a person does

    def _pick(self, address: str) -> None:
        self._endpoint.setText(address)
        self._on_endpoint()

    @Slot()
    def _on_toggled(self) -> None:
        self.close_() if self.is_open else self.open()

    @Slot()
    def _on_endpoint(self) -> None:
        self._ask(ENDPOINT, self._endpoint, self._network.endpoint)

    @Slot()
    def _on_proxy(self) -> None:
        self._ask(PROXY, self._proxy, self._network.proxy)

    def _ask(self, key: str, edit: QLineEdit, now: str) -> None:
        text = edit.text().strip()
        self._errors[key].hide()
        if text != now:
            self.setting_changed.emit(key, text)

    @Slot(bool)
    def _on_offline(self, offline: bool) -> None:
        if offline != self._network.offline:
            self.setting_changed.emit(OFFLINE, offline)

    @Slot()
    def _on_token(self) -> None:
        if text := self._token.text().strip():
            self.token_entered.emit(text)
