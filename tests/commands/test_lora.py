"""`deskseek ask --lora`: an adapter for one answer."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.commands.conftest import Inside, window
from tests.kit.adapters import redirecting_adapter
from tests.kit.ggufs import ANSWER, Script, scripted_model
from tests.kit.shell import Shell

OTHER = "Something else altogether."
ASK = ("ask", "--quiet", "--temperature", "0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lora")
    model = scripted_model(folder / "m-Q4_K_M.gguf", scripts=[Script("", OTHER, word="other")])
    redirecting_adapter(folder / "style.gguf", model, OTHER)
    return folder


def test_it_is_for_this_answer_only_also_where_the_model_stays_loaded(shell: Shell, folder: Path) -> None:
    here = replace(shell, cwd=folder)
    with window(shell):
        assert here.run(*ASK, "--model", "m-Q4_K_M.gguf", "Hello").out.strip() == ANSWER
        assert here.run(*ASK, "--lora", "style.gguf", "Hello").out.strip() == OTHER
        assert here.run(*ASK, "Hello").out.strip() == ANSWER
        assert here.run(*ASK, "--lora=./style.gguf:0", "Hello").out.strip() == ANSWER
        assert here.run("models", "import", "style.gguf").code == 0
        assert here.run(*ASK, "--lora", "style:1.5", "Hello").out.strip() == OTHER  # by its id, too
        assert here.run(*ASK, "Hello").out.strip() == ANSWER
    assert here.run(*ASK, "--lora", str(folder / "style.gguf"), "Hello").out.strip() == OTHER


def test_adapters_that_the_model_wears_anyway_stay_and_are_there_again(inside: Inside, folder: Path) -> None:
    services = inside.services
    model = services.library.add(folder / "m-Q4_K_M.gguf")
    (adapter,) = services.shelf.add_adapter(folder / "style.gguf")
    list(services.shelf.set_adapters(model, [(adapter, 1.0)]))
    assert inside.run(*ASK, "Hello").out.strip() == OTHER
    assert inside.run(*ASK, "--lora", "style:0", "Hello").out.strip() == ANSWER  # the same one, weaker
    assert inside.run(*ASK, "Hello").out.strip() == OTHER
    assert services.shelf.adapters_of(model) == ((adapter, 1.0),)


def test_what_is_no_adapter_for_this_model_is_told_before_anything_is_loaded(
    inside: Inside, folder: Path, tmp_path: Path
) -> None:
    wide = scripted_model(tmp_path / "wide-Q4_K_M.gguf", "", "A different vocabulary, 12345!", slow=1)
    foreign = redirecting_adapter(tmp_path / "foreign.gguf", wide, "A different vocabulary, 12345!")
    model = str(folder / "m-Q4_K_M.gguf")
    for lora, code in (("nothing.gguf", "file_not_found"), (model, "not_adapter"), (str(tmp_path), "")):
        outcome = inside.run(*ASK, "--model", model, "--lora", lora, "--json", "Hello")
        assert outcome.code == 1
        assert outcome.json["error"]["code"] == code or not code
        assert inside.services.engine.model is None
    outcome = inside.run(*ASK, "--model", model, "--lora", str(foreign), "--json", "Hello")
    assert (outcome.code, outcome.json["error"]["code"]) == (1, "adapter_does_not_fit")
    assert inside.run(*ASK, "Hello").out.strip() == ANSWER
    for lora in ("style.gguf:11", "style.gguf:nan", ":1"):
        assert inside.run(*ASK, "--lora", lora, "Hello").code == 2
