"""Where models are downloaded from: the hub or a mirror, and the proxy, right where a failed download is seen."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QGridLayout, QLineEdit, QVBoxLayout, QWidget

from app import parts
from app.language import Retranslated, say
from app.theme import SPACE
from backends.core.phrase import Phrase

MIRRORS = ("https://huggingface.co", "https://hf-mirror.com")


class SourceCard(Retranslated, QFrame):
    """`setting_changed(key, value)` asks for a setting; `show_error` says why it was refused."""

    setting_changed = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._endpoint = QLineEdit()
        self._proxy = QLineEdit()
        self._endpoint_label = parts.label(tone="muted")
        self._proxy_label = parts.label(tone="muted")
        self._endpoint_label.setBuddy(self._endpoint)
        self._proxy_label.setBuddy(self._proxy)
        self._toggle = parts.button(kind="link", icon="globe")
        self._toggle.clicked.connect(self._on_toggled)
        self._hubs = [parts.button(kind="quiet") for _ in MIRRORS]
        for widget, address in zip(self._hubs, MIRRORS, strict=True):
            widget.setText(address.removeprefix("https://"))
            widget.clicked.connect(lambda _=False, address=address: self._pick(address))
        self._error = parts.label(tone="danger", role="caption", wrap=True)
        self._error.hide()
        self._endpoint.editingFinished.connect(self._on_endpoint)
        self._proxy.editingFinished.connect(self._on_proxy)
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE.m)
        grid.setVerticalSpacing(SPACE.s)
        grid.addWidget(self._endpoint_label, 0, 0)
        grid.addWidget(self._endpoint, 0, 1)
        grid.addLayout(parts.row(*self._hubs, None, space=SPACE.xs), 1, 1)
        grid.addWidget(self._proxy_label, 2, 0)
        grid.addWidget(self._proxy, 2, 1)
        self._details = QWidget()
        self._details.setLayout(parts.column(grid, self._error, space=SPACE.s))
        self._details.hide()
        layout = QVBoxLayout()
        layout.setContentsMargins(SPACE.l, SPACE.s, SPACE.l, SPACE.s)
        layout.addLayout(parts.row(self._toggle, None))
        layout.addWidget(self._details)
        self.setLayout(layout)
        self.retranslate()

    def retranslate(self) -> None:
        self._endpoint_label.setText(self.tr("Address"))
        self._proxy_label.setText(self.tr("Proxy"))
        self._endpoint.setAccessibleName(self.tr("Address to download from"))
        self._proxy.setAccessibleName(self.tr("Proxy"))
        self._proxy.setPlaceholderText(self.tr("As the system, or http://127.0.0.1:7890"))
        self._name_toggle()

    def show_source(self, endpoint: str, proxy: str) -> None:
        self._endpoint.setText(endpoint)
        self._proxy.setText(proxy)
        self._error.hide()
        self._name_toggle()

    def open(self) -> None:
        """Show the fields, as after a download that failed."""
        self._details.show()
        self._name_toggle()

    def show_error(self, message: Phrase) -> None:
        self._error.setText(say(message))
        self._error.show()

    def _name_toggle(self) -> None:
        host = self._endpoint.text().partition("://")[2]
        closed = self.tr("Downloads come from %1. Mirror or proxy…").replace("%1", host)
        self._toggle.setText(self.tr("Where downloads come from") if self._details.isVisibleTo(self) else closed)

    def _pick(self, address: str) -> None:
        self._endpoint.setText(address)
        self._on_endpoint()

    @Slot()
    def _on_toggled(self) -> None:
        self._details.setVisible(not self._details.isVisibleTo(self))
        self._name_toggle()

    @Slot()
    def _on_endpoint(self) -> None:
        self.setting_changed.emit("network.endpoint", self._endpoint.text().strip())

    @Slot()
    def _on_proxy(self) -> None:
        self.setting_changed.emit("network.proxy", self._proxy.text().strip())
