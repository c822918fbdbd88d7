"""What happens when a person looks for a model on the hubs: words are searched, a link or a repository is listed.

Each repository is listed when it is opened; then its files are judged, one header for all of them, by what this
computer can give.
"""

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.picture import Listing, Offer, Search
from backends.core.errors import BackendError, InvalidInput, ResourceError, StorageError
from backends.core.stream import Stream
from backends.models.links import Ref, parse_ref
from backends.models.types import Choice, HubModel
from backends.services import Services
from backends.services.hubs import Found, Listed


class Finding(QObject):
    """`search` is what pages draw; it has changed when `changed` says so."""

    changed = Signal()

    def __init__(self, services: Services, pump: Pump, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._pump = pump
        self.search = Search()
        self._asking: Stream[Found] | None = None
        self._streams: dict[str, Stream[Any]] = {}

    @Slot(str)
    def find(self, text: str) -> None:
        """Words, `ORG/NAME[:QUANT]`, or a link."""
        self._stop()
        text = text.strip()
        network = self._services.settings.current.network
        try:
            ref = parse_ref(text, network.sources) if "/" in text else None
        except InvalidInput as error:
            self._draw(Search(text, "failed", message=error.message, hint=error.hint))
            return
        if ref is not None:
            self._open_link(text, ref)
            return
        self._draw(Search(text, "searching"))
        stream = self._asking = self._services.hubs.search(text)
        self._pump.follow(
            stream,
            lambda found: self._on_found(stream, found[-1]),
            on_error=lambda error: self._on_error(stream, error),
        )

    def _open_link(self, text: str, ref: Ref) -> None:
        model = HubModel(ref.name, ref.endpoint, None, "")
        self._draw(Search(text, "found", found=(model,)))
        self.list_files(ref.name, ref.endpoint, wanted=ref.wanted)

    @Slot()
    def cancel(self) -> None:
        """Stop asking; what was found before is gone too."""
        self._stop()
        self._draw(Search())

    def _stop(self) -> None:
        for stream in (self._asking, *self._streams.values()):
            if stream is not None:
                stream.cancel()
        self._asking = None
        self._streams.clear()

    def _on_found(self, stream: Stream[Found], found: Found) -> None:
        if stream is self._asking:
            self._draw(replace(self.search, state="found", source=found.source, found=found.models))

    def _on_error(self, stream: Stream[Found], error: BackendError) -> None:
        if stream is self._asking:
            self._draw(replace(self.search, state="failed", message=error.message, hint=error.hint))

    # ---- the files of a repository

    @Slot(str, str)
    def list_files(self, repo: str, endpoint: str, *, wanted: str = "") -> None:
        listing = self.search.listing(repo)
        if listing is not None and listing.state != "failed":
            return  # it is there already, or on its way
        wanted = listing.wanted if listing is not None else wanted
        self._show(Listing(repo, endpoint, wanted=wanted or ""))
        stream = self._services.hubs.listing(repo, endpoint or None)
        self._follow(repo, stream)
        self._pump.follow(
            stream,
            lambda found: self._on_listed(repo, stream, found[-1]),
            on_error=lambda error: self._on_not_listed(repo, stream, error),
        )

    def _follow(self, repo: str, stream: Stream[Any]) -> None:
        self._streams[repo] = stream

    def _on_listed(self, repo: str, stream: Stream[Listed], listed: Listed) -> None:
        before = self.search.listing(repo)
        if before is None or self._streams.get(repo) is not stream:
            return
        offers = tuple(Offer(file) for file in listed.files)
        wanted = next((f.file for f in listed.files if before.wanted and _is_named(f.file, f.quant, before.wanted)), "")
        self._show(Listing(repo, before.endpoint, listed.source, "listed", offers, wanted or before.wanted))
        judging = self._services.judging.judge(listed)
        self._follow(repo, judging)
        self._pump.follow(
            judging,
            lambda choices: self._on_judged(repo, judging, choices),
            lambda: self._on_all_judged(repo, judging),
            lambda error: self._on_not_judged(repo, judging, error),
        )

    def _on_not_listed(self, repo: str, stream: Stream[Listed], error: BackendError) -> None:
        before = self.search.listing(repo)
        if before is None or self._streams.get(repo) is not stream:
            return
        here = isinstance(error, ResourceError | StorageError | InvalidInput)
        self._show(replace(before, state="failed", message=error.message, hint=error.hint, source_may_help=not here))

    def _on_judged(self, repo: str, stream: Stream[Choice], choices: list[Choice]) -> None:
        before = self.search.listing(repo)
        if before is None or self._streams.get(repo) is not stream:
            return
        known = {choice.file.file: choice for choice in choices}
        offers = tuple(
            replace(offer, choice=known[offer.file.file], judged=True) if offer.file.file in known else offer
            for offer in before.offers
        )
        self._show(replace(before, offers=offers))

    def _on_not_judged(self, repo: str, stream: Stream[Choice], error: BackendError) -> None:
        """Its files have no verdict; they can still be fetched."""
        before = self.search.listing(repo)
        if before is not None and self._streams.get(repo) is stream:
            self._show(replace(before, message=error.message))

    def _on_all_judged(self, repo: str, stream: Stream[Choice]) -> None:
        before = self.search.listing(repo)
        if before is not None and self._streams.get(repo) is stream:
            self._show(replace(before, offers=tuple(replace(offer, judged=True) for offer in before.offers)))

    def _show(self, listing: Listing) -> None:
        others = tuple(one for one in self.search.listings if one.repo != listing.repo)
        self._draw(replace(self.search, listings=(*others, listing)))

    def _draw(self, search: Search) -> None:
        if search != self.search:
            self.search = search
            self.changed.emit()


def _is_named(file: str, quant: str, wanted: str) -> bool:
    low = wanted.lower()
    return low in (file.lower(), file.rpartition("/")[2].lower(), quant.lower())
