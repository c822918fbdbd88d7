"""The first hour with models, as somebody has it who wants the right one: found, planned before a byte of it is here,
downloaded in spite of everything, measured, replaced by a newer one and taken back, mended, made smaller.

Everything is real but the hubs, which stand on this machine and count what they give, and the models, which are made.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from gguf import GGMLQuantizationType as Quant

from backends.models import gguf
from tests.end2end.person import CLEAN, Home
from tests.kit.adapters import redirecting_adapter
from tests.kit.faults import cut, paused, refused
from tests.kit.ggufs import Script, Shape, random_model, scripted_model
from tests.kit.hub import HubServer
from tests.kit.hub_door import HubServers
from tests.kit.modelscope import ModelScopeServer
from tests.kit.real_models import real
from tests.kit.shapes import shaped_model
from tests.kit.shell import Shell, finish
from tests.kit.stores import OllamaStore, put

REPO, NAME = "org/Right-GGUF", "Right-Q8_0.gguf"
MIB = 1 << 20
COUNT = "count"  # the word in a question that makes the first version count
COUNTING = " ".join(f"n{number}" for number in range(60))
FORMER, NEWER = "This is the former one.", "This is the newer one."
SMALL = Shape(layers=4, width=256, heads=4, kv_heads=2, head=64, ff=1024, vocabulary=2048)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals and kill -9 of POSIX")


@dataclass(frozen=True)
class World:
    """What there is outside: a hub, its mirror, ModelScope."""

    hub: HubServer
    mirror: HubServer
    scope: ModelScopeServer

    @property
    def all(self) -> Sequence[HubServers]:
        return self.hub, self.mirror, self.scope

    def publish(self, model: Path) -> None:
        for server in (self.hub, self.mirror, self.scope):
            server.add_repo(REPO, {NAME: model})

    def heal(self) -> None:
        for server in self.all:
            server.heal()

    def forget(self) -> None:
        """Count anew."""
        for server in self.all:
            server.requests.clear()

    @property
    def given(self) -> int:
        """Bytes of the model that went out."""
        return sum(end - start for server in self.all for start, end in server.ranges(NAME))


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as stack:
        there = World(HubServer(), HubServer(), ModelScopeServer())
        for server in there.all:
            stack.enter_context(server)
        yield there


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 80 MB, so that what is measured means something."""
    path = tmp_path_factory.mktemp("former") / NAME
    return scripted_model(path, "", FORMER, name="Right", slow=76, scripts=[Script("", COUNTING, word=COUNT)])


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted_model(tmp_path_factory.mktemp("newer") / NAME, "", NEWER, name="Right", slow=72)


def test_the_right_model_from_search_to_switch(
    home: Home, world: World, former: Path, newer: Path, tmp_path: Path
) -> None:
    shell = home.shell
    world.publish(former)
    shell.run("settings", "set", "network.endpoint", world.hub.endpoint)
    shell.run("settings", "set", "network.more_sources", f"{world.mirror.endpoint},{world.scope.address}")
    shell.run("settings", "set", "network.connections", "1")  # nobody takes over from who is slow
    it_is_found_and_planned_while_it_is_far_away(shell, world, former)
    it_comes_from_three_sources_and_through_a_kill(home, world, former)
    the_first_load_is_tried_apart_and_measured(home, former)
    a_newer_version_lies_beside_it(home, world, newer)
    with home.start() as window:
        window.sees("Ask anything", "What can I do for you?")
        window.asks("Hello")
        window.sees(NEWER)
        one_goes_back_to_the_former_one_at_once(home)
        window.clicks_into("Your question")
        window.asks("Hello again")
        window.sees(FORMER)
        an_adapter_is_worn_and_taken_off_without_a_load(home, former, tmp_path)
        assert window.is_closed() == CLEAN
    damage_is_found_and_only_that_is_fetched(home, world, former)
    what_was_deleted_comes_back(home, former)


def it_is_found_and_planned_while_it_is_far_away(shell: Shell, world: World, model: Path) -> None:
    found = shell.run("models", "search", "right", "--json").json["models"]
    assert [one["repo"] for one in found] == [REPO]
    (file,) = shell.run("models", "search", REPO, "--json").json["files"]
    assert (file["quant"], file["size"], file["verdict"]) == ("Q8_0", model.stat().st_size, "fits")
    plan = shell.run("plan", f"{REPO}:Q8_0", "--json", "--context", "4096", "--gpu-layers", "0").json
    assert (plan["exact"], plan["fits"]) == (True, True)
    asked = [request.headers["Range"] for request in world.hub.seen("cdn", "GET")]
    assert len(asked) == 1, "one header, once"  # the plan took it from the cache
    assert asked[0].startswith("bytes=0-")
    # a header of some kilobytes; the rest was in the pipes when the connection was closed
    assert world.given < 20 * MIB
    assert not list(shell.home.glob("models/**/*.gguf"))
    on_disk = shell.run("plan", str(model), "--json", "--context", "4096", "--gpu-layers", "0").json
    assert plan["memory"] == on_disk["memory"]


def it_comes_from_three_sources_and_through_a_kill(home: Home, world: World, model: Path) -> None:
    """The hub gives a quarter and is gone; the mirror stops in the middle, and there comes the kill; then the mirror
    refuses too, and ModelScope has the rest."""
    shell, size = home.shell, model.stat().st_size
    world.hub.fail("cdn", cut(size // 4), times=1)
    world.hub.fail("get", refused(404, "EntryNotFound"), spare=1)
    world.mirror.fail("cdn", paused(size // 8))
    pull = shell.start("pull", f"{REPO}:Q8_0")
    world.mirror.wait_paused()
    pull.kill()
    finish(pull)
    world.mirror.heal()

    (waiting,) = shell.run("models", "--json").json["pending"]
    assert waiting["done"] >= size // 4
    world.mirror.fail("get", refused(403))
    world.forget()
    done = shell.run("pull", f"{REPO}:Q8_0")
    assert done.code == 0, done.err
    assert f"Going on from {world.scope.endpoint.partition('//')[2]}." in done.err
    assert "ended unexpectedly" not in done.err
    (path,) = home.paths.models.rglob("*.gguf")
    assert path.read_bytes() == model.read_bytes()
    assert world.given == size - waiting["done"]  # no byte that was there came again
    (known,) = shell.run("models", "--json").json["models"]
    assert (known["verified"], known["current"]) == (True, True)
    world.heal()


def the_first_load_is_tried_apart_and_measured(home: Home, model: Path) -> None:
    shell = home.shell
    first = shell.in_terminal("ask", f"Please {COUNT}")
    assert "Trying Right for the first time" in first
    assert COUNTING in first
    again = shell.in_terminal("ask", "Hello")
    assert "Trying" not in again
    assert FORMER in again
    memory, speed = measured(home, "memory"), measured(home, "speed")
    assert memory[0]["measured"] == pytest.approx(memory[0]["predicted"], rel=0.1)
    assert memory[0]["measured"] > model.stat().st_size
    assert speed[0]["predicted"] > 0 < speed[0]["measured"]


def measured(home: Home, what: str) -> list[dict[str, float]]:
    """What was predicted and what came of it, the newest first."""
    entries = json.loads((home.paths.data / "experience.json").read_text())["measured"]
    return [entry for entry in entries if entry["what"] == what]


def a_newer_version_lies_beside_it(home: Home, world: World, newer: Path) -> None:
    shell = home.shell
    assert shell.run("models", "update", "--json").json["newer"] is None
    world.publish(newer)
    said = shell.run("models", "update", "--json").json
    assert said["newer"]["size"] == newer.stat().st_size
    assert shell.run(*said["newer"]["pull"].split()[1:]).code == 0
    versions = shell.run("models", "--json").json["models"]
    assert [(one["current"], one["size"]) for one in versions] == [
        (True, newer.stat().st_size),
        (False, versions[1]["size"]),
    ]
    assert versions[1]["id"].startswith(f"{versions[0]['id']}@")
    assert len(list(home.paths.models.rglob("*.gguf"))) == 2


def one_goes_back_to_the_former_one_at_once(home: Home) -> None:
    """In the open window, where the newer one is loaded: it is loaded instead, and not tried apart again."""
    other = next(one for one in home.shell.run("models", "--json").json["models"] if not one["current"])
    runs = json.loads((home.paths.data / "experience.json").read_text())["runs"]
    assert home.shell.run("models", "use", other["id"], "--json").json["current"] is True
    (loaded,) = (one for one in home.shell.run("models", "--json").json["models"] if one["loaded"])
    assert (loaded["version"], loaded["current"]) == (other["version"], True)
    assert len(json.loads((home.paths.data / "experience.json").read_text())["runs"]) == len(runs)


def an_adapter_is_worn_and_taken_off_without_a_load(home: Home, model: Path, folder: Path) -> None:
    adapter = redirecting_adapter(folder / "counts.gguf", model, COUNTING)
    loads = len(measured(home, "memory"))
    assert home.shell.run("ask", "Hello", "--lora", f"{adapter}:1").out.strip() == COUNTING
    assert home.shell.run("ask", "Hello").out.strip() == FORMER
    assert len(measured(home, "memory")) == loads


def damage_is_found_and_only_that_is_fetched(home: Home, world: World, model: Path) -> None:
    shell = home.shell
    world.publish(model)  # what the receipt knows
    (path,) = (path for path in home.paths.models.rglob("*.gguf") if path.stat().st_size == model.stat().st_size)
    with path.open("r+b") as file:
        file.seek(40 * MIB)
        file.write(b"\xff" * 100)
    identity = shell.run("models", "--json").json["models"][0]["id"]
    world.forget()
    bad = shell.run("models", "verify", identity)
    assert bad.code == 1, bad.out
    assert world.given == 0
    command = bad.err.partition("To repair it: deskseek ")[2]
    assert command.rstrip().endswith("--repair")
    mended = shell.run(*command.split())
    assert mended.code == 0, mended.err
    assert path.read_bytes() == model.read_bytes()
    assert 0 < world.given <= 8 * MIB


def what_was_deleted_comes_back(home: Home, model: Path) -> None:
    shell = home.shell
    gone = shell.run("models", "list", "--json").json["models"][0]
    key = shell.run("models", "remove", gone["id"], "--json").json["removed"]["key"]
    assert not Path(gone["path"]).exists()
    assert gone["path"] not in [one["path"] for one in shell.run("models", "--json").json["models"]]
    assert shell.run("models", "restore", key).code == 0
    back = next(one for one in shell.run("models", "--json").json["models"] if one["path"] == gone["path"])
    assert (back["sha256"], back["verified"]) == (gone["sha256"], True)
    assert Path(gone["path"]).read_bytes() == model.read_bytes()


# ---- what is here already


def test_models_of_other_programs_are_used_where_they_lie_and_made_smaller(home: Home, tmp_path: Path) -> None:
    """Two programs hold the same file: it is one model, none is copied, and a smaller one is as large as was said."""
    model = random_model(tmp_path / "random-Q8_0.gguf", "qwen2", shape=SMALL, quant=Quant.Q8_0, name="Random")
    store = OllamaStore(tmp_path / "ollama" / "models")
    blob = store.put("random:1b", model)
    other = scripted_model(tmp_path / "other.gguf", "", "From LM Studio.", name="Other")
    studio = put(other, home.folder, ".lmstudio", "models", "org", "Other-GGUF", "Other-F16.gguf")
    shell = replace(home, environment={"OLLAMA_MODELS": str(store.folder)}).shell
    found = {one["origin"]: one for one in shell.run("models", "--json").json["models"]}
    assert {origin: one["path"] for origin, one in found.items()} == {"ollama": str(blob), "lm-studio": str(studio)}
    assert shell.run("ask", "--model", found["lm-studio"]["id"], "Hello").out.strip() == "From LM Studio."
    assert shell.run("ask", "--model", found["ollama"]["id"], "--max-tokens", "3", "Hello").code == 0
    taken = shell.run("models", "import", str(store.folder), "--json").events[-1]["finished"]
    assert [one["path"] for one in taken["models"]] == [str(blob)]
    assert not list(home.paths.models.rglob("*.gguf"))

    identity = found["ollama"]["id"]
    plan = shell.run("models", "quantize", identity, "Q4_K_M", "--dry-run", "--json").json["plan"]
    made = shell.run("models", "quantize", identity, "Q4_K_M", "--json").events[-1]["finished"]
    assert Path(made["path"]).stat().st_size == plan["size"]
    assert gguf.check(Path(made["path"])).container.metadata["general.file_type"] == 15
    assert home.paths.models in Path(made["path"]).parents
    assert shell.run("ask", "--model", made["id"], "--max-tokens", "3", "Hello").code == 0
    assert not [path for path in home.folder.rglob("*") if path.is_file() and path.samefile(blob)]


def test_what_cannot_be_loaded_makes_way_for_a_smaller_one_and_says_so(home: Home, tmp_path: Path) -> None:
    home.paths.make()
    huge = replace(real("r1-distill-qwen-32b"), layers=512)
    shaped_model(home.paths.models / "twins-F16.gguf", huge, "F16")
    scripted_model(home.paths.models / "twins-Q4_K_M.gguf", "", "I am the smaller one.", name="Shaped qwen2")
    (wanted,) = (one for one in home.shell.run("models", "--json").json["models"] if one["quant"] == "F16")
    done = home.shell.run("ask", "--model", wanted["id"], "Hello")
    assert (done.code, done.out.strip()) == (0, "I am the smaller one.")
    assert "needs about" in done.err
    assert "Q4_K_M instead of F16" in done.err
    chinese = home.shell.run("--language", "zh", "ask", "--model", wanted["id"], "Hello")
    assert "Q4_K_M" in chinese.err
    assert "instead" not in chinese.err
