"""A download in words: every state, the countdown, and what can be pressed."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.picture import Download
from app.widgets import download_bar
from app.widgets.download_bar import DownloadBar
from tests.kit import looks, pictures

HALF = Download("org/Some-GGUF:Q4_K_M", "running", 2_500_000_000, 5_000_000_000, 12.4e6, 200)


@pytest.fixture
def bar(qtbot: QtBot) -> DownloadBar:
    bar = DownloadBar()
    qtbot.addWidget(bar)
    bar.resize(600, 200)
    bar.show()
    return bar


def buttons(bar: DownloadBar) -> list[str]:
    return [w.text() for w in (bar._discard, bar._source, bar._pause, bar._resume) if w.isVisibleTo(bar)]


@pytest.mark.parametrize(
    ("download", "words", "pressable"),
    [
        (Download("x:Q4_K_M", "starting"), "Starting…", ["Pause"]),
        (replace(HALF, state="starting"), "Starting…  ·  2.5 GB of 5.0 GB", ["Pause"]),
        (HALF, "2.5 GB of 5.0 GB  ·  12 MB/s  ·  3 min left", ["Pause"]),
        (replace(HALF, bytes_per_s=940_000, seconds_left=None), "2.5 GB of 5.0 GB  ·  940 kB/s", ["Pause"]),
        (replace(HALF, state="verifying", fraction=0.999), "Verifying that every byte is right: 99%", ["Pause"]),
        (Download("x:Q4_K_M", "queued", 0, 5_000_000_000), "Waits its turn  ·  5.0 GB", ["Discard", "Pause"]),
        (replace(HALF, state="queued"), "Waits its turn  ·  2.5 GB of 5.0 GB", ["Discard", "Pause"]),
        (replace(HALF, state="paused"), "Paused  ·  2.5 GB of 5.0 GB", ["Discard", "Resume"]),
        (
            replace(HALF, state="failed", message=pictures.NO_ANSWER, source_may_help=True),
            "2.5 GB of 5.0 GB",
            ["Discard", "Download source", "Try again"],
        ),
        (
            Download("x:Q4_K_M", "failed", message=pictures.DISK_FULL, hint=pictures.DISK_FULL_HINT),
            pictures.DISK_FULL_HINT.en,
            ["Discard", "Try again"],
        ),
    ],
)
def test_each_state(bar: DownloadBar, download: Download, words: str, pressable: list[str]) -> None:
    bar.show_download(download)
    assert words in looks.texts(bar).splitlines()
    assert buttons(bar) == pressable
    if download.message.en:
        assert download.message.en in looks.texts(bar)


def test_a_size_that_is_not_known_yet_is_no_empty_bar(bar: DownloadBar) -> None:
    bar.show_download(Download("x:Q4_K_M", "starting"))
    assert bar._bar.maximum() == 0
    bar.show_download(HALF)
    assert bar._bar.value() / bar._bar.maximum() == pytest.approx(0.5)


def test_waiting_counts_down_and_only_while_it_is_seen(
    bar: DownloadBar, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(download_bar, "time", SimpleNamespace(monotonic=lambda: now))
    bar.show_download(replace(HALF, state="waiting", message=pictures.LOST, next_try=101.4))
    assert pictures.LOST.en in looks.texts(bar)
    assert "Next try in 2 s" in looks.texts(bar)
    now = 101.0
    qtbot.waitUntil(lambda: "Next try in 1 s" in looks.texts(bar))
    now = 102.0
    qtbot.waitUntil(lambda: "Trying again…" in looks.texts(bar))
    assert bar._second.isActive()
    bar.hide()
    assert not bar._second.isActive()
    bar.show()
    assert bar._second.isActive()
    bar.show_download(HALF)
    assert not bar._second.isActive()
    assert pictures.LOST.en not in looks.texts(bar)


def test_what_has_arrived_is_not_thrown_away_by_one_press(bar: DownloadBar, qtbot: QtBot) -> None:
    thrown: list[str] = []
    bar.discard_requested.connect(thrown.append)
    bar.show_download(replace(HALF, state="paused"))
    bar._discard.click()
    assert "Delete the 2.5 GB that have arrived?" in looks.texts(bar)
    looks.button(bar, "Keep").click()
    assert thrown == []
    bar._discard.click()
    looks.button(bar, "Delete").click()
    assert thrown == [HALF.ref]


def test_buttons_ask_for_their_download(bar: DownloadBar, qtbot: QtBot) -> None:
    bar.show_download(HALF)
    with qtbot.waitSignal(bar.pause_requested) as asked:
        looks.button(bar, "Pause").click()
    assert asked.args == [HALF.ref]
    bar.show_download(replace(HALF, state="paused"))
    with qtbot.waitSignal(bar.resume_requested) as asked:
        looks.button(bar, "Resume").click()
    assert asked.args == [HALF.ref]
    assert looks.nameless(bar) == []


def test_in_chinese(qapp: Application, bar: DownloadBar) -> None:
    bar.show_download(replace(HALF, state="paused"))
    qapp.follow("light", "zh")
    looks.settle()
    assert "已暂停  ·  2.5 GB / 5.0 GB" in looks.texts(bar)
    assert "继续" in looks.texts(bar)
