"""Where models come from: several hubs in turn, a token for each, limits; links to files no hub vouches for; uses."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QSpinBox

from app.widgets.source_card import CONNECTIONS, LIMIT
from tests.kit import looks
from tests.kit.desk import Desk
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer
from tests.kit.modelscope import ModelScopeServer
from tests.kit.sites import Site, Visitor, serving

CLOSED = "http://127.0.0.1:9"
REPO = "tester/Scripted-GGUF"


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    return scripted_model(tmp_path / "scripted-F16.gguf")


def test_what_the_first_source_does_not_answer_the_second_does(desk: Desk, gguf: Path) -> None:
    with ModelScopeServer() as scope:
        scope.add_repo(REPO, {"scripted-F16.gguf": gguf})
        desk.services.settings.set("network.endpoint", CLOSED)
        desk.services.settings.set("network.more_sources", scope.address)
        desk.controller.start()
        desk.types("scripted")
        host = scope.endpoint.partition("://")[2]
        desk.sees(f"Found on {host}", f"This is from {host}.", "127.0.0.1:9")
        desk.presses(f"Files: {REPO}")
        desk.presses("Download: F16")
        desk.until_loaded()
        assert [model.source for model in desk.local] == [REPO]


def test_a_link_to_another_hub_is_followed_there(desk: Desk, gguf: Path) -> None:
    with HubServer() as other:
        other.add_repo(REPO, {"scripted-F16.gguf": gguf})
        desk.controller.start()
        desk.until(lambda: desk.picture.local == ())
        desk.types(f"{other.endpoint}/{REPO}/blob/main/scripted-F16.gguf")
        desk.presses("Download: F16")
        desk.until_loaded()


def test_a_source_is_added_by_a_press_where_the_search_failed(desk: Desk) -> None:
    desk.services.settings.set("network.endpoint", CLOSED)
    desk.types("scripted")
    desk.sees("The search did not work", "Try hf-mirror.com", "Try modelscope.cn")
    desk.services.settings.set("network.offline", True)  # this test asks nobody
    desk.presses("Try modelscope.cn")
    assert desk.services.settings.current.network.sources == (CLOSED, "https://modelscope.cn")
    desk.until(lambda: desk.search.state == "failed" and desk.search.other_sources == ())
    assert "Try hf-mirror.com" not in looks.texts(desk.page), "no hub helps who is offline"


def test_sources_are_written_down_in_turn_with_a_token_for_each(desk: Desk) -> None:
    desk.page.source.open()
    desk.page.source._more.setText("https://hf-mirror.com, not an address")
    desk.page.source.save()
    assert "network.more_sources" in desk.page.source._errors
    assert desk.page.source._errors["network.more_sources"].isVisibleTo(desk.page)
    desk.page.source._more.setText("https://hf-mirror.com")
    desk.presses("Try modelscope.cn when that fails")
    assert desk.services.settings.current.network.sources[1:] == ("https://hf-mirror.com", "https://modelscope.cn")
    first = desk.services.settings.current.network.hosts[0]
    desk.until(lambda: desk.picture.token.host == first and desk.picture.token.is_set is False)
    hosts = desk.page.source._token_field.hosts
    desk.until(lambda: hosts.count() == 3)
    hosts.setCurrentIndex(2)
    hosts.activated.emit(2)
    desk.until(lambda: desk.picture.token.host == "modelscope.cn" and desk.picture.token.is_set is False)
    desk.page.source._token.setText("ms_secret")
    desk.page.source.save()
    desk.until(lambda: desk.picture.token.is_set is True)
    assert desk.services.secrets.get("token:modelscope.cn") == "ms_secret"
    assert desk.services.secrets.get(f"token:{first}") is None


def test_limits_are_settings_at_once(desk: Desk) -> None:
    desk.page.source.open()
    desk.page.source._connections.setValue(7)
    desk.page.source._limit.setValue(2.5)
    network = desk.services.settings.current.network
    assert (network.connections, network.speed_limit) == (7, 2.5)
    assert isinstance(desk.page.source._connections, QSpinBox)
    assert {CONNECTIONS, LIMIT} == {"network.connections", "network.speed_limit"}


def test_a_file_on_a_host_that_is_no_hub_is_planned_and_not_fetched(desk: Desk, gguf: Path) -> None:
    content = gguf.read_bytes()

    def give(visitor: Visitor) -> None:
        begin, _, last = visitor.headers.get("Range", "bytes=0-").partition("=")[2].partition("-")
        end = min(int(last or len(content)), len(content) - 1)
        total = f"bytes {begin}-{end}/{len(content)}"
        visitor.answer(206, content[int(begin) : end + 1], Content_Range=total)

    with serving(Site(pages={"/files/scripted-F16.gguf": give})) as site:
        desk.controller.start()
        desk.types(site.url("/files/scripted-F16.gguf"))
        desk.sees("From your link", "scripted-F16", "is no model hub", "Download it yourself and import the file.")
        desk.until(lambda: desk.search.direct is not None and desk.search.direct.plan is not None)
        desk.sees("Fits", "qwen2", "memory")
        assert "Download: F16" not in looks.texts(desk.page.found)
        assert desk.picture.downloads == ()


def test_a_link_to_nothing_says_so_in_its_place(desk: Desk) -> None:
    desk.types(f"{CLOSED}/files/some.gguf")
    desk.until(lambda: desk.search.direct is not None and desk.search.direct.trouble.en)
    desk.sees("127.0.0.1:9")


def test_another_use_is_another_advice(desk: Desk) -> None:
    desk.controller.start()
    desk.until(lambda: desk.picture.advice is not None)
    assert desk.picture.advice is not None
    before = desk.picture.advice.reason
    assert "for chat" in before.en
    desk.page.uses.buttons["code"].click()
    desk.until(lambda: desk.picture.advice is not None and desk.picture.advice.reason != before)
    desk.sees("for code" if "for code" in desk.picture.advice.reason.en else desk.picture.advice.reason.en)
    assert desk.services.settings.current.models.use == "code"
    assert desk.page.uses.buttons["code"].isChecked()
    assert "编程" in desk.picture.advice.reason.zh
