"""What this is, which version, where things lie, and what it sends out (nothing unasked)."""

from pathlib import Path
from platform import platform, python_version

from PySide6.QtCore import QSize, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication, QShowEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QToolButton

from app import icons, parts
from app.language import Retranslated
from app.theme import SPACE
from app.widgets.elided import ElidedLabel
from backends import __version__
from backends.core.paths import Paths

_ICON = 72


class AboutPage(Retranslated, parts.Page):
    """`engine_wanted` comes once, when the page is first looked at: whoever knows answers with `show_engine`."""

    engine_wanted = Signal()
    doctor_requested = Signal()

    def __init__(self, paths: Paths) -> None:
        super().__init__()
        self._engine: str | None = None
        self._icon = QLabel()
        self._icon.setPixmap(icons.app_icon().pixmap(QSize(_ICON, _ICON), self.devicePixelRatioF()))
        self._icon.setFixedSize(_ICON, _ICON)
        self._name = parts.label("DeskSeek", role="title")
        self._version = parts.label(tone="muted", select=True)
        self._promise_title = parts.label(role="heading")
        self._promise = parts.label(wrap=True)
        self._versions_title = parts.label(role="heading")
        self._versions = parts.label(role="mono", wrap=True, select=True)
        self._copy = parts.button(kind="secondary", icon="copy")
        self._copy.clicked.connect(self._on_copy)
        self._doctor = parts.button(kind="secondary", icon="shield-check")
        self._doctor.clicked.connect(self.doctor_requested)
        self._places_title = parts.label(role="heading")
        self._places: list[tuple[QLabel, QToolButton]] = []
        self._licence = parts.label(role="caption", tone="muted", wrap=True)
        head = parts.column(None, self._name, self._version, None, space=0)
        places = self._build_places((paths.data, paths.models, paths.config, paths.state))
        versions = parts.row(self._versions_title, None, self._doctor, self._copy)
        self.body.addLayout(parts.row(self._icon, head, None, space=SPACE.l))
        self.body.addWidget(parts.card(self._promise_title, self._promise, space=SPACE.s))
        self.body.addWidget(parts.card(self._places_title, places, space=SPACE.s))
        self.body.addWidget(parts.card(versions, self._versions, space=SPACE.s))
        self.body.addWidget(self._licence)
        self.retranslate()

    def _build_places(self, folders: tuple[Path, ...]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE.m)
        grid.setVerticalSpacing(SPACE.xs)
        grid.setColumnStretch(1, 1)
        for row, folder in enumerate(folders):
            name = parts.label(tone="muted")
            where = ElidedLabel("mono", mode=Qt.TextElideMode.ElideMiddle, steady=True)
            where.setText(str(folder))
            opener = parts.icon_button("folder-open")
            opener.clicked.connect(lambda _=False, to=folder: QDesktopServices.openUrl(QUrl.fromLocalFile(str(to))))
            for column, widget in enumerate((name, where, opener)):
                grid.addWidget(widget, row, column)
            self._places.append((name, opener))
        return grid

    def show_engine(self, words: str) -> None:
        """The engine's version and devices, a line each."""
        self._engine = words
        self._versions.setText(self._versions_text())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._copy.setText(self.tr("Copy"))
        if self._engine is None:
            self._engine = ""
            self.engine_wanted.emit()

    def retranslate(self) -> None:
        self._icon.setAccessibleName("DeskSeek")
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
        for (name, opener), words in zip(self._places, names, strict=True):
            name.setText(words)
            parts.name_button(opener, self.tr("Open the folder: %1").replace("%1", words))
        self._versions_title.setText(self.tr("Versions"))
        self._versions.setText(self._versions_text())
        self._doctor.setText(self.tr("Check this machine"))
        self._copy.setText(self.tr("Copy"))
        self._copy.setAccessibleName(self.tr("Copy the versions"))
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
        self._copy.setText(self.tr("Copied"))
