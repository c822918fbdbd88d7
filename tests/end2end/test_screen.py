"""The window on the platform that a Linux desktop has; all other stories run without a screen."""

from pathlib import Path

import pytest

from tests.end2end.person import CLEAN, Home
from tests.kit.screens import has_xvfb, xvfb


@pytest.mark.skipif(not has_xvfb(), reason="there is no Xvfb here to put a window on")
def test_the_window_appears_on_a_real_screen(home: Home, small: Path) -> None:
    with xvfb() as screen, Home(home.folder, environment=screen).start() as window:
        window.sees("Welcome to DeskSeek", "Recommended for this computer")
        for place, words in (("Models", "For this computer"), ("Settings", "Appearance"), ("Chat", "Ask anything")):
            window.presses(place)
            window.sees(words)
        window.drops(small)
        window.sees("My own", "Unload")
        window.presses("Chat")
        window.clicks_into("Your question")
        window.asks("Is all well?")
        window.sees("All is well.", "tokens/s")
        assert window.is_closed() == CLEAN
