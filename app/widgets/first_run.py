"""The first page a person sees: what was found, the one model that suits it and why, one button.

While the model arrives, the page shows how far it is; once it is loaded, the window goes on to the chat by itself.
"""

from PySide6.QtCore import Signal, Slot

from app import parts
from app.language import Retranslated
from app.picture import Picture
from app.shelves import arrange
from app.theme import SPACE
from app.widgets.coming import DownloadShelf
from app.widgets.drop import ModelDrop
from app.widgets.machine_card import MachineStrip
from app.widgets.recommended import Recommended
from app.widgets.shelf import Shelf, pass_on
from app.widgets.source_card import SourceCard
from backends.core.phrase import Phrase

_OTHERS = 3  # beside the recommended one; the page about models has all


class FirstRunPage(Retranslated, parts.Page):
    """Draws a `Picture`; asks for what is pressed."""

    download_requested = Signal(str)
    pause_requested = Signal(str)
    discard_requested = Signal(str)
    move_requested = Signal(str, int)
    file_chosen = Signal(str)
    load_requested = Signal(object)
    cancel_load_requested = Signal()
    unload_requested = Signal()
    remove_requested = Signal(object)
    probe_requested = Signal()
    models_requested = Signal()
    source_requested = Signal()
    other_source_requested = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._picture = Picture()
        self._title = parts.label(role="title", wrap=True)
        self._lead = parts.label(tone="muted", wrap=True)
        self.machine = MachineStrip()
        self.machine.probe_requested.connect(self.probe_requested)
        self.pick = Recommended()
        self.pick.file_chosen.connect(self.file_chosen)
        self.pick.probe_requested.connect(self.probe_requested)
        self.source = SourceCard()
        self.here, self.others = Shelf(), Shelf()
        self.coming = DownloadShelf()
        self._all = parts.button(kind="link")
        self._all.clicked.connect(self.models_requested)
        self.body.addLayout(parts.column(self._title, self._lead, space=SPACE.s))
        self.body.addWidget(self.machine)
        self.body.addLayout(parts.column(self.pick, self.source))
        for asker in (self.pick, self.here, self.coming, self.others):
            pass_on(asker, self)
        for shelf in (self.here, self.coming):
            self.body.addWidget(shelf)
        self.body.addLayout(parts.column(self.others, parts.row(self._all, None)))
        self._drop = ModelDrop(self)
        self._drop.dropped.connect(self.file_chosen)
        self.download_requested.connect(self.source.save)
        self.source_requested.connect(self._on_source_requested)
        self.retranslate()

    def retranslate(self) -> None:
        self._title.setText(self.tr("Welcome to DeskSeek"))
        self._lead.setText(
            self.tr("It runs DeepSeek on this computer: what you write stays here. It needs a model first, once.")
        )
        self.here.name(self.tr("On this computer"))
        self.coming.name(self.tr("On their way"))
        self.others.name(self.tr("Others that run here"))
        self._all.setText(self.tr("All models"))

    def show_picture(self, picture: Picture) -> None:
        self._picture = picture
        self.machine.show_machine(picture.machine)
        self.machine.setVisible(picture.machine is not None)
        self.pick.show_picture(picture)
        shelves = arrange(picture)
        picked = picture.advice.pick if picture.advice else None
        shown = self.pick.shown_path
        self.here.show_cards([card for card in shelves.here if card.local is None or card.local.path != shown])
        self.coming.show_downloads([one for one in shelves.coming if one.ref != self.pick.shown_ref])
        self.others.show_cards([card for card in shelves.runs if card.choice is not picked][:_OTHERS])
        self._all.setVisible(picture.advice is not None)
        if picture.network is not None:
            self.source.show_network(picture.network)
        self.source.show_token(picture.token)

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
