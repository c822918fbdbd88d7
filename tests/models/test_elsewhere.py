"""Models that other programs hold: found where each of them keeps its own, on every system, whatever state it is in."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from backends.models import elsewhere
from backends.models.catalog import Catalog
from backends.models.elsewhere import Places
from backends.models.library import Library
from backends.models.walk import Budget, models
from tests.kit.ggufs import random_model
from tests.kit.stores import OllamaStore, hub_snapshot, put, sha256

CATALOG = Catalog.load()
A, B = "a" * 40, "b" * 40
links = pytest.mark.skipif(sys.platform == "win32", reason="links want a right on Windows")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("gguf") / "llama.gguf", "llama")


def places(home: Path, platform: str = "linux", **environment: str) -> Places:
    return Places.of(home, environment, platform, root=home.parent / "root")


def library(home: Path, where: Places | None = None) -> Library:
    where = where or places(home)
    return Library(home / "models", CATALOG, home / "library.json", lambda: elsewhere.find(where))


def found(home: Path, platform: str = "linux", **environment: str) -> list[tuple[str, str, str]]:
    """Origin, source and name of each."""
    there = elsewhere.find(places(home, platform, **environment))
    return [(each.origin, each.source, each.name or each.path.name) for each in there]


# ---- LM Studio


@pytest.mark.parametrize("folder", [".lmstudio/models", ".cache/lm-studio/models"])
def test_lm_studio_s_folders(tiny, home, folder):
    put(tiny, home, folder, "unsloth", "R1-GGUF", "R1-Q4_K_M.gguf")
    put(tiny, home, folder, "unsloth", "R1-GGUF", "mmproj-F16.gguf")
    (model,) = library(home).models()
    assert (model.origin, model.source, model.id) == ("lm-studio", "unsloth/R1-GGUF", "R1-Q4_K_M")
    assert model.path == home / folder / "unsloth/R1-GGUF/R1-Q4_K_M.gguf"
    assert (model.verified, model.problem.en) == (False, "")


@pytest.mark.parametrize(
    ("platform", "settings"),
    [
        ("linux", ".config/LM Studio"),
        ("darwin", "Library/Application Support/LM Studio"),
        ("win32", "AppData/Roaming/LM Studio"),
        ("linux", ".lmstudio"),
    ],
)
def test_lm_studio_s_folder_of_the_settings(tiny, home, platform, settings):
    put(tiny, home.parent / "big disk", "org", "repo", "m.gguf")
    (home / settings).mkdir(parents=True)
    (home / settings / "settings.json").write_text(json.dumps({"downloadsFolder": str(home.parent / "big disk")}))
    assert found(home, platform) == [("lm-studio", "org/repo", "m.gguf")]


def test_lm_studio_that_lives_elsewhere(tiny, home):
    put(tiny, home.parent / "lm", "models", "org", "repo", "m.gguf")
    home.mkdir()
    (home / ".lmstudio-home-pointer").write_text(f"{home.parent / 'lm'}\n")
    assert found(home) == [("lm-studio", "org/repo", "m.gguf")]


# ---- Ollama


def test_ollama_s_models_have_their_names_and_their_hashes(tiny, large, home):
    store = OllamaStore(home / ".ollama" / "models")
    blob = store.put("deepseek-r1:8b", tiny)
    store.put("deepseek-r1:latest", tiny)  # the same blob
    store.put("mine:q8", large, space="me")
    one, other = sorted(library(home).models(), key=lambda model: model.size)
    assert (one.id, one.name, one.path, one.sha256) == ("deepseek-r1:8b", "deepseek-r1:8b", blob, sha256(tiny))
    assert (one.origin, one.size, one.quant, one.problem.en) == ("ollama", tiny.stat().st_size, "F16", "")
    assert other.id == "me/mine:q8"
    assert library(home).find("deepseek-r1:8b").path == blob


def test_ollama_s_model_from_the_hub_is_known_by_its_repository(tiny, home):
    OllamaStore(home / ".ollama/models").put("R1-GGUF:Q4_K_M", tiny, host="hf.co", space="unsloth")
    assert found(home) == [("ollama", "unsloth/R1-GGUF", "hf.co/unsloth/R1-GGUF:Q4_K_M")]


def test_ollama_s_service_on_linux_and_a_folder_of_one_s_own(tiny, home):
    OllamaStore(home.parent / "root/usr/share/ollama/.ollama/models").put("service:1", tiny)
    assert found(home) == [("ollama", "", "service:1")]
    assert found(home, "darwin") == []
    OllamaStore(home.parent / "store").put("own:1", tiny)
    assert found(home, OLLAMA_MODELS=str(home.parent / "store")) == [("ollama", "", "own:1")]


def test_a_blob_that_is_missing_or_cut_off_is_shown_with_what_to_do(tiny, large, home):
    store = OllamaStore(home / ".ollama/models")
    store.put("gone:1", tiny).unlink()
    cut = store.put("cut:1", large)
    with cut.open("r+b") as file:
        file.truncate(1000)
    models = library(home).models()
    assert [model.id for model in models] == ["cut:1", "gone:1"]
    assert "ollama pull gone:1" in models[1].problem.en
    assert "ollama pull cut:1" in models[0].problem.zh
    assert models[1].size == tiny.stat().st_size


@pytest.mark.parametrize(
    "digest",
    ["../../../etc/passwd", "0" * 63, "0" * 65, "A" * 64, "..%2f" + "0" * 59, "", 5, "0" * 64 + "\n", "0" * 63 + "/"],
)
def test_a_digest_is_64_digits_and_nothing_else_becomes_a_path(home, digest):
    store = OllamaStore(home / ".ollama/models")
    store.manifest(
        "bad:1", [{"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": 9}]
    )
    assert found(home) == []


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"layers": 5}', '{"layers": [5]}', '{"layers": [{}]}', "\x00\xff", "[" * 9999]
)
def test_a_manifest_that_makes_no_sense_is_left_out(tiny, home, content):
    store = OllamaStore(home / ".ollama/models")
    store.put("good:1", tiny)
    store.manifest("bad:1", []).write_text(content)
    (store.folder / "manifests" / "stray").write_text("{}")
    assert found(home) == [("ollama", "", "good:1")]


# ---- Jan


@pytest.mark.parametrize(
    ("platform", "data"),
    [
        ("linux", ".local/share/Jan/data"),
        ("linux", ".config/Jan/data"),
        ("darwin", "Library/Application Support/Jan/data"),
        ("win32", "AppData/Roaming/Jan/data"),
    ],
)
def test_jan_s_models_are_called_by_their_folders(tiny, home, platform, data):
    put(tiny, home, data, "llamacpp/models/unsloth/R1-Q4_K_M/model.gguf")
    assert found(home, platform) == [("jan", "", "unsloth/R1-Q4_K_M")]
    (model,) = library(home, places(home, platform)).models()
    assert (model.id, model.name) == ("R1-Q4_K_M", "unsloth/R1-Q4_K_M")


def test_jan_s_model_yml_may_lead_elsewhere_and_its_data_folder_too(tiny, home):
    data, mine = home.parent / "jan data", put(tiny, home.parent / "mine", "my.gguf")
    (home / ".config/Jan").mkdir(parents=True)
    (home / ".config/Jan/settings.json").write_text(json.dumps({"data_folder": str(data)}))
    yml = data / "llamacpp/models/mine/model.yml"
    yml.parent.mkdir(parents=True)
    yml.write_text(f"embedding: false\nmodel_path: {mine}\nname: 'My model'\nsize_bytes: 5\n")
    put(tiny, data, "llamacpp/models/other/model.gguf")
    other = data / "llamacpp/models/other/model.yml"
    other.write_text("model_path: llamacpp/models/other/model.gguf\nname: Other\n")
    gone = data / "llamacpp/models/gone/model.yml"
    gone.parent.mkdir()
    gone.write_text("model_path: llamacpp/models/gone/model.gguf\nname: Gone\n")
    assert found(home) == [("jan", "", "Other"), ("jan", "", "My model")]


# ---- the hub cache and llama.cpp


@links
def test_the_hub_cache_holds_links_to_blobs(tiny, home):
    hub = home / ".cache/huggingface/hub"
    snapshot = hub_snapshot(hub, "unsloth/R1-GGUF", A, {"Q4/R1-Q4_K_M.gguf": tiny})
    hub_snapshot(hub, "unsloth/R1-GGUF", B, {"Q4/R1-Q4_K_M.gguf": tiny})  # a newer commit with the same bytes
    (model,) = library(home).models()
    assert (model.origin, model.source, model.sha256) == ("hub-cache", "unsloth/R1-GGUF", sha256(tiny))
    assert (model.version, model.path.name) == (B[:8], "R1-Q4_K_M.gguf")
    (hub / "models--unsloth--R1-GGUF/blobs" / sha256(tiny)).unlink()
    assert library(home).models() == ()
    assert snapshot.is_dir()


@pytest.mark.parametrize(
    ("variable", "below"),
    [("HF_HOME", "hub"), ("HF_HUB_CACHE", ""), ("XDG_CACHE_HOME", "huggingface/hub"), ("LLAMA_CACHE", "")],
)
def test_the_hub_cache_is_where_the_environment_says(tiny, home, variable, below):
    hub_snapshot(home.parent / "cache" / below, "org/repo", A, {"m.gguf": tiny}, links=False)
    assert found(home, **{variable: str(home.parent / "cache")}) == [("hub-cache", "org/repo", "m.gguf")]
    assert found(home, **{variable: "cache"}) == []  # a folder that depends on where we stand is none


def test_without_links_every_snapshot_has_its_files_and_they_are_versions(tiny, llama, home):
    hub = home / ".cache/huggingface/hub"
    hub_snapshot(hub, "org/repo", A, {"m-F16.gguf": tiny}, links=False)
    newer = hub_snapshot(hub, "org/repo", B, {"m-F16.gguf": llama}, links=False) / "m-F16.gguf"
    os.utime(newer, ns=(1, newer.stat().st_mtime_ns + 10**9))
    shelf = library(home)
    assert [(model.id, model.version, model.current) for model in shelf.models()] == [
        ("m-F16", B[:8], True),
        (f"m-F16@{A[:8]}", A[:8], False),
    ]


@pytest.mark.parametrize(
    ("platform", "cache"),
    [
        ("linux", ".cache/llama.cpp"),
        ("darwin", "Library/Caches/llama.cpp"),
        ("win32", "AppData/Local/llama.cpp"),
    ],
)
def test_llama_cpp_s_cache_and_what_its_manifests_tell(tiny, home, platform, cache):
    put(tiny, home, cache, "unsloth_R1-GGUF_R1-Q4_K_M.gguf")
    put(tiny, home, cache, "unsloth_R1-GGUF_mmproj-F16.gguf")
    (home / cache / "manifest=unsloth=R1-GGUF=latest.json").write_text("{}")
    assert found(home, platform) == [("llama.cpp", "unsloth/R1-GGUF", "unsloth_R1-GGUF_R1-Q4_K_M.gguf")]


# ---- all together


def test_one_file_is_one_model_whoever_else_has_it(tiny, home):
    original = put(tiny, home, "models/m.gguf")
    OllamaStore(home / ".ollama/models").put("same:1", tiny)
    linked = home / ".lmstudio/models/org/repo/hard.gguf"
    linked.parent.mkdir(parents=True)
    os.link(original, linked)
    if sys.platform != "win32":
        (home / ".cache/llama.cpp").mkdir(parents=True)
        (home / ".cache/llama.cpp/soft.gguf").symlink_to(original)
    shelf = library(home)
    assert sorted((model.id, model.origin) for model in shelf.models()) == [("m", "own"), ("same:1", "ollama")]
    hub_snapshot(home / ".cache/huggingface/hub", "org/r", A, {"x.gguf": tiny})
    assert len(shelf.rescan()) == 2  # the cache's blob has the sha256 that Ollama gives its own


def test_what_this_engine_cannot_run_is_left_out_and_what_is_damaged_is_told(tiny, home):
    shelf = home / ".lmstudio/models/org/repo"
    foreign = put(tiny, shelf, "gemma.gguf")
    foreign.write_bytes(tiny.read_bytes().replace(b"qwen2", b"qwan9"))
    put(tiny, shelf, "page.gguf").write_text("<html>")
    cut = put(tiny, shelf, "cut.gguf")
    cut.write_bytes(tiny.read_bytes()[:-100])
    put(tiny, shelf, "good.gguf")
    models = library(home).models()
    assert [model.id for model in models] == ["good", "cut"]
    assert "cut off" in models[1].problem.en


def test_files_of_others_are_hidden_and_shown_again_but_never_touched(tiny, home):
    blob = OllamaStore(home / ".ollama/models").put("r1:8b", tiny)
    shelf = library(home)
    before = shelf.models()
    deleted = shelf.delete("r1:8b")
    assert (deleted.name, deleted.size) == ("r1:8b", 0)
    assert (shelf.models(), library(home).models()) == ((), ())
    assert blob.exists()
    assert library(home).deleted() == (deleted,)
    assert shelf.undelete(deleted.key) == before[0]
    assert shelf.models() == before


def test_headers_of_others_are_read_once(tiny, home):
    path = put(tiny, home, ".lmstudio/models/org/repo/m.gguf")
    foreign = put(tiny, home, ".lmstudio/models/org/repo/x.gguf")
    foreign.write_bytes(tiny.read_bytes().replace(b"qwen2", b"qwan9"))
    first = library(home).models()
    for each in (path, foreign):
        stamp = each.stat()
        each.write_bytes(b"?" * stamp.st_size)
        os.utime(each, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert library(home).models() == first


@links
def test_circles_and_crowds_are_bounded(tiny, home):
    shelf = home / ".lmstudio/models"
    put(tiny, shelf, "org/repo/m.gguf")
    (shelf / "org/repo/again").symlink_to(shelf)
    for number in range(10_000):
        (shelf / "org/repo" / f"{number}.gguf.txt").touch()
    assert [path.name for path in models(shelf, 8, Budget())] == ["m.gguf"]
    small = Budget(entries=100)
    assert list(models(shelf, 8, small)) == []
    assert small.spent
    ticks = iter(range(0, 1000, 3))
    slow = Budget(clock=lambda: next(ticks))
    assert list(models(shelf, 8, slow)) == []
    assert slow.spent


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_an_empty_one(tiny, home):
    put(tiny, home, ".lmstudio/models/org/repo/m.gguf")
    (home / ".lmstudio/models").chmod(0)
    assert found(home) == []
    (home / ".lmstudio/models").chmod(0o700)


def test_a_home_where_nothing_is(home):
    for platform in ("linux", "darwin", "win32"):
        assert found(home, platform) == []


def test_files_in_the_place_of_folders(home):
    home.mkdir()
    for name in (".lmstudio", ".ollama", ".cache", ".config", "jan"):
        (home / name).write_text("a file")
    (home / ".lmstudio-home-pointer").write_text("relative/path")
    assert found(home) == []


def test_a_split_of_another_program_is_one_model(parts, home):
    for part in parts:
        put(part, home, ".lmstudio/models/org/repo", part.name)
    (model,) = library(home).models()
    assert (model.id, model.size) == ("tiny-Q4_K_M", sum(part.stat().st_size for part in parts))
    shutil.rmtree(home / ".lmstudio")
    assert library(home).models() == ()
