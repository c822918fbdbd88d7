import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backends.engine.loader import NativeEngine
from backends.engine.protocol import LoadedModel, LoadFinished, LoadRequest
from tests.kit.ggufs import Script, scripted_model

ENDLESS = Script("Here I begin to run.", "And on it goes, for ever.", word="endless", endless=True)
BRIEF = Script("", "直接回答，没有思考。", word="brief")
UNCLOSED = Script("Still wondering whether", "", word="unclosed", closes=False)


@pytest.fixture(scope="session")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Says the kit's text; "endless", "brief" and "unclosed" in the question pick other scripts."""
    return scripted_model(tmp_path_factory.mktemp("models") / "scripted.gguf", scripts=[ENDLESS, BRIEF, UNCLOSED])


@pytest.fixture
def engine() -> Iterator[NativeEngine]:
    engine = NativeEngine()
    yield engine
    engine.close()
    assert "engine" not in {thread.name for thread in threading.enumerate()}


Load = Callable[..., LoadedModel]


@pytest.fixture
def load(engine: NativeEngine) -> Load:
    def load(path: Path, context: int = 4096, gpu_layers: int = 0, **options: object) -> LoadedModel:
        events = list(engine.load(LoadRequest(path, context, gpu_layers=gpu_layers, **options)))  # type: ignore[arg-type]
        assert isinstance(events[-1], LoadFinished)
        assert engine.model == events[-1].model
        return events[-1].model

    return load
