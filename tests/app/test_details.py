"""The details of a model on the disk: plan and measurements, versions, adapters, smaller versions, verifying."""

import os
from pathlib import Path

import pytest

from app.widgets.memory_table import NOTHING
from backends.models import partial
from backends.models.partial import FilePart, Record
from backends.models.types import LocalModel
from tests.kit import looks
from tests.kit.adapters import redirecting_adapter
from tests.kit.desk import Desk
from tests.kit.faults import paused
from tests.kit.ggufs import Quant, Script, Shape, random_model, scripted_model
from tests.kit.hub import HubServer
from tests.kit.stores import put, sha256

REPO, FILE = "tester/Scripted-GGUF", "scripted-F16.gguf"
COUNT = Script("", " ".join(f"n{number}" for number in range(80)), word="count")
SHAPE = Shape(width=256, heads=8, ff=512, vocabulary=1024)


def answer(desk: Desk, question: str) -> str:
    """As the chat asks it; afterwards the page may have something to tell."""
    chats = desk.services.chats
    conversation = chats.create()
    message = chats.add_message(conversation.id, "user", question)
    for _ in desk.services.regenerate(conversation.id, message.id):
        pass
    desk.controller.details.look_at_measured()
    return chats.messages(conversation.id)[-1].content


def test_what_was_predicted_stands_beside_what_was_measured(desk: Desk, tmp_path: Path) -> None:
    desk.controller.start()
    model = desk.takes_in(scripted_model(tmp_path / "greeter.gguf", scripts=[COUNT], slow=70))
    desk.controller.unload()
    desk.until(lambda: desk.picture.loaded is None)
    details = desk.opens(model)
    assert details.plan is not None
    assert details.plan.exact
    table = desk.card(model).details.memory
    desk.sees("As the engine itself plans it.")
    desk.until(lambda: table.rows()[1][-1] != NOTHING)  # of the load
    assert "Last answer" not in looks.texts(table)

    looks.button(desk.page, f"Load: {model.name}").click()
    desk.until_loaded()
    answer(desk, "Please count.")
    desk.until(lambda: "Last answer: " in looks.texts(table))
    (speed,) = [one for one in desk.details(model).measured if one.what == "speed"]
    assert speed.predicted > 0
    memory = next(one for one in desk.details(model).measured if one.what == "memory")
    assert memory.measured == pytest.approx(details.plan.total, rel=0.5)


def test_a_press_goes_back_to_the_former_version(desk: Desk, tmp_path: Path) -> None:
    downloaded(desk, scripted_model(tmp_path / "old.gguf", "", "I am the former."), "a" * 40, 0)
    downloaded(desk, scripted_model(tmp_path / "new.gguf", "", "I am the newer one."), "b" * 40, 1)
    desk.controller.start()
    desk.until(lambda: len(desk.local) == 2)
    new, old = sorted(desk.local, key=lambda model: not model.current)
    assert list(desk.page.here.cards) == [str(new.path)], "the former version has no card of its own"
    desk.controller.load(new)
    desk.until_loaded()
    desk.opens(new)
    desk.sees("Versions", new.version, old.version)
    desk.presses(f"Use this one: {old.version}")
    desk.until(lambda: desk.picture.loaded is not None and desk.picture.loaded.path == old.path)
    assert "former" in answer(desk, "Hello!")
    desk.until(lambda: list(desk.page.here.cards) == [str(old.path)])


def test_an_adapter_is_added_weakened_and_switched_off_while_the_model_answers(desk: Desk, tmp_path: Path) -> None:
    path = scripted_model(tmp_path / "greeter.gguf", scripts=[COUNT])
    adapter = redirecting_adapter(tmp_path / "counting.gguf", path, COUNT.answer)
    desk.controller.start()
    model = desk.takes_in(path)
    desk.opens(model)
    assert "n0" not in answer(desk, "Hello!")
    box = desk.card(model).details.adapters
    box.file_chosen.emit(str(adapter))
    desk.until(lambda: [scale for _, scale in desk.details(model).adapters] == [1.0])
    desk.until(lambda: desk.services.shelf.adapters_of(model))
    desk.until(lambda: desk.picture.loaded is not None and desk.picture.loaded.adapters)
    assert "n0" in answer(desk, "Hello!")

    (row,) = box.rows.values()
    row.scale.setValue(0.05)
    desk.until(lambda: [scale for _, scale in desk.services.shelf.adapters_of(model)] == [0.05])
    desk.until(lambda: desk.picture.loaded and [one.scale for one in desk.picture.loaded.adapters] == [0.05])
    assert "n0" not in answer(desk, "Hello!"), "too weak to be heard"
    row.switch.click()
    desk.until(lambda: desk.services.shelf.adapters_of(model) == ())
    assert desk.picture.loaded is not None
    looks.button(row, "Take counting off the list (the file stays)").click()
    desk.until(lambda: desk.details(model).adapters == ())
    assert adapter.exists()


def test_a_smaller_version_is_shown_before_it_is_made(desk: Desk, tmp_path: Path) -> None:
    desk.controller.start()
    path = random_model(tmp_path / "tiny-F16.gguf", shape=SHAPE, quant=Quant.F16)
    desk.services.library.add(path)
    desk.controller.rescan()
    desk.until(lambda: desk.local)
    (model,) = desk.local
    desk.opens(model)
    box = desk.card(model).details.smaller
    assert not box.make.isEnabled()
    box.choice.setCurrentText("Q4_K_M")
    box.choice.activated.emit(box.choice.currentIndex())
    desk.until(lambda: box.make.isEnabled())
    planned = desk.details(model).smaller
    assert planned is not None
    assert planned.size
    assert planned.size < model.size
    assert planned.loss.en in looks.texts(box)
    assert planned.loss.zh
    box.make.click()
    desk.is_told(f"{model.name} in Q4_K_M was made.")
    desk.until(lambda: len(desk.local) == 2)
    made = next(one for one in desk.local if one.origin == "quantised")
    assert (made.quant, made.size) == ("Q4_K_M", planned.size)
    desk.until(lambda: str(made.path) in desk.page.here.cards)
    assert "made on this computer" in looks.texts(desk.card(made))
    assert desk.card(made).state.removal == "delete"


@pytest.fixture
def fetched(desk: Desk, hub: HubServer, tmp_path: Path) -> LocalModel:
    """A downloaded model that rests."""
    hub.add_repo(REPO, {FILE: scripted_model(tmp_path / FILE, slow=8)})
    desk.controller.start()
    desk.controller.pull(f"{REPO}:F16")
    desk.until_loaded()
    desk.controller.unload()
    desk.until(lambda: desk.picture.loaded is None)
    return desk.local[0]


def test_a_good_file_is_verified(desk: Desk, fetched: LocalModel) -> None:
    desk.opens(fetched)
    desk.presses("Verify the file")
    desk.until(lambda: desk.details(fetched).checked.en)
    said = desk.details(fetched).checked
    desk.is_told(said.en)
    assert said.en in looks.texts(desk.card(fetched))
    assert said.zh
    assert "Repair" not in looks.texts(desk.board)


def test_a_damaged_file_is_found_and_repaired_by_a_press(desk: Desk, hub: HubServer, fetched: LocalModel) -> None:
    desk.opens(fetched)
    before = len(hub.ranges(FILE))
    content = bytearray(fetched.path.read_bytes())
    content[-3] ^= 1
    fetched.path.write_bytes(content)
    desk.presses("Verify the file")
    desk.press("Repair")
    desk.is_told("is whole again")
    assert sha256(fetched.path) == fetched.sha256
    begin, end = hub.ranges(FILE)[-1]
    assert len(hub.ranges(FILE)) > before
    assert end - begin < fetched.size, "only what was damaged"
    desk.until(lambda: not desk.local[0].problem.en)


def test_a_repair_is_seen_on_the_card_and_can_be_stopped(desk: Desk, hub: HubServer, fetched: LocalModel) -> None:
    content = bytearray(fetched.path.read_bytes())
    content[-3] ^= 1
    fetched.path.write_bytes(content)
    hub.fail("cdn", paused(after=100))
    desk.opens(fetched)
    desk.presses("Verify the file")
    desk.press("Repair")
    desk.until(lambda: [work.kind for work in desk.picture.works] == ["repair"])
    desk.presses("Cancel: Fetching what is damaged")
    hub.release()
    desk.until(lambda: not desk.picture.works)


def test_the_hub_is_asked_for_a_newer_one(desk: Desk, hub: HubServer, fetched: LocalModel, tmp_path: Path) -> None:
    desk.opens(fetched)
    desk.presses("Look for a newer version")
    desk.is_told("is the newest there is")
    hub.add_repo(REPO, {FILE: scripted_model(tmp_path / "newer.gguf", "", "Newer.")})
    desk.presses("Look for a newer version")
    desk.is_told("The publisher has a newer")
    desk.press("Download")
    desk.until(lambda: len(desk.services.library.versions(fetched.id)) == 2)


def downloaded(desk: Desk, model: Path, commit: str, when: int) -> Path:
    """A version as a download leaves it, `when` seconds after the first."""
    folder, size = desk.services.models_folder, model.stat().st_size
    piece = FilePart(FILE, size, sha256(model), "", checked=True)
    record = Record("https://x.example", REPO, commit, "F16", (piece,))
    version = partial.version_for(folder, record)
    path = put(model, partial.place(folder, REPO, FILE, version))
    os.utime(path, ns=(1, (1_700_000_000 + when) * 10**9))
    partial.write_receipt(path, Record("https://x.example", REPO, commit, "F16", (piece,), version))
    return path
