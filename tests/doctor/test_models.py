"""Model files broken on purpose: real GGUFs, cut, scribbled on, swapped."""

import json
import os
from pathlib import Path

from backends.doctor import models
from tests.kit.patients import Home, told


def scribble(path: Path) -> None:
    """One byte in the middle is another; size and header stay."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 5000)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def test_whole_models_are_one_line(home: Home) -> None:
    home.download()
    home.download("other-Q8_0.gguf")
    [found] = home.look(models.look)
    assert (found.code, found.verdict) == ("models_ok", "ok")
    assert found.details["count"] == 2
    assert found.what.en.startswith("2 model files are whole")


def test_no_models_yet_is_no_fault(home: Home) -> None:
    assert told(home.look(models.look)) == {"no_models": "ok"}


def test_a_damaged_header_fails_and_the_others_are_whole(home: Home) -> None:
    home.download()
    broken = home.download("broken-Q4_K_M.gguf")
    with broken.open("r+b") as file:
        file.write(b"GGUF" + b"\xff" * 60)
    found = home.look(models.look)
    bad = next(one for one in found if one.verdict == "fail")
    assert (bad.subject, bad.action, bad.target) == ("broken-Q4_K_M.gguf", "download_again", str(broken))
    assert bad.what.zh != bad.what.en
    assert told(found)["models_ok"] == "ok"


def test_a_download_that_was_cut_is_repaired(home: Home) -> None:
    path = home.download()
    os.truncate(path, path.stat().st_size - 4096)
    [found] = home.look(models.look)
    assert (found.code, found.verdict, found.action) == ("model_size", "fail", "download_again")
    assert not found.private


def test_a_file_of_ones_own_that_was_cut_is_fetched_by_hand(home: Home, tmp_path: Path) -> None:
    mine = tmp_path / "for my aunt.gguf"
    mine.write_bytes(home.tiny.read_bytes()[:-4096])
    (home.paths.data / "library.json").write_text(json.dumps({"version": 1, "own": [str(mine)]}))
    [found] = home.look(models.look)
    assert (found.code, found.verdict, found.action) == ("truncated_file", "fail", "remove_model")
    assert found.private


def test_a_file_that_is_gone_is_only_a_warning(home: Home, tmp_path: Path) -> None:
    (home.paths.data / "library.json").write_text(json.dumps({"version": 1, "own": [str(tmp_path / "away.gguf")]}))
    found = told(home.look(models.look))
    assert found["model_gone"] == "warn"


def test_a_damaged_list_of_ones_own_files(home: Home) -> None:
    index = home.paths.data / "library.json"
    index.write_text("{ not json")
    assert told(home.look(models.look))["model_list_damaged"] == "warn"
    assert index.read_text() == "{ not json"  # looking changes nothing


def test_one_wrong_byte_is_found_by_who_reads_all(home: Home) -> None:
    path, sound = home.download(), home.download("sound-Q4_K_M.gguf")
    scribble(path)
    assert told(home.look(models.look)) == {"models_ok": "ok"}
    every = home.look(models.look, deep=True)
    assert [one.details["count"] for one in every if one.code == "models_ok"] == [1]
    found = {one.subject: one for one in every if one.subject}
    assert (found[path.name].code, found[path.name].verdict) == ("model_differs", "fail")
    assert (found[sound.name].code, found[sound.name].verdict) == ("model_matches", "ok")
