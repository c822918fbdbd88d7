"""The files of one repository: quant, size, how each would run here, and the button that fetches it."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QWidget

from app import figures, parts
from app.language import Retranslated, say, sentences
from app.picture import Download, Listing, Offer
from app.shelves import RUNS
from app.theme import SPACE
from app.widgets import verdict
from app.widgets.elided import ElidedLabel
from app.widgets.working import WorkingRow
from backends.core.phrase import Phrase

FEW_WARNINGS = 2  # in a row; the gravest are the first
FEW = 12  # rows that are shown at once; the rest by a button


class Offers(Retranslated, QWidget):
    """Draws a `Listing`. `get_requested` takes what `pull` takes."""

    get_requested = Signal(str)
    source_requested = Signal()
    again_requested = Signal(str, str)  # repository, endpoint

    def __init__(self) -> None:
        super().__init__()
        self._listing = Listing("")
        self._downloads: tuple[Download, ...] = ()
        self._all = False
        self._rows: list[_Row] = []
        self._working = WorkingRow()
        self._missed = parts.label(role="caption", tone="warning", wrap=True, select=True)
        self._message = parts.label(tone="danger", wrap=True, select=True)
        self._hint = parts.label(role="caption", tone="muted", wrap=True, select=True)
        self._again = parts.button(kind="secondary", icon="rotate-cw")
        self._source = parts.button(kind="quiet", icon="globe")
        self._more = parts.button(kind="link")
        self._again.clicked.connect(self._on_again)
        self._source.clicked.connect(self.source_requested)
        self._more.clicked.connect(self._on_more)
        self._column = parts.column(space=0)
        self.setLayout(
            parts.column(
                self._working,
                self._missed,
                self._message,
                self._hint,
                parts.row(self._again, self._source, None),
                self._column,
                parts.row(self._more, None),
                space=SPACE.s,
            )
        )
        self.retranslate()

    def retranslate(self) -> None:
        self._again.setText(self.tr("Try again"))
        self._source.setText(self.tr("Download source"))
        self._draw()

    def show_listing(self, listing: Listing, downloads: tuple[Download, ...] = ()) -> None:
        if (listing, downloads) != (self._listing, self._downloads):
            self._listing, self._downloads = listing, downloads
            self._draw()

    @property
    def rows(self) -> "list[_Row]":
        return self._rows

    def _draw(self) -> None:
        listing = self._listing
        reading, failed = listing.state == "reading", listing.state == "failed"
        self._working.setVisible(reading)
        if reading:
            self._working.show_work(self.tr("Reading what there is"))
        self._missed.setText(missed_words(listing.missed, listing.source))
        self._missed.setVisible(bool(self._missed.text()))
        self._message.setText(say(listing.message))
        self._hint.setText(say(listing.hint))
        parts.set_look(self._message, tone="danger" if failed else "warning")
        self._message.setVisible(bool(listing.message.en))
        self._hint.setVisible(failed and bool(listing.hint.en))
        self._again.setVisible(failed)
        self._source.setVisible(failed and listing.source_may_help)
        offers = _sorted(listing)
        shown = offers if self._all else offers[:FEW]
        while len(self._rows) > len(shown):
            row = self._rows.pop()
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        while len(self._rows) < len(shown):
            row = _Row(first=not self._rows)
            row.get_requested.connect(self._on_get)
            self._rows.append(row)
            self._column.addWidget(row)
        best = _best(listing)
        for row, offer in zip(self._rows, shown, strict=True):
            coming = any(download.ref == offer.ref for download in self._downloads)
            row.show_offer(offer, coming=coming, wanted=offer.file.file == listing.wanted, best=offer is best)
        self._more.setText(self.tr("All %1 files").replace("%1", str(len(offers))))
        self._more.setVisible(len(offers) > len(shown))

    @Slot(object)
    def _on_get(self, offer: Offer) -> None:
        self.get_requested.emit(offer.ref)

    @Slot()
    def _on_again(self) -> None:
        self.again_requested.emit(self._listing.repo, self._listing.endpoint)

    @Slot()
    def _on_more(self) -> None:
        self._all = True
        self._draw()


def missed_words(missed: Sequence[Phrase], source: str) -> str:
    """huggingface.co did not answer. This is from modelscope.cn."""
    if not missed:
        return ""
    whence = QCoreApplication.translate("Offers", "This is from %1.").replace("%1", source)
    return sentences([*missed, whence])


def _sorted(listing: Listing) -> list[Offer]:
    """As the hub's list is, the smallest first; one that a link named comes before all."""
    return sorted(listing.offers, key=lambda offer: offer.file.file != listing.wanted)


def _best(listing: Listing) -> Offer | None:
    """The file that suits this computer best, once all are judged and if there is a choice."""
    if len(listing.offers) < 2 or not all(offer.judged for offer in listing.offers):
        return None
    run = [offer for offer in listing.offers if offer.choice is not None and offer.choice.verdict in RUNS]
    return max(run, key=lambda offer: offer.choice.score if offer.choice else 0.0, default=None)


class _Row(Retranslated, QFrame):
    get_requested = Signal(object)

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self._offer: Offer | None = None
        self._coming = False
        self._quant = ElidedLabel("strong", mode=Qt.TextElideMode.ElideMiddle)
        self._figures = parts.label(role="caption", tone="muted")
        self._verdict = parts.label(role="pill")
        self._wanted = parts.label(role="pill", tone="accent")
        self._best = parts.label(role="pill", tone="accent")
        self._note = parts.label(role="caption", tone="warning", wrap=True)
        self._get = parts.button(kind="secondary", icon="download")
        self._get.clicked.connect(self._on_get)
        words = parts.column(
            parts.row(self._quant, self._verdict, self._best, self._wanted, None), self._figures, self._note, space=2
        )
        row = parts.row(words, self._get, margin=(0, SPACE.s, 0, SPACE.s))
        row.setStretch(0, 1)
        self._line = parts.line()
        self._line.setVisible(not first)
        self.setLayout(parts.column(self._line, row, space=0))
        self.retranslate()

    def retranslate(self) -> None:
        self._get.setText(self.tr("Download"))
        self._wanted.setText(self.tr("From your link"))
        self._best.setText(self.tr("Best here"))
        if self._offer is not None:
            self._draw(self._offer)

    def show_offer(self, offer: Offer, *, coming: bool, wanted: bool, best: bool) -> None:
        self._wanted.setVisible(wanted)
        self._best.setVisible(best)
        if offer != self._offer or coming != self._coming:
            self._offer, self._coming = offer, coming
            self._draw(offer)

    def _draw(self, offer: Offer) -> None:
        file, choice = offer.file, offer.choice
        name = file.quant or file.file
        self._quant.setText(name)
        self._quant.setToolTip(parts.tip(file.file))
        size = figures.file_size(file.size) if file.size else self.tr("size not known")
        split = self.tr("%1 files").replace("%1", str(len(file.parts))) if len(file.parts) > 1 else ""
        unproven = "" if file.sha256 or any(file.sha256s) else self.tr("no checksum published")
        speed = ""
        if choice is not None and choice.verdict in RUNS:
            speed = self.tr("about %1").replace("%1", figures.rate(choice.tokens_per_s))
        self._figures.setText(figures.line(size, split, speed, unproven))
        if choice is not None:
            self._verdict.setText(verdict.word(choice.verdict))
            parts.set_look(self._verdict, tone=verdict.TONES[choice.verdict])
        elif not offer.judged:
            self._verdict.setText(self.tr("Looking…"))
            parts.set_look(self._verdict, tone="muted")
        self._verdict.setVisible(choice is not None or not offer.judged)
        note = say(choice.note) if choice is not None else ""
        self._verdict.setToolTip(parts.tip(note))
        self._verdict.setAccessibleDescription(note)
        self._note.setText(sentences(choice.warnings[:FEW_WARNINGS]) if choice is not None else "")
        self._note.setVisible(bool(self._note.text()))
        self._get.setEnabled(not self._coming and (choice is None or choice.verdict != "unsupported"))
        self._get.setAccessibleName(f"{self._get.text()}: {name}")

    @Slot()
    def _on_get(self) -> None:
        self.get_requested.emit(self._offer)
