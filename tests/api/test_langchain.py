"""LangChain's own client talks to a model."""

from collections.abc import Iterator

import pytest
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.kit.api_server import ApiServed, api_server
from tests.kit.chatting import MODEL
from tests.kit.ggufs import ANSWER, Script, scripted_model
from tests.kit.tool_calls import GENERATIONS, spoken

CALL = spoken(GENERATIONS["r1"], ("get_weather", {"city": "Paris"}))


def get_weather(city: str) -> str:
    """The weather of a city"""
    return f"sunny in {city}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    scripts = [Script("It is asked for.", f"I look.\n\n{CALL}", word="weather")]
    path = scripted_model(tmp_path_factory.mktemp("chain") / "scripted.gguf", scripts=scripts)
    with api_server(tmp_path_factory.mktemp("home"), [path]) as server:
        yield server


@pytest.fixture
def chat(served: ApiServed, monkeypatch: pytest.MonkeyPatch) -> ChatOpenAI:
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    key = SecretStr(served.key)
    return ChatOpenAI(model=MODEL, base_url=f"{served.url}/v1", api_key=key, max_retries=0, stream_usage=True)


def test_an_answer_whole_and_as_it_comes(chat: ChatOpenAI) -> None:
    answer = chat.invoke("Hello!")
    assert answer.text == ANSWER
    assert answer.usage_metadata is not None
    assert answer.usage_metadata["total_tokens"] > 0
    parts = list(chat.stream("Hello!"))
    assert "".join(part.text for part in parts) == ANSWER
    assert [part.usage_metadata["total_tokens"] for part in parts if part.usage_metadata] == [
        answer.usage_metadata["total_tokens"]
    ]


def test_a_call_of_a_tool(chat: ChatOpenAI) -> None:
    (call,) = chat.bind_tools([get_weather]).invoke("weather").tool_calls
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Paris"})
