"""Every scene of `tests.kit.shots` can be drawn, so that the pictures of pages and states do not rot."""

import subprocess
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.application import Application
from tests import screenshots
from tests.kit import shots

PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_scenes_are_drawn(qapp: Application, qtbot: QtBot, part: int) -> None:
    """A quarter of them each, without the style sheet, which takes most of the time and none of our code. What an
    event of theirs raises fails the test, too."""
    qapp.setStyleSheet("")
    for name in list(shots.SCENES)[part::PARTS]:
        with qtbot.captureExceptions() as exceptions:
            picture = shots.draw(qapp, name, "en", (640, 400), wait_ms=0).toImage()
        assert not exceptions, name
        assert (picture.width(), picture.height()) == (640, 400), name
        assert len({picture.pixel(x, y) for x in range(0, 640, 8) for y in range(0, 400, 8)}) > 3, f"{name} is blank"


def test_a_picture_of_each_kind_and_a_page_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "pictures"
    assert screenshots.main([str(folder), "begin", "about", "--scheme", "dark", "--size", "640x400"]) == 0
    pictures = sorted(path.name for path in folder.glob("*.png"))
    assert pictures == [
        f"{name}-{language}-dark-640x400.png" for name in ("about", "begin") for language in ("en", "zh")
    ]
    english, chinese = (QImage(str(folder / f"begin-{language}-dark-640x400.png")) for language in ("en", "zh"))
    assert english.size() == chinese.size()
    assert english != chinese
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert all(f'src="{name}"' in page for name in pictures)
    assert "<script" not in page
    assert "http" not in page
    assert "2 of 2 scenes" in capsys.readouterr().out


def test_what_cannot_be_drawn_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process dies of one scene; the ones behind it are drawn all the same."""
    wanted = screenshots.Wanted(tmp_path, ("en",), ("light",), ((640, 400),))

    def run(command: list[str], **options: object) -> "subprocess.CompletedProcess[str]":
        drawn = command[4 : command.index("--language=en")]
        for scene in drawn[: drawn.index("about")] if "about" in drawn else drawn:
            next(wanted.files(scene)).write_bytes(b"")
        return subprocess.CompletedProcess(
            command, 1 if "about" in drawn else 0, "", "it broke" if "about" in drawn else ""
        )

    monkeypatch.setattr(subprocess, "run", run)
    said = list(screenshots.draw(wanted, ("begin", "about", "settings")))
    assert [one.missing for one in said] == [("about",), ()]
    assert said[0].words == "it broke"
