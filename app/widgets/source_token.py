"""The access token of a hub: typed in, kept in the keyring, never shown again. Each hub has its own."""

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from app import parts
from app.language import Retranslated, say
from app.picture import AccessToken
from app.theme import SPACE
from backends.core.phrase import Phrase


class TokenField(Retranslated, QWidget):
    """A token goes out by `entered` and never comes back: what is shown is whether there is one.

    `host_chosen`: the token of another hub is to be shown; the choice is there only where there are several hubs.
    """

    entered = Signal(str)
    removed = Signal()
    host_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._known = AccessToken()
        self.hosts = QComboBox()
        self.hosts.activated.connect(self._on_host)
        self.hosts.hide()
        self.edit = QLineEdit()
        self.edit.setEchoMode(QLineEdit.EchoMode.Password)
        self._save = parts.button(kind="secondary")
        self._drop = parts.button(kind="secondary")
        self._words = parts.label()
        self._error = parts.label(role="caption", tone="danger", wrap=True)
        self._help = parts.label(role="caption", tone="muted", wrap=True)
        self._error.hide()
        self.edit.returnPressed.connect(self.save)
        self._save.clicked.connect(self.save)
        self._drop.clicked.connect(self.removed)
        row = parts.row(self.edit, self._words, self._save, self._drop)
        row.setStretch(0, 1)
        row.setStretch(1, 1)
        self.setLayout(parts.column(self.hosts, row, self._error, self._help, space=SPACE.xs))
        self.retranslate()

    def retranslate(self) -> None:
        self.hosts.setAccessibleName(self.tr("Hub of the access token"))
        self.edit.setAccessibleName(self.tr("Access token"))
        self._save.setText(self.tr("Save"))
        self._save.setAccessibleName(self.tr("Save the access token"))
        self._drop.setText(self.tr("Remove"))
        self._drop.setAccessibleName(self.tr("Remove the access token"))
        self._draw()

    def show_hosts(self, hosts: Sequence[str]) -> None:
        if [self.hosts.itemText(index) for index in range(self.hosts.count())] != list(hosts):
            self.hosts.clear()
            self.hosts.addItems(list(hosts))
        self.hosts.setCurrentIndex(max(0, self.hosts.findText(self._known.host)))
        self.hosts.setVisible(len(hosts) > 1)

    def show_token(self, token: AccessToken) -> None:
        if token == self._known:
            return
        self._known = token
        self.hosts.setCurrentIndex(max(0, self.hosts.findText(token.host)))
        self.edit.clear()
        self._error.hide()
        self._draw()

    @property
    def known(self) -> AccessToken:
        return self._known

    def show_error(self, message: Phrase) -> None:
        self._error.setText(say(message))
        self._error.show()

    @Slot()
    def save(self) -> None:
        if text := self.edit.text().strip():
            self.entered.emit(text)

    def _draw(self) -> None:
        token = self._known
        is_set = token.is_set is True
        for widget in (self.edit, self._save):
            widget.setVisible(not is_set)
            widget.setEnabled(token.is_set is not None)
        for widget in (self._words, self._drop):
            widget.setVisible(is_set)
        waiting = self.tr("Looking into the keyring…")
        self.edit.setPlaceholderText(self.tr("None") if token.is_set is not None else waiting)
        self._words.setText(self.tr("There is one for %1.").replace("%1", token.host))
        help_ = self.tr("Only for models that want a sign-in. It is sent to %1 alone.").replace("%1", token.host)
        self._help.setText(f"{help_}\n{say(token.notice)}".strip())

    @Slot(int)
    def _on_host(self, index: int) -> None:
        if (host := self.hosts.itemText(index)) != self._known.host:
            self.host_chosen.emit(host)
