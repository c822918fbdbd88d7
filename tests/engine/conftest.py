import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import pytest

from backends.engine.embedder import EmbedderThread, NativeEmbedder
from backends.engine.embedding import LoadedEmbedder
from backends.engine.loader import NativeEngine
from backends.engine.protocol import LoadedModel, LoadFinished, LoadRequest
from tests.kit.embedders import random_bert, random_qwen3
from tests.kit.embedding import LoadEmbedder, loaded
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


# ---- embedders and rerankers


@pytest.fixture(scope="session")
def embedders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, pool = tmp_path_factory.mktemp("embedders"), gguf.PoolingType
    return {
        "xlmr": random_bert(folder / "xlmr.gguf", pooling=pool.CLS),
        "bert": random_bert(folder / "bert.gguf", tokenizer="bert", pooling=pool.MEAN),
        "nomic": random_bert(
            folder / "nomic.gguf", architecture="nomic-bert", tokenizer="bert", pooling=pool.MEAN, name="Random Nomic"
        ),
        "qwen3": random_qwen3(folder / "qwen3.gguf"),
        "silent": random_bert(folder / "silent.gguf", pooling=None),
        "ranks": random_bert(folder / "ranks.gguf", pooling=pool.RANK, ranks=True),
        "ranks-bert": random_bert(folder / "ranks-bert.gguf", tokenizer="bert", pooling=pool.RANK, ranks=True),
        "ranks-qwen3": random_qwen3(folder / "ranks-qwen3.gguf", pooling=pool.RANK, ranks=True),
    }


@pytest.fixture
def embedder_thread() -> Iterator[EmbedderThread]:
    thread = EmbedderThread()
    yield thread
    thread.close()
    assert "embedder" not in {one.name for one in threading.enumerate()}


@pytest.fixture
def embedder(embedder_thread: EmbedderThread) -> NativeEmbedder:
    return embedder_thread.embedder()


@pytest.fixture
def load_embedder(embedder: NativeEmbedder, embedders: dict[str, Path]) -> LoadEmbedder:
    def load(name: str, **options: Any) -> LoadedEmbedder:
        return loaded(embedder, embedders[name], **options)

    return load
