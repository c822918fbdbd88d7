"""A question that leans on the one before is made to stand alone, or gets its words."""

from collections.abc import Iterator

import pytest

from backends.chat.question import MOST_TOKENS, leans, standing_alone
from backends.chat.store import ChatStore
from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled
from backends.engine.loader import NativeEngine
from backends.engine.protocol import LoadRequest
from tests.kit.ggufs import Script, scripted_model

FIRST = "When was the harbour of Port Selwyn dredged?"
ANEW = "Question: How deep was the harbour dredged?"
ANEW_ZH = "改写后的问题：青石镇的古桥有多长？"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeEngine]:
    path = scripted_model(
        tmp_path_factory.mktemp("models") / "rewriting.gguf",
        "",
        ANEW,
        scripts=[
            Script("", ANEW_ZH, word="多长呢"),
            Script("", " ".join(f"n{number}" for number in range(200)), word="babble", endless=True),
        ],
    )
    engine = NativeEngine()
    list(engine.load(LoadRequest(path, context=4096, gpu_layers=0, threads=1)))
    yield engine
    engine.close()


def alone(store: ChatStore, engine: NativeEngine, question: str, first: str = FIRST, deadline: float = 60.0) -> str:
    conversation = store.create()
    store.add_message(conversation.id, "user", first)
    store.add_message(conversation.id, "assistant", "In 1887 [1].")
    before = store.messages(conversation.id)
    return standing_alone(engine, before, question, deadline=deadline, cancel=CancelToken())


def test_the_model_writes_it_anew(store: ChatStore, engine: NativeEngine) -> None:
    assert alone(store, engine, "And how deep was it?") == "How deep was the harbour dredged?"
    assert alone(store, engine, "它多长呢？", "青石镇的古桥是什么时候建的？") == "青石镇的古桥有多长？"


def test_what_stands_alone_is_left_alone(store: ChatStore) -> None:
    """No model is needed for that, and the first question has nothing to lean on."""
    nobody = NativeEngine()
    question = "What is the notice period of the lease in Hallam?"
    assert alone(store, nobody, question) == question
    assert standing_alone(nobody, (), "And then?", cancel=CancelToken()) == "And then?"
    nobody.close()


def test_without_a_usable_answer_the_words_before_are_added(store: ChatStore, engine: NativeEngine) -> None:
    question = "And what about babble?"
    assert alone(store, engine, question, deadline=0.0) == f"{question} {FIRST}"
    nobody = NativeEngine()
    assert alone(store, nobody, question) == f"{question} {FIRST}"  # no model is loaded
    nobody.close()
    long = alone(store, engine, question)  # ended by its length
    assert len(long.split()) <= MOST_TOKENS + 10


def test_a_cancel_ends_it(store: ChatStore, engine: NativeEngine) -> None:
    conversation = store.create()
    store.add_message(conversation.id, "user", FIRST)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        standing_alone(engine, store.messages(conversation.id), "And what about babble?", cancel=cancel)


@pytest.mark.parametrize(
    ("question", "leaning"),
    [
        ("Why?", True),
        ("And in 1974?", True),
        ("Who paid for it?", True),
        ("What about the second one?", True),
        ("Which of these was cheaper than the contract of 2020?", True),
        ("为什么？", True),
        ("那2020年呢？", True),
        ("它的面积是多少？", True),
        ("How long is the bridge of Qingshi?", False),
        ("Is there a notice period in the lease?", False),
        ("青石镇的古桥有多长？", False),
        ("合同的租金是多少？", False),
    ],
)
def test_what_leans(question: str, leaning: bool) -> None:
    assert leans(question) is leaning
