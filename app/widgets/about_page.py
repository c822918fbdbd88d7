"""What this is, which version, where things lie, and what it sends out (nothing unasked)."""

from collections.abc import Sequence
from platform import platform, python_version

from PySide6.QtCore import QSize, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QGridLayout, QLabel

from app import icons, parts
from app.language import Retranslated
from app.theme import SPACE
from backends import __version__
from backends.core.paths import Paths


class AboutPage(Retranslated, parts.Page):
    def __init__(self, paths: Paths) -> None:
        super().__init__()
        self._paths = paths
        self._engine = ""
        self._icon = QLabel()
        self._icon.setPixmap(icons.app_icon().pixmap(QSize(72, 72), self.devicePixelRatioF()))
        self._icon.setFixedSize(72, 72)
        self._name = parts.label("DeskSeek", role="title")
        self._version = parts.label(tone="muted", select=True)
        self._promise_title = parts.label(role="heading")
        self._promise = parts.label(wrap=True)
        self._versions_title = parts.label(role="heading")
        self._versions = parts.label(role="mono", wrap=True, select=True)
        self._copy = parts.button(kind="secondary", icon="copy")
        self._copy.clicked.connect(self._on_copy)
        self._places_title = parts.label(role="heading")
        self._licence = parts.label(role="caption", tone="muted", wrap=True)
        head = parts.column(self._name, self._version, space=0)
        self.body.addLayout(parts.row(self._icon, head, None, space=SPACE.l))
        self.body.addWidget(parts.card(self._promise_title, self._promise, space=SPACE.s))
        self.body.addWidget(parts.card(self._places_title, self._build_places(), space=SPACE.s))
        self.body.addWidget(
            parts.card(parts.row(self._versions_title, None, self._copy), self._versions, space=SPACE.s)
        )
        self.body.addWidget(self._licence)
        self.retranslate()

    def _build_places(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE.m)
        grid.setColumnStretch(1, 1)
        self._places = []
        for row, path in enumerate(self._folders()):
            name = parts.label(tone="muted")
            where = parts.label(str(path), role="mono", wrap=True, select=True)
            open_ = parts.icon_button("folder-open")
            open_.clicked.connect(lambda _=False, path=path: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))))
            grid.addWidget(name, row, 0)
            grid.addWidget(where, row, 1)
            grid.addWidget(open_, row, 2)
            self._places.append((name, open_))
        return grid

    def _folders(self) -> Sequence[object]:
        return (self._paths.data, self._paths.models, self._paths.config, self._paths.state)

    def show_engine(self, words: str) -> None:
        """The engine's version and devices, once they are known."""
        self._engine = words
        self.retranslate()

    def retranslate(self) -> None:
        self._version.setText(self.tr("Version %1").replace("%1", __version__))
        self._promise_title.setText(self.tr("What leaves this computer"))
        self._promise.setText(
            self.tr(
                "Nothing that you write, ask or open. DeskSeek connects to the network only when you press a button "
                "that says so, such as Download. It looks for no updates and sends no statistics."
            )
        )
        self._places_title.setText(self.tr("Where things lie"))
        names = (self.tr("Conversations"), self.tr("Models"), self.tr("Settings"), self.tr("Logs"))
        for (name, open_), words in zip(self._places, names, strict=True):
            name.setText(words)
            parts.name_button(open_, self.tr("Open the folder: %1").replace("%1", words))
        self._versions_title.setText(self.tr("Versions"))
        self._versions.setText(self._versions_text())
        self._copy.setText(self.tr("Copy"))
        self._licence.setText(
            self.tr(
                "DeskSeek is free software under the Apache License 2.0. It stands on Qt, llama.cpp, "
                "llama-cpp-python, huggingface_hub and others; their licences are in the file NOTICE. "
                "The models have licences of their own."
            )
        )

    def _versions_text(self) -> str:
        lines = [f"DeskSeek {__version__}", f"Python {python_version()}", platform(terse=True)]
        return "\n".join([*lines, *([self._engine] if self._engine else [])])

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._versions_text())
