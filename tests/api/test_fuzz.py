"""API-05: whatever is sent, nobody is told that the server failed, nothing hangs, and the next one is served.

DESKSEEK_SOAK=2000 pytest tests/api/test_fuzz.py     # so many requests; `tests.bench soak --only api`
"""

import json
import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from backends.api.routes import ROUTES
from tests.kit.any_request import bounded, models_of_all_kinds
from tests.kit.api_server import ApiServed, api_server

PATHS = [route.path for route in ROUTES if route.method == "POST" and route.body == "json"]
EXAMPLES = -(-int(os.environ.get("DESKSEEK_SOAK", "200")) // (len(PATHS) + 1))
LONG = 300.0  # seconds: it hangs
PATIENT = settings(
    max_examples=EXAMPLES,
    derandomize="DESKSEEK_SOAK" not in os.environ,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
    database=None,
)

HELLO = [{"role": "user", "content": "Hello!"}]
WEATHER = {"name": "weather", "description": "Of a city", "parameters": {"type": "object", "properties": {"city": {}}}}
CALLED = [{"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", None]}}, "required": ["a"]}
CHAT = {
    "messages": [*HELLO, {"role": "assistant", "tool_calls": CALLED}, {"role": "tool", "tool_call_id": "c"}, *HELLO],
    "tools": [{"type": "function", "function": WEATHER}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
}
GOOD: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": {"prompt": ["Hello!", [1, 2]], "logit_bias": {"5": 1}, "stop": ["x"], "logprobs": 1},
    "/v1/responses": {
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hello!"}]}],
        "tools": [{"type": "function", **WEATHER}],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}},
    },
    "/v1/embeddings": {"input": ["a", "b"], "encoding_format": "base64"},
    "/v1/rerank": {"query": "a", "documents": ["b", {"text": "c"}], "top_n": 1},
    "/tokenize": {"content": "Hello!"},
    "/detokenize": {"tokens": [1, 2, 3]},
    "/v1/search": {"query": "a", "limit": 3, "since": 0},
    "/v1/messages": {"messages": HELLO, "max_tokens": 4, "system": [{"type": "text", "text": "s"}]},
    "/v1/messages/count_tokens": {"messages": HELLO, "tools": [{"name": "weather", "input_schema": SCHEMA}]},
    "/api/show": {"model": ""},
    "/api/chat": {"messages": HELLO, "format": SCHEMA, "options": {"temperature": 1, "stop": ["x"]}},
    "/api/generate": {"prompt": "Hello!", "system": "s", "think": True},
    "/api/embed": {"input": ["a", "b"]},
    "/api/embeddings": {"prompt": "a"},
}
HUGE = (-(2**63) - 1, -1, 0, 2**31, 2**32 + 1, 2**53 + 1, 2**64, 10**400)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    models = models_of_all_kinds(tmp_path_factory.mktemp("models"))
    with api_server(tmp_path_factory.mktemp("home"), models, parallel=2, context=1024) as server:
        yield server


@pytest.fixture(scope="module")
def client(served: ApiServed) -> Iterator[httpx.Client]:
    with served.client(timeout=LONG) as client:
        yield client


# ---- what nobody would send


def junk() -> SearchStrategy[Any]:
    texts = st.one_of(st.text(max_size=20), st.sampled_from(("", "\0", "\ud800", "\udfff a", "a" * 3000, "<think>")))
    plain = st.one_of(
        st.none(), st.booleans(), st.sampled_from(HUGE), st.integers(), st.floats(), texts, st.just([]), st.just({})
    )
    few = st.recursive(plain, lambda one: st.lists(one, max_size=4) | st.dictionaries(texts, one, max_size=4))
    return few | st.integers(1, 100).map(_deep)


def _deep(levels: int) -> Any:
    made: Any = []
    for _ in range(levels):
        made = [made] if levels % 2 else {"a": made}
    return made


@st.composite
def spoilt(draw: st.DrawFn, body: Any, names: list[str]) -> Any:
    """A good request in which some of its values, at any depth, are others, are gone, or are joined by known fields."""
    body = json.loads(json.dumps(body))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(_places(body))))
        match draw(st.sampled_from(("change", "change", "add", "leave out"))):
            case "change":
                place[0][place[1]] = draw(junk())
            case "add":
                body[draw(st.sampled_from(names))] = draw(junk())
            case _:
                del place[0][place[1]]
        if not body:
            return body
    return body


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Everything in it, as the object or list that holds it, and its name or number there."""
    for name, held in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, name
        if isinstance(held, dict | list):
            yield from _places(held)


def _names(described: dict[str, Any], path: str) -> list[str]:
    """Fields of a route's body."""
    reference = described["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return sorted(described["components"]["schemas"][reference.rpartition("/")[2]]["properties"])


# ---- and how it is answered


def test_there_is_a_good_request_for_every_route(client: httpx.Client) -> None:
    assert set(GOOD) == set(PATHS)
    for path, body in GOOD.items():
        assert client.post(path, json=bounded(body)).status_code == 200, path


@pytest.mark.parametrize("path", PATHS)
def test_whatever_is_sent_is_answered_or_refused(client: httpx.Client, path: str) -> None:
    names = _names(client.get("/openapi.json").json(), path)

    @PATIENT
    @given(body=st.one_of(spoilt(GOOD[path], names), spoilt(GOOD[path], names), junk()))
    def send(body: Any) -> None:
        _sent(client, path, json.dumps(bounded(body)).encode("ascii"))

    send()
    assert client.post(path, json=bounded(GOOD[path])).status_code == 200


@PATIENT
@given(data=st.data())
def test_what_is_no_json_is_refused(client: httpx.Client, data: DataObject) -> None:
    path = data.draw(st.sampled_from(PATHS))
    good = json.dumps(GOOD[path]).encode()
    cut = data.draw(st.integers(0, len(good)))
    odd = (b"[" * 100_000, b'{"a":' * 70 + b"1" + b"}" * 70, b"NaN", b"\xff\xfe{}", b'"\xed\xa0\x80"', b'{"a":1e999}')
    body = data.draw(st.sampled_from((good[:cut], good[:cut] + b"\0" + good[cut:], *odd)) | st.binary(max_size=50))
    _sent(client, path, body)


def test_the_server_is_as_before(served: ApiServed, client: httpx.Client) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    served.until(lambda: not served.services.api.running())
    answer = client.post("/v1/chat/completions", json={"messages": HELLO, "max_tokens": 4})
    assert answer.json()["usage"]["completion_tokens"] == 4


def _sent(client: httpx.Client, path: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500, (answer.status_code, answer.text)
    assert "internal_error" not in answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-should-retry"] == "false"
        assert answer.json()
