"""All models: what is on this disk, what the catalogue has for this computer, what is on its way."""

from PySide6.QtCore import Signal, Slot

from app import parts
from app.language import Retranslated, say
from app.picture import Picture
from app.shelves import arrange
from app.theme import SPACE
from app.widgets.coming import DownloadShelf
from app.widgets.deleted import DeletedStrip
from app.widgets.drop import ModelDrop
from app.widgets.find_box import FindBox
from app.widgets.found import Found
from app.widgets.machine_card import MachineCard
from app.widgets.own_file import OwnFileButton
from app.widgets.shelf import Shelf, pass_on
from app.widgets.source_card import SourceCard
from app.widgets.uses import Uses
from app.widgets.working import WorkingRow
from backends.core.phrase import Phrase


class ModelsPage(Retranslated, parts.Page):
    """Draws a `Picture`; asks for what is pressed."""

    download_requested = Signal(str)
    pause_requested = Signal(str)
    discard_requested = Signal(str)
    move_requested = Signal(str, int)  # ref, position
    load_requested = Signal(object)
    cancel_load_requested = Signal()
    unload_requested = Signal()
    remove_requested = Signal(object)
    details_requested = Signal(object, bool)  # LocalModel, open
    verify_requested = Signal(object)
    repair_requested = Signal(object)
    update_requested = Signal(object)
    plan_smaller_requested = Signal(object, str)  # LocalModel, quant
    make_smaller_requested = Signal(object, str)
    use_requested = Signal(object)
    adapter_scaled = Signal(object, object, float)  # LocalModel, LocalAdapter, scale
    adapter_removed = Signal(object)
    adapter_chosen = Signal(object, str)  # LocalModel, path
    cancel_work_requested = Signal(str)
    file_chosen = Signal(str)
    probe_requested = Signal()
    source_requested = Signal()
    other_source_requested = Signal(str, str)  # address, ref
    find_requested = Signal(str)
    find_cancelled = Signal()
    listing_requested = Signal(str, str)  # repository, endpoint
    use_chosen = Signal(str)
    put_back_requested = Signal(str)
    erase_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._picture = Picture()
        self._title = parts.label(role="title")
        self._reason = parts.label(tone="muted", wrap=True)
        self._own = OwnFileButton()
        self._own.file_chosen.connect(self.file_chosen)
        self._better = parts.label(role="caption", tone="muted", wrap=True)
        self.uses = Uses()
        self.uses.use_chosen.connect(self.use_chosen)
        self.find_box = FindBox()
        self.find_box.find_requested.connect(self.find_requested)
        self.find_box.cleared.connect(self.find_cancelled)
        self.found = Found()
        self.found.listing_requested.connect(self.listing_requested)
        self.found.download_requested.connect(self.download_requested)
        self.found.source_requested.connect(self.source_requested)
        self.found.other_source_requested.connect(self.other_source_requested)
        self.found.cancel_requested.connect(self._on_find_closed)
        self.found.close_requested.connect(self._on_find_closed)
        self._working = WorkingRow()
        self.machine = MachineCard()
        self.machine.probe_requested.connect(self.probe_requested)
        self.source = SourceCard()
        self.here, self.runs, self.documents, self.large = Shelf(), Shelf(), Shelf(), Shelf()
        self.coming = DownloadShelf()
        head = parts.row(self._title, None, self._own)
        asked = parts.column(self.find_box, self.source, space=SPACE.s)
        advice = parts.column(self.uses, self._reason, self._better, self._working, space=SPACE.s)
        self.body.addLayout(parts.column(head, asked, space=SPACE.m))
        self.body.addWidget(self.found)
        self.body.addLayout(advice)
        for shelf in (self.here, self.coming, self.runs, self.documents, self.large):
            pass_on(shelf, self)
            self.body.addWidget(shelf)
        self.deleted = DeletedStrip()
        self.deleted.put_back_requested.connect(self.put_back_requested)
        self.deleted.erase_requested.connect(self.erase_requested)
        self.body.addWidget(self.deleted)
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
        self.documents.name(
            self.tr("For documents"), self.tr("Small models that find the right passages, beside the one that answers.")
        )
        self.large.name(self.tr("Too large for this computer"))
        self._draw_reason()

    def show_picture(self, picture: Picture) -> None:
        self._picture = picture
        self._draw_reason()
        shelves = arrange(picture)
        self.here.show_cards(shelves.here)
        self.coming.show_downloads(shelves.coming)
        self.runs.show_cards(shelves.runs)
        self.documents.show_cards(shelves.documents)
        self.large.show_cards(shelves.large)
        self.deleted.show_deleted(picture.deleted)
        self.machine.show_machine(picture.machine)
        self.machine.setVisible(picture.machine is not None or bool(picture.trouble.en))
        self.found.show_picture(picture)
        self.uses.show_use(picture.use)
        if picture.network is not None:
            self.source.show_network(picture.network)
        self.source.show_token(picture.token)

    def _draw_reason(self) -> None:
        advice, trouble = self._picture.advice, self._picture.trouble
        self._reason.setText(say(trouble) if trouble.en else say(advice.reason) if advice else "")
        self._reason.setVisible(bool(self._reason.text()))
        self._better.setText(say(advice.better) if advice and not trouble.en else "")
        self._better.setVisible(bool(self._better.text()))
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
    def _on_find_closed(self) -> None:
        self.find_box.clear()
        self.find_cancelled.emit()

    @Slot()
    def _on_source_requested(self) -> None:
        self.source.open()
        self.ensureWidgetVisible(self.source)
