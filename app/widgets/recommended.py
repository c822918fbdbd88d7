"""The one model that suits this computer: why, what it costs, and the button that most people press next."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame

from app import figures, parts
from app.language import Retranslated, say, sentences
from app.picture import Download, Picture
from app.shelves import disk_lacks
from app.theme import SPACE
from app.widgets import verdict
from app.widgets.download_bar import DownloadBar
from app.widgets.model_card import lacking
from app.widgets.own_file import OwnFileButton
from app.widgets.working import WorkingRow
from backends.models.types import Choice, LocalModel


class Recommended(Retranslated, QFrame):
    """Looking; nothing runs here; to be downloaded; on its way; on the disk; being loaded; ready."""

    download_requested = Signal(str)
    pause_requested = Signal(str)
    discard_requested = Signal(str)
    source_requested = Signal()
    other_source_requested = Signal(str, str)
    load_requested = Signal(object)
    cancel_load_requested = Signal()
    file_chosen = Signal(str)
    probe_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self.setProperty("chosen", "true")
        self._picture = Picture()
        self._eyebrow = parts.label(role="caption", tone="accent")
        self._name = parts.label(role="heading", wrap=True)
        self._verdict = parts.label(role="pill")
        self._summary = parts.label(tone="muted", wrap=True)
        self._reason = parts.label(wrap=True)
        self._figures = parts.label(role="caption", tone="muted", wrap=True)
        self._note = parts.label(role="caption", tone="muted", wrap=True)
        self._warning = parts.label(role="caption", tone="warning", wrap=True)
        self._better = parts.label(role="caption", tone="muted", wrap=True)
        self._start = parts.button(kind="primary", icon="download")
        self._load = parts.button(kind="primary", icon="play")
        self._again = parts.button(kind="secondary", icon="rotate-cw")
        self._own = OwnFileButton()
        self._bar = DownloadBar()
        self._then = parts.label(role="caption", tone="muted", wrap=True)
        self._working = WorkingRow()
        self._connect()
        head = parts.row(self._eyebrow, self._verdict, None)
        words = parts.column(
            head, self._name, self._summary, self._reason, self._figures, self._note, self._warning, self._better,
            space=SPACE.s,
        )  # fmt: skip
        buttons = parts.row(self._start, self._load, self._again, self._own, None)
        self.setLayout(
            parts.column(words, self._bar, self._working, self._then, buttons, space=SPACE.m, margin=SPACE.xl)
        )
        self.retranslate()

    def _connect(self) -> None:
        self._start.clicked.connect(self._on_start)
        self._load.clicked.connect(self._on_load)
        self._again.clicked.connect(self.probe_requested)
        self._own.file_chosen.connect(self.file_chosen)
        self._working.cancel_requested.connect(self.cancel_load_requested)
        self._bar.pause_requested.connect(self.pause_requested)
        self._bar.resume_requested.connect(self.download_requested)
        self._bar.discard_requested.connect(self.discard_requested)
        self._bar.source_requested.connect(self.source_requested)
        self._bar.other_source_requested.connect(self.other_source_requested)

    # ---- what the picture says

    @property
    def _choice(self) -> Choice | None:
        return self._picture.advice.pick if self._picture.advice else None

    @property
    def _local(self) -> LocalModel | None:
        choice = self._choice
        return self._picture.on_disk(choice.model.id) if choice else None

    @property
    def _download(self) -> Download | None:
        choice = self._choice
        return self._picture.download(choice.model.id, choice.file.quant) if choice else None

    @property
    def shown_path(self) -> Path | None:
        """The file that this card speaks of, if it is on the disk."""
        return self._local.path if self._local else None

    @property
    def shown_ref(self) -> str:
        """The download that this card shows, if there is one."""
        return self._download.ref if self._download else ""

    # ---- drawing

    def show_picture(self, picture: Picture) -> None:
        before, self._picture = self._picture, picture
        download = self._download
        only = before.downloads != picture.downloads and before == replace(picture, downloads=before.downloads)
        if only and download is not None and self._bar.isVisibleTo(self):
            self._bar.show_download(download)
            self._draw_then()
        else:
            self._draw()

    def retranslate(self) -> None:
        self._eyebrow.setText(self.tr("Recommended for this computer"))
        self._load.setText(self.tr("Start"))
        self._again.setText(self.tr("Look again"))
        self._draw()

    def _draw(self) -> None:
        picture, choice, download, local = self._picture, self._choice, self._download, self._local
        self._draw_words(choice)
        self._bar.setVisible(download is not None)
        if download is not None:
            self._bar.show_download(download)
        busy = picture.loading is not None or download is not None
        self._start.setVisible(choice is not None and local is None and not busy)
        self._load.setVisible(local is not None and not busy and picture.loaded is None)
        stuck = choice is None and (picture.advice is not None or bool(picture.trouble.en))
        self._again.setVisible(stuck)
        self._own.setVisible(not busy)
        self._draw_work()
        self._draw_then()

    def _draw_words(self, choice: Choice | None) -> None:
        advice, trouble = self._picture.advice, self._picture.trouble
        for label in (self._eyebrow, self._verdict, self._name, self._summary, self._figures):
            label.setVisible(choice is not None)
        reason = say(trouble) if trouble.en else say(advice.reason) if advice else ""
        self._reason.setText(reason)
        self._reason.setVisible(bool(reason))
        warnings = [self._what_else()] if choice is None and advice is not None else []
        note = say(choice.note) if choice is not None else ""
        if choice is not None:
            size = figures.file_size(choice.file.size)
            self._name.setText(choice.model.name)
            self._verdict.setText(verdict.word(choice.verdict))
            parts.set_look(self._verdict, tone=verdict.TONES[choice.verdict])
            self._summary.setText(say(choice.model.summary))
            self._figures.setText(verdict.answer_time(choice))
            self._figures.setVisible(bool(self._figures.text()))
            self._start.setText(self.tr("Download and start  ·  %1").replace("%1", size))
            warnings.append(sentences(choice.warnings))
            if self._local is None and self._download is None:
                warnings.append(lacking(disk_lacks(choice, self._picture.machine)))
        better = say(advice.better) if advice is not None and not trouble.en else ""
        lines = (self._note, note), (self._warning, "\n".join(filter(None, warnings))), (self._better, better)
        for label, text in lines:
            label.setText(text)
            label.setVisible(bool(text))

    def _what_else(self) -> str:
        return self.tr("Close other programs and look again, or use a smaller model file of your own.")

    def _draw_work(self) -> None:
        picture = self._picture
        looking = picture.advice is None and not picture.trouble.en
        self._working.setVisible(looking or picture.loading is not None)
        if picture.loading is not None:
            trying, words = self.tr("Trying %1 for the first time"), self.tr("Loading %1")
            words = (trying if picture.loading.trying else words).replace("%1", picture.loading.model.name)
            self._working.show_work(words, picture.loading.fraction, cancel=True)
        elif looking:
            self._working.show_work(self.tr("Looking at this computer"))

    def _draw_then(self) -> None:
        download, loaded = self._download, self._picture.loaded
        moving = download is not None and download.state in ("starting", "running", "waiting", "verifying")
        ready = loaded is not None and self._local is not None and loaded.path == self._local.path
        self._then.setText(
            self.tr("It is loaded by itself when it is here, and the chat opens.")
            if moving
            else self.tr("It is loaded and ready.")
        )
        self._then.setVisible(moving or ready)

    # ---- buttons

    @Slot()
    def _on_start(self) -> None:
        if (choice := self._choice) is not None:
            self.download_requested.emit(f"{choice.model.id}:{choice.file.quant}")

    @Slot()
    def _on_load(self) -> None:
        if (local := self._local) is not None:
            self.load_requested.emit(local)
