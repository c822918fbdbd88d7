"""What a hub, a link, another program or a disk may do wrong, as somebody at the command line meets it: a sentence in
words, exit code 1, nothing written where it does not belong, nothing lost that had come."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end2end.person import CLEAN, Home
from tests.kit.faults import Fault, paused
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer
from tests.kit.shell import Outcome, Shell, finish, until_some_came
from tests.kit.stores import OllamaStore

REPO, NAME = "org/Tiny-GGUF", "Tiny-Q8_0.gguf"
SAID = "Hello from Tiny."


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted_model(tmp_path_factory.mktemp("tiny") / NAME, "", SAID, name="Tiny", slow=8)


@pytest.fixture
def shell(home: Home, hub: HubServer, tiny: Path) -> Shell:
    hub.add_repo(REPO, {NAME: tiny})
    shell = home.shell
    assert shell.run("settings", "set", "network.endpoint", hub.endpoint).code == 0
    return shell


def refused(outcome: Outcome, *words: str) -> None:
    """In words, and nothing else."""
    assert (outcome.code, outcome.out) == (1, ""), outcome
    assert "Traceback" not in outcome.err
    for each in words:
        assert each in outcome.err


# ---- repositories


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["README.md", "model.safetensors"], "holds no GGUF model"),
        (["big-Q4_K_M.gguf.part1of2", "big-Q4_K_M.gguf.part2of2"], "cut into raw pieces"),
        (["mmproj-F16.gguf"], "no model that runs by itself: mmproj-F16.gguf"),
        (["../../evil-Q8_0.gguf", "CON.gguf", "a\\b-Q8_0.gguf", "COM1/x-Q4_K_M.gguf"], "holds no GGUF model"),
    ],
)
def test_a_repository_with_nothing_for_us(shell: Shell, hub: HubServer, names: list[str], says: str) -> None:
    hub.add_repo("org/Other", dict.fromkeys(names, b"GGUF" + bytes(1000)))
    for command in (("models", "search"), ("pull",), ("plan",)):
        refused(shell.run(*command, "org/Other"), says)
    assert not [path for path in shell.home.glob("models/*") if not path.name.startswith(".")]


def test_the_model_among_300_files_and_beside_its_mmproj(shell: Shell, hub: HubServer, tiny: Path) -> None:
    crowd: dict[str, Path | bytes] = {f"{n // 6}/other-{n // 6:05}.txt.{n}": b"." for n in range(300)}
    hub.add_repo("org/Crowd", {**crowd, "mmproj-F16.gguf": b"GGUF" + bytes(1000), NAME: tiny})
    (file,) = shell.run("models", "search", "org/Crowd", "--json").json["files"]
    assert (file["file"], file["verdict"]) == (NAME, "fits")
    assert shell.run("pull", "org/Crowd").code == 0
    assert [path.name for path in shell.home.glob("models/**/*.gguf")] == [NAME]


# ---- links, and where they lead


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ("org/../Tiny-GGUF", "not the name of a model"),
        (f"{REPO}:../../x", "'..' cannot be the name of a file"),
        ("HUB/org/Tiny-GGUF/resolve/main/../../x.gguf", "'..' cannot be the name of a file"),
        ("HUB/org/Tiny-GGUF/resolve/main/%2e%2e/%2e%2e/x.gguf", "'..' cannot be the name of a file"),
        ("HUB/org/Tiny-GGUF/resolve/main/CON.gguf", "'CON.gguf' cannot be the name of a file"),
        ("org/NUL", "'NUL' cannot be the name of a file"),
    ],
)
def test_a_link_that_leads_elsewhere(shell: Shell, hub: HubServer, link: str, says: str) -> None:
    for command in (("pull",), ("plan",)):
        refused(shell.run(*command, link.replace("HUB", hub.endpoint)), says)
    assert not hub.requests
    assert not list(shell.home.glob("**/*.gguf"))


def test_a_redirect_to_a_neighbour(shell: Shell, hub: HubServer) -> None:
    """The hub stands at an address that was typed; where it leads to was not."""
    for place in ("get", "head"):
        hub.fail(place, Fault(status=302, headers={"Location": "http://192.168.1.1/secret"}))
    for command in (("pull",), ("plan",)):
        refused(shell.run(*command, f"{REPO}:Q8_0"), "not safe: http://192.168.1.1")


def test_other_bytes_than_were_promised_and_a_listing_that_lies(shell: Shell, hub: HubServer, tiny: Path) -> None:
    other = bytearray(tiny.read_bytes())
    other[-5] ^= 1
    hub.fail("cdn", Fault(instead=bytes(other)))
    refused(shell.run("pull", REPO), "its sha256 is another")
    hub.heal()
    hub.lie(REPO, NAME, sha256="0" * 64)
    refused(shell.run("pull", REPO), "its sha256 is another")
    hub.lie(REPO, NAME, size=1000)
    refused(shell.run("pull", REPO), "says that Tiny-Q8_0.gguf has 1.00 kB")
    hub.lie(REPO, NAME, size=10**15)
    refused(shell.run("pull", REPO), "must be free", "models folder on another disk")
    assert not list(shell.home.glob("models/**/*.gguf"))
    hub.heal()
    assert shell.run("pull", REPO).code == 0
    assert shell.run("ask", "Hello").out.strip() == SAID


# ---- other programs


def test_an_ollama_model_without_its_blob(home: Home, tiny: Path, tmp_path: Path) -> None:
    store = OllamaStore(tmp_path / "ollama")
    store.put("lost:1b", tiny).unlink()
    shell = Shell(home.folder, {"OLLAMA_MODELS": str(store.folder)})
    assert "its file is not there. Fetch it again: ollama pull lost:1b" in shell.run("models").out
    said = "Ollama lists lost:1b, but its file is not there"
    for command in (("ask", "--model", "lost:1b", "Hello"), ("plan", "lost:1b"), ("models", "verify", "lost:1b")):
        refused(shell.run(*command), said)
    refused(shell.run("models", "import", str(store.folder)), said, "Nothing was taken in.")
    store.put("lost:1b", tiny)  # fetched again
    assert shell.run("ask", "--model", "lost:1b", "Hello").out.strip() == SAID


# ---- disks


class Disk:
    """A disk that can be pulled out: what is on it stays on it."""

    def __init__(self, content: Path, place: Path) -> None:
        content.mkdir()
        place.mkdir(parents=True, exist_ok=True)
        self.content, self.place, self._there = content, place, False

    def plug_in(self) -> None:
        done = subprocess.run(["mount", "--bind", self.content, self.place], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("nothing may be mounted here")
        self._there = True

    def pull_out(self) -> None:
        if self._there:
            subprocess.run(["umount", "-l", self.place], check=True)
        self._there = False


@pytest.fixture
def disk(home: Home, tmp_path: Path) -> Iterator[Disk]:
    if sys.platform != "linux" or shutil.which("mount") is None:
        pytest.skip("mounts as Linux does")
    disk = Disk(tmp_path / "disk", home.paths.models)
    disk.plug_in()
    yield disk
    disk.pull_out()


def test_a_disk_that_is_pulled_out_while_a_model_comes(shell: Shell, hub: HubServer, disk: Disk, tiny: Path) -> None:
    size = tiny.stat().st_size
    assert shell.run("settings", "set", "network.connections", "1").code == 0  # nobody takes over from who is slow
    hub.fail("cdn", paused(size // 2), times=1)
    pull = shell.start("pull", REPO)
    hub.wait_paused()
    until_some_came(pull)
    disk.pull_out()
    hub.release()
    refused(finish(pull), "disk", "What has arrived is kept")
    assert not list(disk.place.rglob("*.gguf*"))
    disk.plug_in()
    (waiting,) = shell.run("models", "--json").json["pending"]
    hub.requests.clear()
    assert shell.run("pull", REPO).code == 0
    assert sum(end - start for start, end in hub.ranges(NAME)) == size - waiting["done"] < size
    (path,) = disk.content.rglob("*.gguf")
    assert path.read_bytes() == tiny.read_bytes()


def test_a_disk_that_is_not_there_when_its_model_is_wanted(home: Home, shell: Shell, disk: Disk) -> None:
    """While the model is loaded from it, and when it is to be; once the disk is back, all is as it was."""
    assert shell.run("pull", REPO).code == 0
    (before,) = shell.run("models", "--json").json["models"]
    assert before["verified"]
    with home.start() as window:
        window.sees("Ask anything", "What can I do for you?")
        window.asks("Hello")
        window.sees(SAID)
        disk.pull_out()
        window.asks("Once more")
        window.sees("Once more", "Answer again")
        refused(shell.run("models", "verify"), "check that the disk is connected. Nothing was changed.")
        refused(shell.run("plan", before["id"]), "is not there")
        assert window.is_closed() == CLEAN
    refused(shell.run("ask", "Hello"), "the model used last, is not there any more", "If that is on another disk")
    refused(shell.run("ask", "--model", before["id"], "Hello"), "is not here")
    assert "If that is on another disk" in shell.run("models").out
    disk.plug_in()
    (after,) = shell.run("models", "--json").json["models"]
    assert after == before
    assert shell.run("ask", "Hello").out.strip() == SAID
