"""Looking for a model on the hubs: words, links, what is found, how its files would run here, and what may go wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.bridge import Pump
from app.controllers.models import ModelsController
from app.notices import NoticeBoard
from app.picture import Listing, Picture, Search
from app.widgets.models_page import ModelsPage
from backends.core.paths import Paths
from backends.core.phrase import Language
from backends.core.secrets import Secrets
from backends.services import Services
from tests.kit import looks, pictures
from tests.kit.faults import HANG
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer

LONG = 60_000
REPO = "tester/Scripted-DeepSeek-GGUF"
EMPTY = "tester/Only-Words"


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted_model(tmp_path_factory.mktemp("models") / "scripted-F16.gguf", "Hm.", "Hello.")


@pytest.fixture
def hub(gguf: Path) -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.add_repo(REPO, {"scripted-F16.gguf": gguf, "scripted-Q8_0.gguf": gguf})
        hub.add_repo(EMPTY, {"README.md": b"nothing"})
        yield hub


@dataclass
class Desk:
    services: Services
    controller: ModelsController
    page: ModelsPage
    qtbot: QtBot

    @property
    def search(self) -> Search:
        return self.controller.picture.search

    @property
    def listing(self) -> Listing:
        listing = self.search.listing(REPO)
        assert listing is not None
        return listing

    def until(self, true: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(true()), timeout=LONG)

    def types(self, text: str) -> None:
        """Into the box for finding, and Enter."""
        self.page.find_box.setText(text)
        self.page.find_box.returnPressed.emit()

    def sees(self, *texts: str) -> None:
        self.until(lambda: all(text in looks.texts(self.page) for text in texts))

    def presses(self, name: str) -> None:
        self.sees(name.partition(":")[0])
        looks.button(self.page, name).click()


@pytest.fixture
def desk(qtbot: QtBot, paths: Paths, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The page about models with its controller, wired as in the window."""
    monkeypatch.chdir(paths.data)
    services = Services.open(paths)
    services.secrets = Secrets(candidates=())  # the keyring of whoever runs this is none of our business
    services.settings.set("network.endpoint", hub.endpoint)
    board = NoticeBoard()
    qtbot.addWidget(board)
    pump = Pump(board.post_error)
    controller = ModelsController(services, pump, board)
    page = ModelsPage()
    qtbot.addWidget(page)
    page.find_requested.connect(controller.finding.find)
    page.find_cancelled.connect(controller.finding.cancel)
    page.listing_requested.connect(controller.finding.list_files)
    page.download_requested.connect(controller.pull)
    controller.picture_changed.connect(lambda: page.show_picture(controller.picture))
    page.show_picture(controller.picture)
    looks.show(page, 900)
    yield Desk(services, controller, page, qtbot)
    hub.release()
    pump.close()
    controller.close()
    services.close()


def test_words_find_a_repository_whose_files_say_how_they_run_here(desk: Desk, hub: HubServer) -> None:
    desk.types("scripted")
    desk.sees(f"Found on {hub.endpoint.partition('//')[2]}", REPO)
    assert [model.repo for model in desk.search.found] == [REPO]
    assert not hub.ranges("scripted-F16.gguf"), "nothing is fetched before it is opened"

    desk.presses(f"Files: {REPO}")
    desk.until(lambda: desk.listing.state == "listed" and all(offer.judged for offer in desk.listing.offers))
    assert [offer.file.quant for offer in desk.listing.offers] == ["F16", "Q8_0"]
    assert {offer.choice.verdict for offer in desk.listing.offers if offer.choice} == {"fits"}
    desk.sees("Fits", "F16", "Q8_0")

    desk.presses("Download: F16")
    desk.until(lambda: [model for model in desk.services.library.models() if model.source])
    (model,) = desk.services.library.models()
    assert (model.source, model.quant) == (REPO, "F16")


def test_a_pasted_link_opens_its_repository_with_its_file_first(desk: Desk, hub: HubServer) -> None:
    desk.types(f"{hub.endpoint}/{REPO}/blob/main/scripted-Q8_0.gguf")
    desk.sees("From your link", "Q8_0", "Hide files")
    first, _ = desk.page.found.repositories[REPO].offers.rows
    assert "Q8_0" in looks.texts(first)


def test_a_link_that_leads_out_of_its_folder_is_refused_before_anybody_is_asked(desk: Desk, hub: HubServer) -> None:
    asked = len(hub.requests)
    desk.types(f"{hub.endpoint}/{REPO}/resolve/main/../../secret.gguf")
    desk.sees("The search did not work")
    assert desk.search.state == "failed"
    assert len(hub.requests) == asked


def test_a_repository_without_a_model_says_so_in_its_place(desk: Desk) -> None:
    desk.types(EMPTY)
    desk.until(lambda: (listing := desk.search.listing(EMPTY)) is not None and listing.state == "failed")
    desk.sees("GGUF", "Try again")


def test_nothing_found_says_what_to_try(desk: Desk) -> None:
    desk.types("no-such-model-anywhere")
    desk.sees("Nothing with that name is there as GGUF.")


def test_a_hub_that_hangs_is_left_by_cancel(desk: Desk, hub: HubServer) -> None:
    hub.fail("api", HANG)
    desk.types("scripted")
    desk.sees("Asking the hub", "Cancel")
    desk.presses("Cancel: Asking the hub")
    assert desk.search == Search()
    assert not desk.page.found.isVisibleTo(desk.page)
    assert desk.page.find_box.text() == ""


def test_a_hub_that_does_not_answer_points_at_the_sources(desk: Desk) -> None:
    desk.services.settings.set("network.endpoint", "http://127.0.0.1:9")
    desk.types("scripted")
    desk.sees("The search did not work", "Download source")
    looks.button(desk.page.found, "Download source").click()
    assert desk.page.source.is_open


@pytest.mark.parametrize("made", [pictures.searched, pictures.linked, pictures.not_found, pictures.not_searched])
@pytest.mark.parametrize(("width", "language"), [(560, "zh"), (1060, "en")])
def test_every_state_of_a_search_fits_and_is_named(
    qapp: Application, qtbot: QtBot, made: Callable[[], Picture], width: int, language: Language
) -> None:
    qapp.follow("dark", language)
    page = ModelsPage()
    qtbot.addWidget(page)
    page.show_picture(made())
    looks.show(page, width)
    assert looks.misfits(page) == []
    assert looks.nameless(page) == []
    assert looks.unreachable(page) == []
    assert looks.rich(page) == []
