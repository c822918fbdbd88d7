"""All models: what is on this disk, what the catalogue has for this computer, what is on its way."""

from PySide6.QtCore import Signal, Slot

from app import parts
from app.language import Retranslated, say
from app.picture import Picture
from app.shelves import arrange
from app.theme import SPACE
from app.widgets.drop import ModelDrop
from app.widgets.machine_card import MachineCard
from app.widgets.own_file import OwnFileButton
from app.widgets.shelf import DownloadShelf, Shelf, pass_on
from app.widgets.source_card import SourceCard
from app.widgets.working import WorkingRow
from backends.core.phrase import Phrase


class ModelsPage(Retranslated, parts.Page):
    """Draws a `Picture`; asks for what is pressed."""

    download_requested = Signal(str)
    pause_requested = Signal(str)
    discard_requested = Signal(str)
    load_requested = Signal(object)
    cancel_load_requested = Signal()
    unload_requested = Signal()
    remove_requested = Signal(object)
    file_chosen = Signal(str)
    probe_requested = Signal()
    source_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._picture = Picture()
        self._title = parts.label(role="title")
        self._reason = parts.label(tone="muted", wrap=True)
        self._own = OwnFileButton()
        self._own.file_chosen.connect(self.file_chosen)
        self._working = WorkingRow()
        self.machine = MachineCard()
        self.machine.probe_requested.connect(self.probe_requested)
        self.source = SourceCard()
        self.here, self.runs, self.large = Shelf(), Shelf(), Shelf()
        self.coming = DownloadShelf()
        head = parts.row(self._title, None, self._own)
        self.body.addLayout(parts.column(head, self._reason, self._working, self.source, space=SPACE.s))
        for shelf in (self.here, self.coming, self.runs, self.large):
            pass_on(shelf, self)
            self.body.addWidget(shelf)
        self.body.addWidget(self.machine)
        self._drop = ModelDrop(self)
        self._drop.dropped.connect(self.file_chosen)
        self.download_requested.connect(self.source.save)
        self.source_requested.connect(self._on_source_requested)
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(self.tr("Models"))
        self.here.name(self.tr("On this computer"))
        self.coming.name(self.tr("On their way"))
        self.runs.name(self.tr("For this computer"))
        self.large.name(self.tr("Too large for this computer"))
        self._draw_reason()

    def show_picture(self, picture: Picture) -> None:
        self._picture = picture
        self._draw_reason()
        shelves = arrange(picture)
        self.here.show_cards(shelves.here)
        self.coming.show_downloads(shelves.coming)
        self.runs.show_cards(shelves.runs)
        self.large.show_cards(shelves.large)
        self.machine.show_machine(picture.machine)
        self.machine.setVisible(picture.machine is not None or bool(picture.trouble.en))
        if picture.network is not None:
            self.source.show_network(picture.network)
        self.source.show_token(picture.token)

    def _draw_reason(self) -> None:
        advice, trouble = self._picture.advice, self._picture.trouble
        self._reason.setText(say(trouble) if trouble.en else say(advice.reason) if advice else "")
        self._reason.setVisible(bool(self._reason.text()))
        looking = advice is None and not trouble.en
        self._working.setVisible(looking)
        if looking:
            self._working.show_work(self.tr("Looking at this computer"))

    def show_refused(self, key: str, why: Phrase) -> None:
        """A setting was refused; it may be one of the downloads."""
        self.source.show_error(key, why)

    @Slot(object)
    def show_token_refused(self, why: Phrase) -> None:
        self.source.show_token_error(why)

    @Slot()
    def _on_source_requested(self) -> None:
        self.source.open()
        self.ensureWidgetVisible(self.source)
