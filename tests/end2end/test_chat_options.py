"""A chat has its own model and its own manner: by a preset that somebody sent, and still tomorrow."""

from pathlib import Path

from backends.core.settings import SettingsStore
from tests.end2end.person import CLEAN, Home
from tests.kit.ggufs import scripted_model


def test_a_preset_that_is_dropped_gives_a_chat_its_own_model_for_good(home: Home, small: Path, tmp_path: Path) -> None:
    home.has(small)
    SettingsStore(home.paths.config / "settings.json").set("models.default_model", small.stem)
    scripted_model(home.paths.models / "second.gguf", "", "The second one says so.", name="The second")
    preset = tmp_path / "sent.preset.json"
    preset.write_text('{"deskseek_preset": 1, "name": "As my colleague", "options": {"model": "second", "top_k": 40}}')
    (broken := tmp_path / "broken.preset.json").write_text('{"deskseek_preset": 1, "name": ')
    with home.start() as window:
        window.sees("What can I do for you?")
        window.asks("Hello?")
        window.sees("All is well, Today")  # it has a title
        window.drops(broken)
        window.sees("broken.preset.json cannot be used: it is no JSON.")
        window.drops(preset)
        window.sees("The preset “As my colleague” was added.")
        window.presses("New chat")
        window.presses("Use it in this chat")
        window.presses("Chat settings: As my colleague")
        window.sees("For the next chat.", "As my colleague")
        window.presses("Close the chat settings")
        window.clicks_into("Your question")
        window.asks("And you?")
        window.sees("The second one says so, Today")
        assert window.is_closed() == CLEAN
    with home.start() as window:
        window.chooses("The second one says so")
        window.sees("The second one says so.", "As my colleague")
        window.chooses("All is well")
        window.sees_no_more("As my colleague")
        assert window.is_closed() == CLEAN
