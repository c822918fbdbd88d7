"""The window is closed in the middle of something: it ends at once, clean, and nothing is lost."""

import os
import re

from tests.end2end.person import CLEAN, Home
from tests.end2end.shelf import COUNT, SLOW, Made, put_on_shelf, recommended
from tests.kit.faults import paused
from tests.kit.hub import HubServer

ASKED = f"Please {COUNT} on"


def test_before_it_is_ready(home: Home) -> None:
    with home.start() as window:
        assert window.is_closed() == CLEAN
    left_well(home)


def test_while_a_model_loads(home: Home, made: Made) -> None:
    home.paths.make()
    os.link(made["qwen2"], home.paths.models / "counts.gguf")
    with home.start() as window:
        window.sees("Scripted R1")  # it is being loaded, or was a moment ago
        assert window.is_closed() == CLEAN
    left_well(home)


def test_while_an_answer_streams(home: Home, made: Made) -> None:
    home.paths.make()
    os.link(made["qwen2"], home.paths.models / "counts.gguf")
    with home.start() as window:
        window.sees("Ask anything", "What can I do for you?")
        window.asks(ASKED)
        window.sees("n0 n1 n2 n3")
        assert window.is_closed() == CLEAN
    left_well(home)
    with home.start() as window:
        window.chooses(ASKED)
        page = window.sees("n0 n1 n2 n3", "Stopped")
        assert "ended while this answer" not in page
        assert window.is_closed() == CLEAN


def test_while_a_download_runs(home: Home, hub: HubServer, made: Made) -> None:
    assert home.shell.run("settings", "set", "network.endpoint", hub.endpoint).code == 0
    hub.fail("cdn", paused(SLOW << 18), times=1)
    with home.start() as window:
        put_on_shelf(hub, made, *recommended(window.sees("Recommended for this computer")))
        window.presses(re.compile("Download and start.*"))
        hub.wait_paused()
        assert window.is_closed() == CLEAN
    left_well(home)
    hub.heal()
    with home.start() as window:
        page = window.sees("What can I do for you?", "Send")  # it went on by itself
        assert "unexpectedly" not in page
        assert window.is_closed() == CLEAN


def left_well(home: Home) -> None:
    assert not (home.paths.state / "running.json").exists()
    assert not (home.paths.state / "crashes").exists()
