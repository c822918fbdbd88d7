"""Looking for a model on the hubs: words, links, what is found, how its files would run here, and what may go wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.picture import Picture, Search
from app.widgets.models_page import ModelsPage
from backends.core.phrase import Language
from tests.kit import looks, pictures
from tests.kit.desk import Desk
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


def test_words_find_a_repository_whose_files_say_how_they_run_here(desk: Desk, hub: HubServer) -> None:
    desk.types("scripted")
    desk.sees(f"Found on {hub.endpoint.partition('//')[2]}", REPO)
    assert [model.repo for model in desk.search.found] == [REPO]
    assert not hub.ranges("scripted-F16.gguf"), "nothing is fetched before it is opened"

    desk.presses(f"Files: {REPO}")
    desk.until(lambda: desk.listing(REPO).state == "listed")
    desk.until(lambda: all(offer.judged for offer in desk.listing(REPO).offers))
    assert [offer.file.quant for offer in desk.listing(REPO).offers] == ["F16", "Q8_0"]
    assert {offer.choice.verdict for offer in desk.listing(REPO).offers if offer.choice} == {"fits"}
    desk.sees("Fits", "F16", "Q8_0", "Best here")

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
