"""What is sent as it comes: pings while there is nothing to tell, last words, and who is told to stop."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import openai
import pytest

from backends.api import routes, sse
from backends.api.calls import Call
from backends.api.errors import ApiError
from backends.core.errors import Unavailable
from backends.core.phrase import Phrase
from tests.kit.api_server import ApiServed, api_server
from tests.kit.chatting import CHAT, MODEL, strict, user
from tests.kit.ggufs import Script, scripted_model

ENDLESS = Script("", "And on it goes, for ever.", word="endless", endless=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    path = scripted_model(tmp_path_factory.mktemp("telling") / "scripted.gguf", scripts=[ENDLESS], slow=24)
    with api_server(tmp_path_factory.mktemp("home"), [path], context=32768) as server:
        yield server


def sent(parts: AsyncGenerator[bytes, None], path: str = CHAT, lines: bool = False) -> bytes:
    """The body of a response, by the dialect of a route."""
    route = routes.find("POST", path)
    assert isinstance(route, routes.Route)
    call, messages = Call(route), list[Any]()

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        raise AssertionError("nobody asks whether the client is still there: the guard knows")

    async def respond() -> None:
        response = sse.json_lines(call, parts) if lines else sse.event_stream(call, parts)
        await response({"type": "http"}, receive, send)

    asyncio.run(respond())
    assert messages[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    return b"".join(message["body"] for message in messages[1:])


async def failing(error: Exception) -> AsyncGenerator[bytes, None]:
    yield sse.data({"a": 1})
    raise error


def test_there_is_a_ping_where_nothing_is_told_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def parts() -> AsyncGenerator[bytes, None]:
        yield b""
        yield sse.data({"text": "你"})

    assert sent(parts()) == 'data: {"text":"你"}\n\n'.encode()
    monkeypatch.setattr(sse, "PING", 0.0)
    assert sent(parts()) == ': ping\n\ndata: {"text":"你"}\n\n'.encode()
    assert sent(parts(), lines=True) == 'data: {"text":"你"}\n\n'.encode()


def test_what_goes_wrong_late_is_told_by_the_dialect() -> None:
    error = ApiError(503, "Gone.", "answer_stopped")
    assert sent(failing(error)).endswith(
        b'data: {"error":{"message":"Gone.","type":"unavailable_error","param":null,"code":"answer_stopped"}}\n\n'
    )
    assert b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"' in sent(
        failing(error), "/v1/messages"
    )
    assert sent(failing(error), "/api/chat", lines=True).endswith(b'\n\n{"error":"Gone."}\n')
    ours = Unavailable(Phrase("Not now.", "现在不行。"), code="no_model")
    assert b'"message":"Not now.","type":"unavailable_error","param":null,"code":"no_model"' in sent(failing(ours))


def test_an_answer_that_somebody_stops_ends_with_an_error(served: ApiServed) -> None:
    question: Any = user("endless")

    def stop_after_five(stream: Any) -> None:
        for number, _ in enumerate(stream):
            if number == 5:
                (running,) = served.services.api.running()
                assert served.services.api.live.cancel(running.id)

    with strict(served) as client:
        stream = client.chat.completions.create(model=MODEL, messages=question, stream=True)
        with pytest.raises(openai.APIError, match="stopped"):
            stop_after_five(stream)


def test_a_whole_answer_that_somebody_stops(served: ApiServed) -> None:
    """As soon as it is seen to be written it is stopped; the client does not ask again by itself."""
    changes = served.services.changes()

    def look() -> None:
        changes.drain()
        for running in served.services.api.running():
            if running.state == "writing":
                served.services.api.live.cancel(running.id)

    changes.on_wake(look)
    question: Any = user("endless")
    with strict(served) as client, pytest.raises(openai.InternalServerError) as stopped:
        client.with_options(max_retries=2).chat.completions.create(model=MODEL, messages=question)
    changes.on_wake(None)
    changes.cancel()
    assert stopped.value.code == "cancelled"
    assert stopped.value.response.headers["x-should-retry"] == "false"
