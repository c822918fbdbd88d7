"""Presets are files that can be copied, edited and sent; what cannot be used is said and changes nothing."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.chat.options import OPTIONS, BadOption, Options, option
from backends.chat.presets import LARGEST, Broken, Preset, Presets, file_stem, is_preset, read
from backends.core.errors import BackendError, InvalidInput, NotFound
from backends.core.paths import safe_name
from backends.engine.sampling_checks import BadSampling, check_sampling
from backends.models.catalog import Catalog

EVERY = Options("r1:Q4_K_M", "Be short.\n要简短。", 0.2, 0.9, 40, 0.05, 1.1, 7, 512, 1000)


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    return Presets(tmp_path / "presets")


def names(presets: Presets) -> list[str]:
    return [one.name if isinstance(one, Preset) else f"broken {one.file}" for one in presets.all()]


def test_what_is_saved_is_there_after_a_restart_and_nothing_else_of_it_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "presets"
    assert Presets(folder).all() == ()
    saved = Presets(folder).save("  Translator \n 翻译 ", EVERY)
    assert Presets(folder).all() == (saved,)
    assert (saved.name, saved.options) == ("Translator 翻译", EVERY)
    (file,) = folder.iterdir()
    assert file.name == saved.file == "Translator 翻译.preset.json"
    assert json.loads(file.read_text(encoding="utf-8"))["options"]["temperature"] == 0.2
    Presets(folder).save("Plain", Options())
    assert json.loads((folder / "Plain.preset.json").read_text()) == {
        "deskseek_preset": 1,
        "name": "Plain",
        "options": {},
    }


def test_one_name_is_one_preset_and_may_be_replaced(presets: Presets) -> None:
    presets.save("Code", Options(temperature=0.0))
    with pytest.raises(InvalidInput) as caught:
        presets.save("CODE", Options(temperature=1.0))
    assert caught.value.code == "preset_there"
    assert presets.named("code").options == Options(temperature=0.0)
    presets.save("Code", Options(temperature=1.0), instead=True)
    assert [one.options for one in presets.all() if isinstance(one, Preset)] == [Options(temperature=1.0)]
    with pytest.raises(NotFound):
        presets.named("Maths")


def test_it_is_renamed_deleted_and_brought_back(presets: Presets) -> None:
    first, other = presets.save("first", EVERY), presets.save("other", Options())
    renamed = presets.rename(first, "First")  # on some disks that is the same file
    assert (renamed.name, renamed.file) == ("First", "first.preset.json")
    renamed = presets.rename(renamed, "Third")
    assert names(presets) == ["other", "Third"]
    with pytest.raises(InvalidInput):
        presets.rename(renamed, "Other")
    presets.delete(renamed)
    assert presets.all() == (other,)
    assert presets.add(renamed) == renamed
    assert presets.named("third").options == EVERY
    presets.delete(renamed)
    with pytest.raises(NotFound):
        presets.delete(renamed)


def test_it_goes_out_as_a_file_and_comes_in_under_a_name_of_its_own(presets: Presets, tmp_path: Path) -> None:
    saved = presets.save("Writer", EVERY)
    away = tmp_path / "sent.json"
    presets.export(saved, away)
    assert is_preset(away)
    assert presets.bring(away).name == "Writer (2)"
    assert presets.bring(away).name == "Writer (3)"
    assert [one.options for one in presets.all() if isinstance(one, Preset)] == [EVERY] * 3


def test_files_copied_by_hand_that_have_one_name_are_told_apart(presets: Presets, tmp_path: Path) -> None:
    presets.save("Same", Options(seed=1))
    presets.export(Preset("same", Options(seed=2)), tmp_path / "presets" / "z.json")
    assert names(presets) == ["Same", "same (2)"]
    assert presets.named("same (2)").options.seed == 2


@pytest.mark.parametrize(
    "name",
    [
        "con",
        "NUL.txt",
        "a/b\\c:d",
        "..",
        "...",
        "end. ",
        "a" * 60,
        "字" * 60,
        "🐳" * 60,
        "tab\tand\x00",
        "\u202eevil",
        "e\u0301",
    ],
    ids=range(12),
)
def test_any_name_makes_a_file_that_every_system_takes(presets: Presets, name: str) -> None:
    saved = presets.save(name, EVERY)
    assert safe_name(saved.file) == saved.file
    assert not set(saved.file) & set('<>:"/\\|?*')
    assert presets.all() == (saved,)
    assert presets.named(saved.name).options == EVERY


def test_names_that_become_one_file_name_are_two_files(presets: Presets) -> None:
    one, other = presets.save("a/b", Options(seed=1)), presets.save("a:b", Options(seed=2))
    assert file_stem("a/b") == file_stem("a:b")
    assert one.file != other.file
    assert presets.named("a/b").options.seed == 1


def differing(name: str, value: Any) -> Options:
    return replace(Options(), **{name: value})


BAD = {
    "empty": (b"", "bad_preset"),
    "no_json": (b"{'name':", "bad_preset"),
    "no_text": (b"\xff\xfe\x00", "bad_preset"),
    "deep": (b"[" * 60_000, "bad_preset"),
    "list": (b"[1]", "bad_preset"),
    "other_json": (b'{"name": "x", "options": {}}', "bad_preset"),
    "no_name": (b'{"deskseek_preset": 1, "options": {}}', "bad_preset"),
    "empty_name": (b'{"deskseek_preset": 1, "name": " \\n", "options": {}}', "no_name"),
    "no_options": (b'{"deskseek_preset": 1, "name": "x", "options": [1]}', "bad_preset"),
    "mistyped": (b'{"deskseek_preset": 1, "name": "x", "options": {"temprature": 1}}', "bad_preset"),
    "unknown": (b'{"deskseek_preset": 1, "name": "x", "run": "rm", "options": {}}', "bad_preset"),
    "version": (b'{"deskseek_preset": "1", "name": "x", "options": {}}', "bad_preset"),
    "true": (b'{"deskseek_preset": true, "name": "x", "options": {}}', "bad_preset"),
    "newer": (b'{"deskseek_preset": 2, "name": "x", "later": [1]}', "preset_too_new"),
    "nan": (b'{"deskseek_preset": 1, "name": "x", "options": {"top_p": NaN}}', "bad_option"),
    "range": (b'{"deskseek_preset": 1, "name": "x", "options": {"temperature": -1}}', "bad_option"),
    "kind": (b'{"deskseek_preset": 1, "name": "x", "options": {"top_k": 1.5}}', "bad_option"),
    "flag": (b'{"deskseek_preset": 1, "name": "x", "options": {"seed": true}}', "bad_option"),
    "surrogate": (b'{"deskseek_preset": 1, "name": "x", "options": {"instructions": "\\ud800"}}', "bad_option"),
    "control": (b'{"deskseek_preset": 1, "name": "x", "options": {"instructions": "\\u001b[2J"}}', "bad_option"),
    "huge": (b'{"deskseek_preset": 1, "name": "x", "options": {}}' + b" " * LARGEST, "preset_too_large"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_used_is_said_and_changes_nothing(presets: Presets, tmp_path: Path, kind: str) -> None:
    kept = presets.save("kept", EVERY)
    content, code = BAD[kind]
    path = tmp_path / "bad.preset.json"
    path.write_bytes(content)
    with pytest.raises(BackendError) as caught:
        presets.bring(path)
    assert caught.value.code == code
    assert caught.value.message.en.endswith(".")
    assert caught.value.message.zh.endswith("。")
    assert presets.all() == (kept,)
    (tmp_path / "presets" / "bad.json").write_bytes(content)  # somebody put it there
    assert [one for one in presets.all() if isinstance(one, Preset)] == [kept]
    (broken,) = (one for one in presets.all() if isinstance(one, Broken))
    assert (broken.file, broken.why.code) == ("bad.json", code)


def test_what_is_no_file_of_this_kind_is_no_preset(tmp_path: Path) -> None:
    document = tmp_path / "report.json"
    document.write_text('{"name": "x"}')
    folder = tmp_path / "folder.json"
    folder.mkdir()
    for path in (document, folder, tmp_path / "gone.json", tmp_path / "model.gguf"):
        assert not is_preset(path)
    assert is_preset(tmp_path / "any.Preset.JSON")
    for path in (folder, tmp_path / "gone.json"):
        with pytest.raises(NotFound):
            read(path)


def test_the_ranges_are_those_of_the_engine(tmp_path: Path) -> None:
    for one in OPTIONS:
        if one.kind in ("model", "paragraph"):
            continue
        for value in (one.minimum, one.maximum):
            one.check(value)
            differing(one.name, value).check()
            check_sampling(differing(one.name, value).sampling(None), 10)
        for value in (one.minimum - 1, one.maximum + 1, float("nan"), True, "1"):
            with pytest.raises(BadOption) as caught:
                one.check(value)
            assert caught.value.name == one.name
            if one.name not in ("max_tokens", "thinking_budget"):
                with pytest.raises(BadSampling):
                    check_sampling(differing(one.name, value).sampling(None), 10)


def test_what_is_typed_is_read_as_people_write_numbers() -> None:
    assert option("temperature").parse(" 0,6 ") == option("temperature").parse("0.6") == 0.6
    assert option("max_tokens").parse("16,384") == 16_384
    for text in ("", "much", "nan", "inf", "1e999", "-0.1"):
        with pytest.raises(BadOption):
            option("temperature").parse(text)


def test_options_stand_over_the_publishers_sampling() -> None:
    r1 = Catalog.load().find("r1-distill-qwen-1.5b")
    own = Options(temperature=0.0, top_k=5).sampling(r1)
    assert (own.temperature, own.top_p, own.top_k, own.seed) == (0.0, r1.top_p, 5, None)
    assert Options(seed=3).over(Options(seed=1, top_k=2)) == Options(seed=3, top_k=2)
