"""The first page: what was found, one model, one button, and what happens then."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.application import Application
from app.picture import AccessToken, Picture
from app.widgets.first_run import FirstRunPage
from backends.core.phrase import Language, Phrase
from tests.kit import looks, pictures


@pytest.fixture
def page(qtbot: QtBot) -> FirstRunPage:
    page = FirstRunPage()
    qtbot.addWidget(page)
    return page


def texts(page: FirstRunPage, picture: Picture) -> str:
    page.show_picture(picture)
    looks.show(page, 1000)
    return looks.texts(page)


def test_while_the_computer_is_looked_at(page: FirstRunPage) -> None:
    said = texts(page, Picture())
    assert "Looking at this computer" in said
    assert "I have a file…" in said
    assert "Download and start" not in said
    assert "Recommended" not in said


def test_what_was_found_and_what_suits_it(page: FirstRunPage, qtbot: QtBot) -> None:
    picture = pictures.of()
    choice = pictures.pick(picture)
    said = texts(page, picture)
    assert "NVIDIA GeForce RTX 4060\n8.0 GiB, 7.4 GiB free" in said
    assert "1.0 TB\n412.0 GB free" in said
    assert choice.model.name in said
    assert picture.advice is not None
    assert picture.advice.reason.en in said
    assert "A typical answer takes about" in said
    primary = [w for w in looks.seen(page) if w.property("kind") == "primary"]
    assert len(primary) == 1
    with qtbot.waitSignal(page.download_requested) as asked:
        looks.button(page, f"Download and start  ·  {choice.file.size / 1e9:.1f} GB").click()
    assert asked.args == [pictures.ref(choice)]


def test_others_stand_below(page: FirstRunPage, qtbot: QtBot) -> None:
    picture = pictures.of()
    texts(page, picture)
    others = list(page.others.cards.values())
    assert len(others) == 3
    assert all(card.state.choice is not pictures.pick(picture) for card in others)
    assert page.others.y() > page.pick.y()
    with qtbot.waitSignal(page.models_requested):
        looks.button(page, "All models").click()


def test_nothing_runs_here(page: FirstRunPage, qtbot: QtBot) -> None:
    picture = pictures.of(pictures.TOO_SMALL)
    said = texts(page, picture)
    assert picture.advice is not None
    assert picture.advice.reason.en in said
    assert "Close other programs and look again, or use a smaller model file of your own." in said
    assert "No NVIDIA driver was found." in said
    assert "I have a file…" in said
    with qtbot.waitSignal(page.probe_requested):
        page.pick._again.click()


def test_what_could_not_be_found_out_is_said(page: FirstRunPage) -> None:
    why = Phrase("machines.json is damaged at bandwidth.", "machines.json 在 bandwidth 处已损坏。")
    said = texts(page, Picture(trouble=why))
    assert why.en in said
    assert "Look again" in said
    assert "Looking at this computer" not in said


def test_a_download_from_start_to_chat(page: FirstRunPage, qtbot: QtBot) -> None:
    picture = pictures.of()
    choice = pictures.pick(picture)
    said = texts(page, pictures.coming(picture, "running", bytes_per_s=12e6, seconds_left=250))
    assert "Download and start" not in said
    assert "1.9 GB of" in said
    assert "It is loaded by itself when it is here, and the chat opens." in said
    with qtbot.waitSignal(page.pause_requested) as asked:
        page.pick._bar._pause.click()
    assert asked.args == [pictures.ref(choice)]
    model = pictures.downloaded(choice)
    said = texts(page, pictures.loading(picture, model))
    assert f"Loading {model.name}  35%" in said
    with qtbot.waitSignal(page.cancel_load_requested):
        looks.button(page, "Cancel").click()
    said = texts(page, replace(picture, local=(model,)))
    with qtbot.waitSignal(page.load_requested) as asked:
        looks.button(page, "Start").click()
    assert asked.args == [model]
    said = texts(page, replace(picture, local=(model,), loaded=pictures.loaded(model)))
    assert "It is loaded and ready." in said
    assert not [w for w in looks.seen(page) if w.property("kind") == "primary"]


def test_a_proxy_that_was_typed_counts_for_the_next_try(page: FirstRunPage, qtbot: QtBot) -> None:
    failed = pictures.coming(
        pictures.of(), "failed", message=pictures.NO_ANSWER, hint=pictures.NO_ANSWER_HINT, source_may_help=True
    )
    said = texts(page, failed)
    assert pictures.NO_ANSWER.en in said
    assert pictures.NO_ANSWER_HINT.en in said
    order: list[object] = []
    page.source.setting_changed.connect(lambda key, value: order.append((key, value)))
    page.download_requested.connect(order.append)
    page.pick._bar._source.click()
    page.source._proxy.setFocus()
    qtbot.keyClicks(page.source._proxy, "http://127.0.0.1:7890")
    looks.button(page, "Try again").click()
    assert order == [("network.proxy", "http://127.0.0.1:7890"), failed.downloads[0].ref]


def test_what_was_typed_is_not_lost_while_a_download_runs(page: FirstRunPage, qtbot: QtBot) -> None:
    picture = pictures.of()
    texts(page, picture)
    page.source.open()
    page.source._endpoint.clear()
    qtbot.keyClicks(page.source._endpoint, "https://hf-mirror.co")
    page.show_picture(pictures.coming(picture, "running", bytes_per_s=12e6))
    assert page.source._endpoint.text() == "https://hf-mirror.co"


def test_a_refused_address_is_said_where_it_was_typed(page: FirstRunPage) -> None:
    texts(page, pictures.of())
    page.source.open()
    page.source._endpoint.setText("ftp://x")
    page.source._endpoint.editingFinished.emit()
    page.show_refused("network.endpoint", Phrase("It takes an address.", "应为网址。"))
    page.show_refused("chat.enter_sends", Phrase("That is not for this card.", "与此无关。"))
    assert "It takes an address." in looks.texts(page)
    assert "not for this card" not in looks.texts(page)
    assert page.source._endpoint.text() == "ftp://x"
    mirror = [b for b in page.source._hubs if b.text() == "hf-mirror.com"]
    mirror[0].click()
    assert page.source._endpoint.text() == "https://hf-mirror.com"


def test_the_access_token(page: FirstRunPage, qtbot: QtBot) -> None:
    picture = pictures.of()
    texts(page, picture)
    with qtbot.waitSignal(page.source.token_wanted):
        looks.button(page, "Downloads come from huggingface.co. Mirror, proxy, token…").click()
    assert not page.source._token.isEnabled(), "the keyring has not been asked yet"
    page.show_picture(replace(picture, token=AccessToken("huggingface.co", False)))
    assert page.source._token.isEnabled()
    assert page.source._token.echoMode() is page.source._token.EchoMode.Password
    qtbot.keyClicks(page.source._token, "hf_secret")
    with qtbot.waitSignal(page.source.token_entered) as entered:
        qtbot.keyClick(page.source._token, Qt.Key.Key_Return)
    assert entered.args == ["hf_secret"]
    page.show_token_refused(Phrase("This is not an access token.", "这不是访问令牌。"))
    assert "This is not an access token." in looks.texts(page)
    notice = Phrase("This system offers no keyring.", "系统没有密钥环。")
    page.show_picture(replace(picture, token=AccessToken("huggingface.co", True, notice)))
    assert page.source._token.text() == "", "it does not stay in the window"
    assert "There is one for huggingface.co." in looks.texts(page)
    assert notice.en in looks.texts(page)
    with qtbot.waitSignal(page.source.token_removed):
        looks.button(page, "Remove the access token").click()


def test_offline_is_said_before_somebody_presses(page: FirstRunPage, qtbot: QtBot) -> None:
    picture = pictures.of()
    assert picture.network is not None
    said = texts(page, replace(picture, network=replace(picture.network, offline=True)))
    assert "Offline: nothing is downloaded. Change…" in said
    page.source.open()
    with qtbot.waitSignal(page.source.setting_changed) as asked:
        page.source._offline.click()
    assert asked.args == ["network.offline", False]


@pytest.mark.parametrize(
    ("picture", "width", "language"),
    [
        (pictures.of(), 560, "en"),
        (pictures.of(pictures.LAPTOP), 560, "zh"),
        (pictures.of(pictures.TOO_SMALL), 560, "en"),
        (pictures.of(pictures.WORKSTATION), 720, "en"),
        (
            pictures.coming(
                pictures.of(), "failed", message=pictures.DISK_FULL, hint=pictures.DISK_FULL_HINT, source_may_help=True
            ),
            560,
            "en",
        ),
        (pictures.busy(), 560, "zh"),
        (pictures.busy(), 1700, "en"),
    ],
)
def test_nothing_is_cut_off(
    qapp: Application, page: FirstRunPage, picture: Picture, width: int, language: Language
) -> None:
    qapp.follow("light", language)
    page.show_picture(picture)
    page.source.open()
    looks.show(page, width)
    assert looks.misfits(page) == []


def test_the_page_is_made_for_keys_and_readers(page: FirstRunPage) -> None:
    texts(page, pictures.busy())
    page.source.open()
    looks.settle()
    assert looks.nameless(page) == []
    assert looks.unreachable(page) == []
    assert looks.rich(page) == []


def test_it_can_be_wide_then_narrow(page: FirstRunPage) -> None:
    page.show_picture(pictures.of())
    for width in (1400, 560, 1000):
        looks.show(page, width)
        assert looks.misfits(page) == []
