"""What models of this disk do for a search: vectors, order, a translation."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gguf
import numpy as np
import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, Unavailable
from backends.engine.loader import NativeEngine
from backends.engine.protocol import LoadRequest
from backends.services import Services
from backends.services.searching import ChatTranslator, LibraryEmbedder, LibraryReranker
from tests.kit.embedders import random_bert
from tests.kit.ggufs import Script, scripted_model

ENGLISH, CHINESE = "the notice period of the lease", "猫在夜里做什么"


def test_without_models_there_is_nothing_to_ask(services: Services) -> None:
    token = CancelToken()
    assert LibraryEmbedder(services.embedding).identity(token) is None
    assert not LibraryReranker(services.embedding).ready
    assert not ChatTranslator(services.engine).ready
    with pytest.raises(Unavailable):
        LibraryEmbedder(services.embedding).embed_query("cats", token)


def test_vectors_and_order_by_the_models_of_this_disk(services: Services, tmp_path: Path) -> None:
    token = CancelToken()
    model = services.library.add(random_bert(tmp_path / "all-minilm.gguf", name="all MiniLM"))
    embedder = LibraryEmbedder(services.embedding)
    identity = embedder.identity(token)
    assert identity is not None
    assert (identity.model, identity.pooling, identity.dimensions) == (model.name, "cls", 64)
    assert not identity.multilingual  # nothing says so
    passages = embedder.embed_passages(["a cat", "a train", ""], token)
    assert [len(vector) for vector in passages] == [256] * 3
    assert np.linalg.norm(np.frombuffer(embedder.embed_query("a cat", token), "<f4")) == pytest.approx(1.0, abs=1e-3)
    services.library.add(random_bert(tmp_path / "ranks.gguf", pooling=gguf.PoolingType.RANK, ranks=True))
    reranker = LibraryReranker(services.embedding)
    assert reranker.ready
    scores = reranker.scores("a cat", ["a cat", "a train"], token)
    assert len(scores) == 2
    assert all(0.0 < score < 1.0 for score in scores)
    token.cancel()
    with pytest.raises(Cancelled):
        embedder.embed_passages(["a cat"], token)


def test_one_that_is_known_to_know_languages(services: Services, tmp_path: Path) -> None:
    services.library.add(random_bert(tmp_path / "bge-m3-q8_0.gguf", name="BGE M3"))
    identity = LibraryEmbedder(services.embedding).identity(CancelToken())
    assert identity is not None
    assert identity.multilingual


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeEngine]:
    """Asked for `english` it translates, for `chinese` too; `endless` never ends, `wrong` stays in Chinese."""
    path = tmp_path_factory.mktemp("gguf") / "translates.gguf"
    scripts = [
        Script("", CHINESE, word="chinese"),
        Script("", " ".join(f"n{number}" for number in range(40)), word="endless", endless=True),
    ]
    scripted_model(path, "", ENGLISH, scripts=scripts, slow=8, breaks=True)
    with closing(NativeEngine()) as engine:
        list(engine.load(LoadRequest(path, context=2048, gpu_layers=0, threads=1)))
        yield engine


def test_the_chat_model_translates(engine: NativeEngine) -> None:
    translator = ChatTranslator(engine, deadline=60)
    assert translator.ready
    assert translator.translate("租约的通知期", "en", CancelToken()) == ENGLISH
    assert translator.translate("chinese", "zh", CancelToken()) == CHINESE


def test_what_is_not_in_that_language_is_no_translation(engine: NativeEngine) -> None:
    assert ChatTranslator(engine, deadline=60).translate("chinese", "en", CancelToken()) == ""


def test_it_has_a_deadline(engine: NativeEngine) -> None:
    assert ChatTranslator(engine, deadline=0.0).translate("endless", "en", CancelToken()) == ""


def test_a_long_answer_is_cut(engine: NativeEngine) -> None:
    said = ChatTranslator(engine, deadline=60).translate("endless", "en", CancelToken())
    assert len(said.split()) <= 64


def test_a_cancelled_search_ends_the_translation(engine: NativeEngine) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        ChatTranslator(engine, deadline=60).translate("endless", "en", token)
