"""`deskseek models import, verify, remove, restore, update, use`: models come, are checked, go, and come back."""

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backends.models import taking_in
from tests.commands.conftest import Inside, window
from tests.kit.adapters import redirecting_adapter
from tests.kit.faults import paused, refused
from tests.kit.ggufs import scripted_model
from tests.kit.hub import HubServer
from tests.kit.shell import Outcome, Shell, finish, interrupt
from tests.kit.split import split_gguf
from tests.kit.stores import OllamaStore, put

REPO = "someone/Tiny-GGUF"


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted_model(tmp_path_factory.mktemp("small") / "small-Q4_K_M.gguf", "", "I am small.")


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scripted_model(tmp_path_factory.mktemp("newer") / "small-Q4_K_M.gguf", "", "I am newer.")


@pytest.fixture
def hub(small: Path) -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.add_repo(REPO, {small.name: small})
        yield hub


def listed(inside: Inside) -> list[str]:
    return [model["id"] for model in inside.run("models", "list", "--json").json["models"]]


def in_both(inside: Inside, *argv: str) -> Outcome:
    """The English one, when the Chinese one has been looked at: same code, and not a word of English prose."""
    chinese = inside.run(*argv, language="zh")
    english = inside.run(*argv)
    assert chinese.code == english.code
    assert any(character >= "\u4e00" for character in chinese.out + chinese.err)
    assert not any("\u4e00" <= character < "\ua000" for character in english.out + english.err)
    return english


# ---- import


def test_a_folder_is_taken_in_checked_and_taken_off_again(inside: Inside, small: Path, tmp_path: Path) -> None:
    """With an adapter, a split, and what is none."""
    folder = tmp_path / "my stick"
    put(small, folder, small.name)
    parts = split_gguf(small, put(small, folder, "split", "x.gguf").parent, "parts-Q8_0", 8)
    (folder / "split" / "x.gguf").unlink()
    redirecting_adapter(folder / "style.gguf", small, "Quite another")
    (folder / "broken.gguf").write_bytes(b"GGUF" + bytes(50))
    here = Inside(inside.services, tmp_path)

    taken = in_both(here, "models", "import", folder.name)
    assert taken.code == 0
    assert [line.partition("  ")[0] for line in taken.out.splitlines()] == [
        "Taken in: small-Q4_K_M", "Taken in: parts-Q8_0", "Adapter taken in: style",
    ]  # fmt: skip
    assert taken.err.startswith("broken.gguf: ")
    found, finished = here.run("models", "import", folder.name, "--json").events
    assert found["found"] == {"files": 2, "size": small.stat().st_size + sum(p.stat().st_size for p in parts),
                              "removable": False}  # fmt: skip
    assert [Path(one["path"]).name for one in finished["finished"]["skipped"]] == ["broken.gguf"]

    both = in_both(here, "models")
    assert str(folder / "style.gguf") in both.out
    (adapter,) = here.run("models", "--json").json["adapters"]
    assert (adapter["id"], adapter["problem"]) == ("style", None)

    checked = here.run("models", "verify", "--json")
    assert checked.code == 0
    verdicts = {event["checked"]["id"]: event["checked"]["verdict"] for event in checked.events if "checked" in event}
    assert verdicts == {"small-Q4_K_M": "remembered", "parts-Q8_0": "remembered"}
    assert checked.events[-1] == {"finished": {"checked": 2, "bad": 0}}

    off = here.run("models", "remove", "style")
    assert (off.code, off.err) == (0, f'To put it back: deskseek models import "{folder / "style.gguf"}"\n')
    off = here.run("models", "remove", "parts-Q8_0")
    assert off.out == f"Off the list, and still there: {parts[0]}\n"
    assert listed(here) == ["small-Q4_K_M"]
    assert here.run("models", "restore", off.err.split()[-1]).out == "It is back: parts-Q8_0\n"
    here.run("models", "remove", "parts-Q8_0")
    shutil.rmtree(folder / "split")
    back = here.run("models", "restore", off.err.split()[-1])
    assert (back.code, back.out) == (0, "It is back: parts-Q8_0\n")
    assert "not there" in back.err


def test_what_cannot_be_taken_in_is_a_sentence(inside: Inside, hub: HubServer, tmp_path: Path) -> None:
    here = Inside(inside.services, tmp_path)
    (tmp_path / "empty").mkdir()
    put(Path(__file__), tmp_path, "bad", "x.gguf")
    for name, code in (
        ("nothing", "file_not_found"),
        ("empty", "no_model_there"),
        ("bad/x.gguf", "not_gguf"),
        ("https://example.org/x.gguf", "no_checksum"),
        ("huggingface.co/only-one", "file_not_found"),
        (f"{hub.endpoint}/{REPO}/resolve/main/no.gguf", "quant_not_found"),
    ):
        outcome = here.run("models", "import", name, "--json")
        assert (outcome.code, outcome.events[-1]["error"]["code"]) == (1, code)
        assert in_both(here, "models", "import", name).out == ""
    all_bad = in_both(here, "models", "import", "bad")
    assert (all_bad.code, all_bad.out) == (1, "")
    assert all_bad.err.endswith("Nothing was taken in.\n")


def test_a_stick_is_told_as_one(inside: Inside, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking_in, "is_removable", lambda path: True)
    assert "--copy" in in_both(inside, "models", "import", str(small)).err
    assert inside.run("models", "import", str(small), "--json").events[0]["found"]["removable"] is True


def test_from_another_programs_store_into_ours_and_out_of_it(shell: Shell, small: Path, tmp_path: Path) -> None:
    store = OllamaStore(tmp_path / "ollama")
    blob = store.put("deepseek-r1:1.5b", small)
    store.manifest("gone:1b", [store.layer("cd" * 32, 77)])
    used = replace(shell, cwd=tmp_path).run("models", "import", "ollama")
    assert used.code == 0, used.err
    assert used.out.endswith(f"  {blob}\n")
    assert used.err.count("\n") == 1  # the one whose bytes are missing
    here, gone = shell.run("models", "--json").json["models"]
    assert (here["origin"], here["problem"], gone["origin"]) == ("ollama", None, "ollama")
    assert gone["problem"]["zh"]

    copied = shell.run("models", "import", str(tmp_path / "ollama"), "--copy", "--json")
    assert (copied.code, copied.err) == (0, "")
    assert "progress" in copied.events[1]
    (copy,) = copied.events[-1]["finished"]["models"]
    assert Path(copy["path"]).read_bytes() == small.read_bytes()
    assert Path(copy["path"]).is_relative_to(shell.home / "models")

    gone = shell.run("models", "remove", copy["id"], "--now", "--json")
    assert [list(event) for event in gone.events] == [["removed"], ["freed"]]
    assert gone.events[1]["freed"] >= small.stat().st_size
    assert not Path(copy["path"]).exists()
    assert blob.exists()


def test_what_another_program_has_is_checked_and_said_to_be_theirs_to_mend(
    inside: Inside, small: Path, tmp_path: Path
) -> None:
    blob = OllamaStore(tmp_path / "ollama").put("deepseek-r1:1.5b", small)
    inside.run("models", "import", str(tmp_path / "ollama"))
    assert inside.run("models", "verify", "--json").events[-1] == {"finished": {"checked": 1, "bad": 0}}
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    for _ in range(2):  # the second time it is known already
        bad = in_both(inside, "models", "verify")
        assert bad.code == 1
        assert bad.out.startswith("deepseek-r1")
        assert "repair" not in bad.out + bad.err
    mended = inside.run("models", "verify", "deepseek-r1:1.5b", "--repair", "--json")
    assert (mended.code, mended.events[-1]["error"]["code"]) == (1, "no_receipt")
    blob.unlink()
    assert in_both(inside, "models", "verify").code == 1


# ---- a model that was downloaded


def test_the_life_of_a_download_inside_a_window(shell: Shell, hub: HubServer, small: Path, newer: Path) -> None:
    def models(*argv: str) -> Outcome:
        return shell.run("models", *argv)

    with window(shell):
        assert shell.run("settings", "set", "network.endpoint", hub.endpoint).code == 0
        link = f"{hub.endpoint}/{REPO}/blob/main/{small.name}"
        fetched = models("import", link, "--json")
        path = Path(fetched.events[-1]["finished"]["path"])
        assert models("update").out == "small-Q4_K_M: nothing newer\n"

        with path.open("r+b") as file:  # one byte rots
            file.seek(300_000)
            file.write(bytes([file.read(1)[0] ^ 1]) if file.seek(300_000) else b"")
        bad = models("verify", "small-Q4_K_M")
        assert (bad.code, "not as it was published" in bad.out) == (1, True)
        assert bad.err.splitlines()[-1] == "To repair it: deskseek models verify small-Q4_K_M --repair"
        mended = models("verify", "--repair", "--json")
        assert mended.code == 0
        verdicts = [event["checked"]["verdict"] for event in mended.events if "checked" in event]
        assert verdicts == ["differs", "matches"]
        assert path.read_bytes() == small.read_bytes()

        hub.add_repo(REPO, {small.name: newer})
        offered = models("update", "small-Q4_K_M", "--json").json
        assert offered["newer"]["size"] == newer.stat().st_size
        get = offered["newer"]["pull"].split()[1:]
        assert shell.run(*get).code == 0
        new, old = models("--json").json["models"]
        assert (new["current"], old["current"]) == (True, False)
        assert shell.run("ask", "--quiet", "Who?").out == "I am newer.\n"
        back = models("use", old["id"])
        assert back.out == f"In use now: small-Q4_K_M, version {old['version']}\n"
        assert shell.run("ask", "--quiet", "Who?").out == "I am small.\n"
        shown = models().out.splitlines()
        assert f"version {old['version']}, in use" in shown[0]
        assert shown[1].startswith(f"small-Q4_K_M@{new['version']} ")
        unknown = models("use", "small-Q4_K_M@77777777")
        assert unknown.code == 1
        assert all(one["version"] in unknown.err for one in (new, old))
        assert models("use", f"small-Q4_K_M@{new['version']}", "--json").json["current"] is True

        gone = models("remove", f"small-Q4_K_M@{old['version']}")
        assert gone.out.startswith("Deleted: ")
        key = gone.err.split()[-1]
        assert [one["key"] for one in models("restore", "--json").json["deleted"]] == [key]
        assert models("restore", key, "--json").json["restored"] == f"small-Q4_K_M@{old['version']}"
    assert len(models("--json").json["models"]) == 2  # and so it stays without the window


def test_of_two_quants_that_were_deleted_each_comes_back_by_the_name_of_its_file(
    inside: Inside, small: Path, newer: Path, tmp_path: Path
) -> None:
    for model, quant in ((small, "Q4_K_M"), (newer, "Q8_0")):
        put(model, tmp_path / f"twin-{quant}.gguf")
        assert inside.run("models", "import", str(tmp_path / f"twin-{quant}.gguf"), "--copy").code == 0
        (tmp_path / f"twin-{quant}.gguf").unlink()
    for each in inside.run("models", "--json").json["models"]:
        inside.run("models", "remove", each["id"])
    assert not inside.run("models", "--json").json["models"]
    shown = inside.run("models", "restore").out
    assert ("twin-Q4_K_M.gguf" in shown, "twin-Q8_0.gguf" in shown) == (True, True)
    assert inside.run("models", "restore", "twin-Q8_0").code == 0
    assert [Path(each["path"]).name for each in inside.run("models", "--json").json["models"]] == ["twin-Q8_0.gguf"]


def test_the_trash_is_emptied_only_when_told(inside: Inside, hub: HubServer, small: Path) -> None:
    inside.services.settings.set("network.endpoint", hub.endpoint)
    inside.run("pull", REPO)
    first = json.loads(inside.run("models", "remove", "small-Q4_K_M", "--json").out)["removed"]
    inside.run("pull", REPO)
    inside.run("models", "remove", "small-Q4_K_M", "--now")
    assert [one.key for one in inside.services.shelf.deleted()] == [first["key"]]  # the other one was not meant
    shown = in_both(inside, "models", "restore", "no-such-key")
    assert (shown.code, shown.out) == (1, "")
    assert inside.run("models", "restore").out.startswith(first["key"])
    freed = inside.run("models", "remove", "--now", "--json").json
    assert freed == {"freed": first["size"]}
    assert in_both(inside, "models", "restore").out == "There is nothing to put back.\n"


def test_where_there_is_nothing(inside: Inside, small: Path) -> None:
    for part in ("verify", "update", "list"):
        assert in_both(inside, "models", part).code == 0
    assert inside.run("models", "verify", "--json").json == {"finished": {"checked": 0, "bad": 0}}
    for argv in (["verify", "x"], ["remove", "x"], ["update", "x"], ["use", "x@1"], ["quantize", "x", "Q4_K_M"]):
        outcome = inside.run("models", *argv, "--json")
        assert (outcome.code, outcome.json["error"]["code"]) == (1, "model_not_here")
        assert in_both(inside, "models", *argv).out == ""
    inside.run("models", "import", str(small))
    assert inside.run("models", "update", "small-Q4_K_M", "--json").json["error"]["code"] == "not_downloaded"
    assert inside.run("models", "use", "small-Q4_K_M@1", "--json").json["error"]["code"] == "version_not_here"
    assert inside.run("models", "remove", "").code == 2  # and not whatever has no name
    assert listed(inside) == ["small-Q4_K_M"]


def test_one_that_cannot_be_read_does_not_keep_the_others_from_being_checked(
    inside: Inside, small: Path, newer: Path, tmp_path: Path
) -> None:
    for number, model in enumerate((small, newer)):
        assert (
            inside.run("models", "import", str(put(model, tmp_path, str(number), f"m{number}-Q4_K_M.gguf"))).code == 0
        )
    (tmp_path / "0" / "m0-Q4_K_M.gguf").unlink()
    outcome = inside.run("models", "verify", "--json")
    assert outcome.code == 1
    assert [list(event) for event in outcome.events if "verifying" not in event] == [
        ["error"],
        ["checked"],
        ["finished"],
    ]
    assert outcome.events[-1] == {"finished": {"checked": 2, "bad": 1}}


def test_a_hub_that_lists_a_file_and_does_not_give_it_is_followed_by_the_next(
    inside: Inside, hub: HubServer, model: Path
) -> None:
    with HubServer() as second:
        for one in (hub, second):
            one.add_repo("someone/Large-GGUF", {model.name: model})
        hub.fail("get", refused(403))
        inside.services.settings.set("network.endpoint", hub.endpoint)
        inside.services.settings.set("network.more_sources", second.endpoint)
        outcome = inside.run("pull", "someone/Large-GGUF", "--json")
        assert (outcome.code, outcome.events[-1]["finished"]["verified"]) == (0, True)
        (source,) = [event["source"] for event in outcome.events if "source" in event]
        assert source["host"] == second.endpoint.removeprefix("http://")
        assert source["reason"]
        inside.run("models", "remove", "tiny-Q4_K_M", "--now")
        assert f"Going on from {source['host']}." in inside.run("pull", "someone/Large-GGUF").err
        inside.run("models", "remove", "tiny-Q4_K_M", "--now")
        assert f"改从 {source['host']} 下载。" in inside.run("pull", "someone/Large-GGUF", language="zh").err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_link_that_is_interrupted_says_how_to_go_on(shell: Shell, hub: HubServer) -> None:
    hub.fail("cdn", paused(1000), times=1)
    link = f"{hub.endpoint}/{REPO}"
    process = shell.start("models", "import", link)
    hub.wait_paused()
    interrupt(process)
    outcome = finish(process)
    assert outcome.code == 130
    assert outcome.err.endswith(f"To go on: deskseek pull {link}\n")
    hub.release()
    assert shell.run("models", "remove", f"{REPO}:Q4_K_M").out.startswith("Given up")
    assert shell.run("models", "--json").json["pending"] == []
    assert not list(shell.home.glob("models/**/*small*"))
    assert shell.run("pull", link).code == 0


def test_of_several_hubs_one_that_fails_does_not_keep_the_others_from_being_asked(
    inside: Inside, hub: HubServer, newer: Path
) -> None:
    with HubServer() as second:
        second.add_repo("other/Tiny-GGUF", {"other-Q4_K_M.gguf": newer})
        inside.run("pull", "other/Tiny-GGUF", "--endpoint", second.endpoint)
    inside.run("pull", REPO, "--endpoint", hub.endpoint)
    hub.add_repo(REPO, {"small-Q4_K_M.gguf": newer})
    outcome = inside.run("models", "update", "--json")
    assert outcome.code == 1
    failed, found = sorted(outcome.events, key=lambda event: "newer" in event)
    assert failed["error"]["message"]
    assert found["newer"]["pull"] == f"deskseek pull {REPO}:Q4_K_M --endpoint {hub.endpoint}"
    said = in_both(inside, "models", "update")
    assert "small-Q4_K_M: there is a newer version" in said.out
    assert found["newer"]["pull"] in said.err
