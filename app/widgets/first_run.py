"""The first page a person sees: what was found, the one model that suits it and why, one button.

While the model arrives, the page shows how far it is; once it is loaded, the window goes on to the chat by itself.
"""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QFrame, QVBoxLayout

from app import parts
from app.language import Retranslated, say
from app.picture import Picture
from app.theme import SPACE
from app.widgets import verdict
from app.widgets.download_bar import DownloadBar
from app.widgets.machine_card import MachineCard
from app.widgets.source_card import SourceCard
from app.widgets.working import WorkingRow
from backends.models.types import Choice


class FirstRunPage(Retranslated, parts.Page):
    download_requested = Signal(str)
    pause_requested = Signal(str)
    discard_requested = Signal(str)
    file_chosen = Signal(str)
    load_requested = Signal(object)
    cancel_load_requested = Signal()
    models_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._picture = Picture()
        self._title = parts.label(role="title", wrap=True)
        self._lead = parts.label(tone="muted", wrap=True)
        self.machine = MachineCard()
        self.source = SourceCard()
        self._pick = self._build_pick()
        self._own = parts.button(kind="secondary", icon="folder-open")
        self._own.clicked.connect(self._on_own)
        self._others = parts.button(kind="link")
        self._others.clicked.connect(self.models_requested)
        self.body.addLayout(parts.column(self._title, self._lead, space=SPACE.s))
        self.body.addWidget(self._pick)
        self.body.addLayout(parts.row(self._own, None, self._others))
        self.body.addWidget(self.source)
        self.body.addWidget(self.machine)
        self.retranslate()

    def _build_pick(self) -> QFrame:
        self._eyebrow = parts.label(role="caption", tone="accent")
        self._name = parts.label(role="heading", wrap=True)
        self._reason = parts.label(wrap=True)
        self._figures = parts.label(role="caption", tone="muted", wrap=True)
        self._time = parts.label(role="caption", tone="muted", wrap=True)
        self._start = parts.button(kind="primary", icon="download")
        self._start.clicked.connect(self._on_start)
        self._bar = DownloadBar()
        self._bar.pause_requested.connect(self.pause_requested)
        self._bar.resume_requested.connect(self.download_requested)
        self._bar.discard_requested.connect(self.discard_requested)
        self._working = WorkingRow()
        self._working.cancel_requested.connect(self.cancel_load_requested)
        card = parts.surface("card")
        card.setProperty("chosen", "true")
        layout = QVBoxLayout()
        layout.setContentsMargins(SPACE.xl, SPACE.xl, SPACE.xl, SPACE.xl)
        layout.setSpacing(SPACE.s)
        for widget in (self._eyebrow, self._name, self._reason, self._figures, self._time):
            layout.addWidget(widget)
        layout.addSpacing(SPACE.s)
        layout.addLayout(parts.row(self._start, None))
        layout.addWidget(self._bar)
        layout.addWidget(self._working)
        card.setLayout(layout)
        return card

    def retranslate(self) -> None:
        self._title.setText(self.tr("Welcome to DeskSeek"))
        self._lead.setText(
            self.tr("It runs DeepSeek on this computer. Nothing you write leaves it. First it needs a model, once.")
        )
        self._own.setText(self.tr("I have a file…"))
        self._others.setText(self.tr("Other models"))
        self.show_picture(self._picture)

    @property
    def _choice(self) -> Choice | None:
        return self._picture.advice.pick if self._picture.advice else None

    def show_picture(self, picture: Picture) -> None:
        self._picture = picture
        self.machine.show_machine(picture.machine) if picture.machine is not None else None
        advice, choice = picture.advice, self._choice
        download = picture.download(choice.model.id) if choice else None
        download = download or (picture.downloads[-1] if picture.downloads else None)
        local = picture.on_disk(choice.model.id) if choice else None
        self._eyebrow.setText(self.tr("Recommended for this computer"))
        self._eyebrow.setVisible(choice is not None)
        self._working.setVisible(advice is None or picture.loading is not None)
        if picture.loading is not None:
            self._working.show_work(self.tr("Loading the model"), picture.loading.fraction, cancel=True)
        elif advice is None:
            self._working.show_work(self.tr("Looking at this computer"), None)
        self._reason.setText(say(advice.reason) if advice else "")
        for widget in (self._name, self._figures, self._time, self._reason):
            widget.setVisible(choice is not None)
        self._reason.setVisible(advice is not None)
        if choice is not None:
            self._name.setText(choice.model.name)
            self._figures.setText(verdict.figures_line(choice))
            self._time.setText(verdict.answer_time(choice))
        self._bar.setVisible(download is not None)
        if download is not None:
            self._bar.show_download(download)
            if download.state == "failed":
                self.source.open()
        self._start.setVisible(choice is not None and download is None and picture.loading is None)
        self._start.setText(self.tr("Start") if local else self.tr("Download and start"))

    @Slot()
    def _on_start(self) -> None:
        choice = self._choice
        if choice is None:
            return
        local = self._picture.on_disk(choice.model.id)
        if local is not None:
            self.load_requested.emit(local)
        else:
            self.download_requested.emit(f"{choice.model.id}:{choice.file.quant}")

    @Slot()
    def _on_own(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a model file"))
        dialog.setNameFilters([self.tr("Models (*.gguf)"), self.tr("All files (*)")])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.file_chosen)
        dialog.open()
