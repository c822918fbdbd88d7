"""What a search on the hubs found: repositories, each of which opens to its files."""

from dataclasses import replace

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QWidget

from app import figures, icons, parts
from app.language import Retranslated, say
from app.picture import Download, Listing, Picture, Search
from app.theme import SPACE
from app.widgets.direct import DirectCard
from app.widgets.elided import ElidedLabel
from app.widgets.offers import Offers, missed_words
from app.widgets.other_sources import OtherSources
from app.widgets.working import WorkingRow
from backends.models.types import HubModel


class Found(Retranslated, QWidget):
    """Draws a `Search`; hidden while nothing was asked."""

    listing_requested = Signal(str, str)  # repository, endpoint
    download_requested = Signal(str)
    source_requested = Signal()
    other_source_requested = Signal(str, str)  # address, nothing: let this hub be asked too, and search again
    close_requested = Signal()
    cancel_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._search = Search()
        self._title = parts.label(role="heading", wrap=True)
        self._close = parts.icon_button("x", size=16)
        self._close.clicked.connect(self.close_requested)
        self._working = WorkingRow()
        self._working.cancel_requested.connect(self.cancel_requested)
        self._message = parts.label(wrap=True, select=True)
        self._hint = parts.label(role="caption", tone="muted", wrap=True, select=True)
        self._source = parts.button(kind="secondary", icon="globe")
        self._source.clicked.connect(self.source_requested)
        self._others = OtherSources()
        self._others.chosen.connect(lambda address: self.other_source_requested.emit(address, ""))
        self._missed = parts.label(role="caption", tone="warning", wrap=True, select=True)
        self.direct = DirectCard()
        self._column = parts.column(space=SPACE.s)
        self.repositories: dict[str, Repository] = {}
        head = parts.row(self._title, self._close)
        head.setStretch(0, 1)
        buttons = parts.column(self._others, parts.row(self._source, None), space=SPACE.s)
        said = parts.column(self._missed, self._message, self._hint, buttons, space=SPACE.xs)
        self.setLayout(parts.column(head, self._working, said, self.direct, self._column, space=SPACE.s))
        self.hide()
        self.retranslate()

    def retranslate(self) -> None:
        parts.name_button(self._close, self.tr("Close the search"))
        self._source.setText(self.tr("Download source"))
        self._draw()

    def show_picture(self, picture: Picture) -> None:
        if picture.search != self._search:
            self._search = picture.search
            self._draw()
        for repo, widget in self.repositories.items():
            listing = self._search.listing(repo)
            if listing is not None and listing.missed == self._search.missed:
                listing = replace(listing, missed=())  # it is said above already
            widget.show_listing(listing, picture.downloads, opened=not self._search.source)

    def _draw(self) -> None:
        search = self._search
        self.setVisible(search.state != "off")
        self._title.setText(self._heading())
        searching = search.state == "searching"
        self._working.setVisible(searching)
        if searching:
            self._working.show_work(self.tr("Asking the hub"), cancel=True)
        empty = search.state == "found" and not search.found and search.direct is None
        self.direct.show_direct(search.direct)
        self._missed.setText(missed_words(search.missed, search.source))
        self._missed.setVisible(bool(self._missed.text()))
        self._others.show_sources(search.other_sources)
        self._message.setText(say(search.message) if search.state == "failed" else self._nothing() if empty else "")
        parts.set_look(self._message, tone="danger" if search.state == "failed" else "muted")
        self._hint.setText(say(search.hint) if search.state == "failed" else "")
        for label in (self._message, self._hint):
            label.setVisible(bool(label.text()))
        self._source.setVisible(search.state == "failed")
        self._keep_rows()

    def _heading(self) -> str:
        search = self._search
        if search.state == "searching":
            return self.tr("Looking…")
        if search.state == "failed":
            return self.tr("The search did not work")
        if not search.source and (search.found or search.direct):
            return self.tr("From your link")
        return self.tr("Found on %1").replace("%1", search.source)

    def _nothing(self) -> str:
        return self.tr("Nothing with that name is there as GGUF. Try fewer words, such as deepseek.")

    def _keep_rows(self) -> None:
        repos = [model.repo for model in self._search.found]
        for repo in self.repositories.keys() - set(repos):
            gone = self.repositories.pop(repo)
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for position, model in enumerate(self._search.found):
            widget = self.repositories.get(model.repo)
            if widget is None:
                widget = self.repositories[model.repo] = Repository(model)
                widget.listing_requested.connect(self.listing_requested)
                widget.download_requested.connect(self.download_requested)
                widget.source_requested.connect(self.source_requested)
            if self._column.indexOf(widget) != position:
                self._column.insertWidget(position, widget)


class Repository(Retranslated, QFrame):
    """One that was found. It is listed when it is opened for the first time."""

    listing_requested = Signal(str, str)
    download_requested = Signal(str)
    source_requested = Signal()

    def __init__(self, model: HubModel) -> None:
        super().__init__()
        self.setProperty("surface", "card")
        self._model = model
        self._was_open = False
        self._name = ElidedLabel("strong", mode=Qt.TextElideMode.ElideMiddle)
        self._name.setText(model.repo)
        self._known = parts.label(role="pill", tone="accent")
        self._gated = parts.label(role="pill", tone="warning")
        self._facts = parts.label(role="caption", tone="muted", wrap=True)
        self._toggle = parts.button(kind="secondary", icon="chevron-down")
        self._toggle.clicked.connect(self._on_toggled)
        self.offers = Offers()
        self.offers.get_requested.connect(self.download_requested)
        self.offers.source_requested.connect(self.source_requested)
        self.offers.again_requested.connect(self.listing_requested)
        self.offers.hide()
        words = parts.column(parts.row(self._name, self._known, self._gated, None), self._facts, space=2)
        head = parts.row(words, self._toggle)
        head.setStretch(0, 1)
        self.setLayout(parts.column(head, self.offers, space=SPACE.s, margin=(SPACE.l, SPACE.m, SPACE.m, SPACE.m)))
        self.retranslate()

    def retranslate(self) -> None:
        model = self._model
        self._known.setText(self.tr("In the catalogue"))
        self._known.setVisible(model.catalog_id is not None)
        self._gated.setText(self.tr("Wants a sign-in"))
        self._gated.setVisible(model.gated)
        downloads = self.tr("%1 downloads").replace("%1", figures.count(model.downloads or 0))
        updated = self.tr("changed %1").replace("%1", model.updated[:10])
        self._facts.setText(
            figures.line(downloads if model.downloads is not None else "", updated if model.updated else "")
        )
        self._facts.setVisible(bool(self._facts.text()))
        self._draw_toggle()

    def show_listing(self, listing: Listing | None, downloads: tuple[Download, ...], *, opened: bool) -> None:
        """What is known about its files. `opened`: a person named this repository, who wants to see them."""
        if listing is None:
            return
        if opened and not self._was_open:
            self._open()
        self.offers.show_listing(listing, downloads)

    @property
    def is_open(self) -> bool:
        return self.offers.isVisibleTo(self)

    def _draw_toggle(self) -> None:
        self._toggle.setText(self.tr("Hide files") if self.is_open else self.tr("Files"))
        self._toggle.setIcon(icons.icon("chevron-up" if self.is_open else "chevron-down", "muted"))
        self._toggle.setAccessibleName(f"{self._toggle.text()}: {self._model.repo}")

    def _open(self) -> None:
        self._was_open = True
        self.offers.show()
        self._draw_toggle()

    @Slot()
    def _on_toggled(self) -> None:
        if self.is_open:
            self.offers.hide()
            self._draw_toggle()
            return
        self._open()
        self.listing_requested.emit(self._model.repo, self._model.endpoint)
