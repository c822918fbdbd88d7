"""What happens when a person looks for a model on the hubs: words are searched, a link or a repository is listed.

Each repository is listed when it is opened; then its files are judged, one header for all of them, by what this
computer can give. A link to a file on a host that is no hub is planned, and that is all that can be done with it.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.controllers.downloads import other_sources
from app.picture import Direct, Listing, Offer, Search
from backends.core.errors import BackendError, InvalidInput, ResourceError, StorageError
from backends.core.fields import MODELSCOPE
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.models.links import MODELSCOPE_HOSTS, Ref, check_direct, parse_ref
from backends.models.types import Choice, HubModel, ModelFile, Plan
from backends.services import Services
from backends.services.hubs import Found, Listed
from backends.services.machine import PlanStep


class Finding(QObject):
    """`search` is what pages draw; it has changed when `changed` says so."""

    changed = Signal()

    def __init__(self, services: Services, pump: Pump, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._pump = pump
        self.search = Search()
        self._asking: Stream[Any] | None = None
        self._streams: dict[str, Stream[Any]] = {}
        self._refs: dict[str, Ref] = {}  # of repositories that a link named

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
        if ref is not None and ref.direct:
            self._plan(text, ref)
        elif ref is not None:
            self._open_link(text, ref)
        else:
            self._look_for(text)

    @Slot()
    def again(self) -> None:
        """The same once more, from the sources as they are set now."""
        if self.search.state != "off":
            self.find(self.search.text)

    def _look_for(self, words: str) -> None:
        self._draw(Search(words, "searching"))
        stream = self._asking = self._services.hubs.search(words)
        self._pump.follow(
            stream,
            lambda found: self._on_found(stream, found[-1]),
            on_error=lambda error: self._on_error(stream, error),
        )

    def _open_link(self, text: str, ref: Ref) -> None:
        self._refs[ref.name] = ref
        model = HubModel(ref.name, ref.endpoint, None, "")
        self._draw(Search(text, "found", found=(model,)))
        self.list_files(ref.name, ref.endpoint)

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
        self._refs.clear()

    def _on_found(self, stream: Stream[Found], found: Found) -> None:
        if stream is self._asking:
            missed = found.missed if not found.notice.en else (*found.missed, found.notice)
            said = replace(self.search, state="found", source=found.source, found=found.models, missed=missed)
            self._draw(said)

    def _on_error(self, stream: Stream[Any], error: BackendError) -> None:
        if stream is self._asking:
            others = other_sources(error.code, self._services.settings.current.network)
            failed = replace(self.search, state="failed", message=error.message, hint=error.hint, other_sources=others)
            self._draw(failed)

    # ---- a file on a host that is no hub

    def _plan(self, text: str, ref: Ref) -> None:
        direct = Direct(ref.direct, ref.name, *_why_not(ref))
        self._draw(Search(text, "found", direct=direct))
        stream = self._asking = self._services.machine.plan(text)
        self._pump.follow(
            stream,
            lambda events: self._on_planned(stream, events[-1]),
            on_error=lambda error: self._on_not_planned(stream, error),
        )

    def _on_planned(self, stream: Stream[PlanStep | Plan], event: PlanStep | Plan) -> None:
        direct = self.search.direct
        if stream is self._asking and direct is not None and isinstance(event, Plan):
            self._draw(replace(self.search, direct=replace(direct, plan=event)))

    def _on_not_planned(self, stream: Stream[PlanStep | Plan], error: BackendError) -> None:
        direct = self.search.direct
        if stream is self._asking and direct is not None:
            self._draw(replace(self.search, direct=replace(direct, trouble=error.message)))

    # ---- the files of a repository

    @Slot(str, str)
    def list_files(self, repo: str, endpoint: str) -> None:
        listing = self.search.listing(repo)
        if listing is not None and listing.state != "failed":
            return  # it is there already, or on its way
        ref = self._refs.get(repo)
        self._show(Listing(repo, endpoint, wanted=ref.wanted if ref else ""))
        stream = self._services.hubs.listing(ref) if ref else self._services.hubs.listing(repo, endpoint or None)
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
        ref = self._refs.get(repo)
        offers = tuple(Offer(file, _ref_of(file, listed, ref)) for file in listed.files)
        wanted = next((f.file for f in listed.files if before.wanted and _is_named(f.file, f.quant, before.wanted)), "")
        missed = listed.missed if not listed.notice.en else (*listed.missed, listed.notice)
        there = replace(before, source=listed.source, state="listed", offers=offers, missed=missed)
        self._show(replace(there, wanted=wanted or before.wanted))
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


def _ref_of(file: ModelFile, listed: Listed, ref: Ref | None) -> str:
    """What `pull` takes: the quant, or the file where two are of one quant; as a link, if a link led there, so that
    its hub and revision are kept."""
    if ref is not None and ref.endpoint:
        host = ref.endpoint.partition("://")[2].partition("/")[0]
        scope = ref.endpoint.startswith(MODELSCOPE) or host in MODELSCOPE_HOSTS
        folder, branch = ("/models", "master") if scope else ("", "main")
        return f"{ref.endpoint}{folder}/{listed.repo}/resolve/{ref.revision or branch}/{quote(file.file)}"
    same = sum(other.quant == file.quant for other in listed.files)
    return f"{listed.repo}:{file.quant if same == 1 and file.quant else file.file}"


def _why_not(ref: Ref) -> tuple[Phrase, Phrase]:
    """Why a file on a host that is no hub is not downloaded, and what to do."""
    try:
        check_direct(ref)
    except InvalidInput as error:
        return error.message, error.hint
    raise AssertionError("only links to files are refused here")
