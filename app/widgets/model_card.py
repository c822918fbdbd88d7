"""One model of the catalogue, or one file of the person's own: what it is, how it would run here, what to press.

The card is told the whole picture and shows the part of it that is its own: not here, on its way, on the disk,
loading, answering, or too large.
"""

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QFrame, QProgressBar, QVBoxLayout

from app import figures, parts
from app.language import Retranslated, say
from app.picture import Picture
from app.theme import SPACE
from app.widgets import verdict
from app.widgets.download_bar import DownloadBar
from backends.models.types import Choice, LocalModel


class ModelCard(Retranslated, QFrame):
    download_requested = Signal(str)
    pause_requested = Signal(str)
    discard_requested = Signal(str)
    load_requested = Signal(object)
    cancel_load_requested = Signal()
    unload_requested = Signal()
    remove_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._choice: Choice | None = None
        self._local: LocalModel | None = None
        self._picture = Picture()
        self._name = parts.label(role="strong")
        self._verdict = parts.label(role="caption")
        self._summary = parts.label(tone="muted", wrap=True)
        self._figures = parts.label(role="caption", tone="muted", wrap=True)
        self._note = parts.label(role="caption", tone="muted", wrap=True)
        self._download = parts.button(kind="secondary", icon="download")
        self._load = parts.button(kind="secondary", icon="play")
        self._unload = parts.button(kind="secondary")
        self._remove = parts.icon_button("trash-2")
        self._in_use = parts.label(role="caption", tone="success")
        self._loading_bar = QProgressBar()
        self._loading_bar.setTextVisible(False)
        self._loading_bar.setRange(0, 1000)
        self._cancel = parts.button(kind="quiet")
        self._bar = DownloadBar()
        self._connect()
        top = parts.row(self._name, self._verdict, None, self._in_use, self._remove)
        top.addWidget(self._unload)
        top.addWidget(self._load)
        top.addWidget(self._download)
        loading = parts.row(self._loading_bar, self._cancel)
        loading.setStretch(0, 1)
        layout = QVBoxLayout()
        layout.setSpacing(SPACE.xs)
        layout.setContentsMargins(SPACE.l, SPACE.m, SPACE.l, SPACE.m)
        layout.addLayout(top)
        for widget in (self._summary, self._figures, self._note):
            layout.addWidget(widget)
        layout.addLayout(loading)
        self._bar.setContentsMargins(0, SPACE.s, 0, 0)
        layout.addWidget(self._bar)
        self.setLayout(layout)
        self.retranslate()

    def _connect(self) -> None:
        self._download.clicked.connect(self._on_download)
        self._load.clicked.connect(self._on_load)
        self._unload.clicked.connect(self.unload_requested)
        self._remove.clicked.connect(self._on_remove)
        self._cancel.clicked.connect(self.cancel_load_requested)
        self._bar.pause_requested.connect(self.pause_requested)
        self._bar.resume_requested.connect(self.download_requested)
        self._bar.discard_requested.connect(self.discard_requested)

    @property
    def local(self) -> LocalModel | None:
        return self._local

    def show_choice(self, choice: Choice, picture: Picture) -> None:
        """A model of the catalogue; its best quant here."""
        self._choice = choice
        self._local = picture.on_disk(choice.model.id, choice.file.quant)
        self._show(picture)

    def show_local(self, model: LocalModel, picture: Picture) -> None:
        """A file that the catalogue does not know."""
        self._choice = None
        self._local = model
        self._show(picture)

    def retranslate(self) -> None:
        self._download.setText(self.tr("Download"))
        self._load.setText(self.tr("Load"))
        self._unload.setText(self.tr("Unload"))
        self._cancel.setText(self.tr("Cancel"))
        self._in_use.setText(self.tr("In use"))
        self._loading_bar.setAccessibleName(self.tr("Loading the model"))
        self._show(self._picture)

    @property
    def ref(self) -> str:
        return f"{self._choice.model.id}:{self._choice.file.quant}" if self._choice else ""

    def _show(self, picture: Picture) -> None:
        self._picture = picture
        local, choice = self._local, self._choice
        if choice is not None:
            self._show_words(choice)
        elif local is not None:
            self._show_file(local)
        else:
            return
        download = picture.download(choice.model.id) if choice else None
        loading = picture.loading is not None and local is not None and picture.loading.model.path == local.path
        in_use = picture.loaded is not None and local is not None and picture.loaded.path == local.path
        fine = local is not None and not local.problem.en
        can_run = choice is not None and choice.verdict in ("fits", "tight", "partial")
        self._bar.setVisible(download is not None)
        if download is not None:
            self._bar.show_download(download)
        self._download.setVisible(local is None and download is None and can_run)
        self._load.setVisible(fine and not loading and not in_use and download is None)
        self._unload.setVisible(in_use)
        self._in_use.setVisible(in_use)
        self._remove.setVisible(local is not None and not loading and not in_use)
        self._loading_bar.setVisible(loading)
        self._cancel.setVisible(loading)
        if picture.loading is not None and loading:
            with QSignalBlocker(self._loading_bar):
                self._loading_bar.setRange(0, 1000 if picture.loading.fraction else 0)
                self._loading_bar.setValue(round(picture.loading.fraction * 1000))
        parts.name_button(self._remove, self._remove_words())
        self._name_buttons()

    def _show_words(self, choice: Choice) -> None:
        self._name.setText(choice.model.name)
        self._verdict.setText(verdict.word(choice))
        parts.set_look(self._verdict, tone=verdict.TONES[choice.verdict])
        self._verdict.setVisible(True)
        self._summary.setText(say(choice.model.summary))
        self._figures.setText(verdict.figures_line(choice))
        self._note.setText(say(choice.note))
        self._note.setVisible(bool(choice.note.en))

    def _show_file(self, model: LocalModel) -> None:
        self._name.setText(model.name)
        broken = bool(model.problem.en)
        self._verdict.setText(self.tr("Cannot be loaded") if broken else "")
        parts.set_look(self._verdict, tone="danger")
        self._verdict.setVisible(broken)
        self._summary.setText(str(model.path))
        words = [word for word in (model.quant, figures.file_size(model.size), model.architecture) if word]
        if model.context_train:
            words.append(self.tr("context up to %1").replace("%1", figures.tokens(model.context_train)))
        self._figures.setText("  ·  ".join(words))
        self._note.setText(say(model.problem))
        self._note.setVisible(broken)

    def _remove_words(self) -> str:
        if self._local is not None and not self._local.source:
            return self.tr("Take off the list (the file stays)")
        return self.tr("Delete from this computer")

    def _name_buttons(self) -> None:
        for widget in (self._download, self._load, self._unload):
            widget.setAccessibleName(f"{widget.text()}: {self._name.text()}")

    @Slot()
    def _on_download(self) -> None:
        self.download_requested.emit(self.ref)

    @Slot()
    def _on_load(self) -> None:
        self.load_requested.emit(self._local)

    @Slot()
    def _on_remove(self) -> None:
        self.remove_requested.emit(self._local)
