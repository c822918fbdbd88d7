"""All models: what is on this disk, what the catalogue has for this computer, what is on its way."""

from collections.abc import Iterable

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFileDialog, QLabel, QVBoxLayout, QWidget

from app import parts
from app.language import Retranslated, say
from app.picture import Picture
from app.theme import SPACE
from app.widgets.download_bar import DownloadBar
from app.widgets.machine_card import MachineCard
from app.widgets.model_card import ModelCard
from app.widgets.source_card import SourceCard
from backends.models.types import Choice, LocalModel


class ModelsPage(Retranslated, parts.Page):
    download_requested = Signal(str)
    pause_requested = Signal(str)
    discard_requested = Signal(str)
    load_requested = Signal(object)
    cancel_load_requested = Signal()
    unload_requested = Signal()
    remove_requested = Signal(object)
    file_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._picture = Picture()
        self._cards: dict[str, ModelCard] = {}
        self._bars: dict[str, DownloadBar] = {}
        self._coming_cards: dict[str, QWidget] = {}
        self._title = parts.label(role="title")
        self._reason = parts.label(tone="muted", wrap=True)
        self._own = parts.button(kind="secondary", icon="folder-open")
        self._own.clicked.connect(self._on_own)
        self.machine = MachineCard()
        self.source = SourceCard()
        self.body.addLayout(parts.column(parts.row(self._title, None, self._own), self._reason, space=SPACE.s))
        self._here_title, self._here = self._section()
        self._coming_title, self._coming = self._section()
        self._catalog_title, self._catalog = self._section()
        self._large_title, self._large = self._section()
        self.body.addWidget(self.source)
        self.body.addWidget(self.machine)
        self.retranslate()

    def _section(self) -> tuple[QLabel, QVBoxLayout]:
        title = parts.label(role="heading")
        layout = parts.column(space=SPACE.s)
        self.body.addLayout(parts.column(title, layout, space=SPACE.m))
        return title, layout

    def retranslate(self) -> None:
        self._title.setText(self.tr("Models"))
        self._own.setText(self.tr("I have a file…"))
        self._here_title.setText(self.tr("On this computer"))
        self._coming_title.setText(self.tr("On their way"))
        self._catalog_title.setText(self.tr("For this computer"))
        self._large_title.setText(self.tr("Too large for this computer"))
        self.show_picture(self._picture)

    def show_picture(self, picture: Picture) -> None:
        self._picture = picture
        if picture.machine is not None:
            self.machine.show_machine(picture.machine)
        advice = picture.advice
        self._reason.setText(say(advice.reason) if advice else self.tr("Looking at this computer…"))
        choices = [*([advice.pick] if advice and advice.pick else []), *(advice.others if advice else ())]
        here = [c for c in choices if picture.on_disk(c.model.id) is not None]
        known = {c.model.id for c in choices}
        own = [m for m in picture.local or () if m.catalog_id not in known or m.problem.en]
        runs = [c for c in choices if c not in here and c.verdict in ("fits", "tight", "partial")]
        large = [c for c in choices if c not in here and c not in runs]
        used = [*self._fill(self._here, here, own), *self._fill(self._catalog, runs), *self._fill(self._large, large)]
        for key in set(self._cards) - set(used):
            self._cards.pop(key).deleteLater()
        self._here_title.setVisible(bool(here or own))
        self._catalog_title.setVisible(bool(runs))
        self._large_title.setVisible(bool(large))
        self._show_other_downloads(picture, known)
        if any(download.state == "failed" for download in picture.downloads):
            self.source.open()

    def _fill(self, layout: QVBoxLayout, choices: Iterable[Choice], own: Iterable[LocalModel] = ()) -> list[str]:
        keys: list[str] = []
        for choice in choices:
            card = self._card(choice.model.id, layout, len(keys))
            card.show_choice(choice, self._picture)
            keys.append(choice.model.id)
        for model in own:
            key = str(model.path)
            self._card(key, layout, len(keys)).show_local(model, self._picture)
            keys.append(key)
        return keys

    def _card(self, key: str, layout: QVBoxLayout, position: int) -> ModelCard:
        card = self._cards.get(key)
        if card is None:
            card = self._cards[key] = ModelCard()
            card.download_requested.connect(self.download_requested)
            card.pause_requested.connect(self.pause_requested)
            card.discard_requested.connect(self.discard_requested)
            card.load_requested.connect(self.load_requested)
            card.cancel_load_requested.connect(self.cancel_load_requested)
            card.unload_requested.connect(self.unload_requested)
            card.remove_requested.connect(self.remove_requested)
        if layout.indexOf(card) != position:
            layout.insertWidget(position, card)
        return card

    def _show_other_downloads(self, picture: Picture, known: set[str]) -> None:
        """Downloads of repositories that the catalogue does not have."""
        others = [d for d in picture.downloads if d.ref.partition(":")[0] not in known]
        for ref in set(self._bars) - {d.ref for d in others}:
            self._coming_cards.pop(ref).deleteLater()
            del self._bars[ref]
        for download in others:
            bar = self._bars.get(download.ref)
            if bar is None:
                bar = self._bars[download.ref] = DownloadBar()
                bar.pause_requested.connect(self.pause_requested)
                bar.resume_requested.connect(self.download_requested)
                bar.discard_requested.connect(self.discard_requested)
                card = self._coming_cards[download.ref] = parts.card(parts.label(download.ref, role="strong"), bar)
                self._coming.addWidget(card)
            bar.show_download(download)
        self._coming_title.setVisible(bool(others))

    @Slot()
    def _on_own(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a model file"))
        dialog.setNameFilters([self.tr("Models (*.gguf)"), self.tr("All files (*)")])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.file_chosen)
        dialog.open()
