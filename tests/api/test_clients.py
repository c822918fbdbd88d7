"""What clients rely on besides the words of an answer: who asks again and who does not, what becomes of those who go,
who comes first; and that nothing that is told names a place, a person or a key."""

import getpass
import json
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Literal

import httpx
import openai
import pytest
from langchain_openai import ChatOpenAI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, SecretStr

from backends.api.live import LiveCall
from backends.api.request_log import Logged
from backends.api.routes import ROUTES
from backends.engine.protocol import GenerateRequest, ReasoningDelta, Sampling, TextDelta, Turn
from tests.api.test_fuzz import GOOD
from tests.kit.any_request import bounded
from tests.kit.api_server import ApiServed, api_server
from tests.kit.chatting import CHAT, LONG, MODEL, user
from tests.kit.embedders import random_bert
from tests.kit.ggufs import ANSWER, Script, scripted_model
from tests.kit.guarded import Wire

SLOTS, QUEUE = 2, 32
ENDLESS = Script("", "And on it goes, for ever.", word="endless", endless=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    folder = tmp_path_factory.mktemp("clients")
    models = [
        scripted_model(folder / "first.gguf", scripts=[ENDLESS], slow=24),
        scripted_model(folder / "second.gguf", name="Second"),
        random_bert(folder / "embeds.gguf", context=128),
    ]
    with api_server(tmp_path_factory.mktemp("home"), models, parallel=SLOTS, context=32768) as server:
        yield server


def asked_of_chat(served: ApiServed, running: int = 0) -> list[Logged]:
    """The oldest first, when no more than so many are live."""
    return [entry for entry in served.logged(running) if entry.route == CHAT]


def wait_until(served: ApiServed, wanted: Callable[[tuple[LiveCall, ...]], bool]) -> None:
    """Until the live requests are so."""
    served.until(lambda: wanted(served.services.api.running()))


def sent(served: ApiServed, **asked: Any) -> Wire:
    """A question to the chat; the answer is not waited for."""
    body = json.dumps({"model": MODEL, **asked}).encode()
    headers = (f"x-api-key: {served.key}", "Content-Type: application/json")
    return Wire(int(served.url.rpartition(":")[2])).ask(f"POST {CHAT}", *headers, body=body)


def gone(wire: Wire, how: str) -> None:
    if how == "rst":
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.socket.close()


def metrics(served: ApiServed) -> dict[str, float]:
    with served.client() as client:
        text = client.get("/metrics").text
    return {
        sample.name + json.dumps(sample.labels, sort_keys=True): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def all_wait(served: ApiServed) -> None:
    """Until as many wait as may."""
    due = time.monotonic() + LONG
    while metrics(served)["llamacpp:requests_deferred{}"] < QUEUE:
        assert time.monotonic() < due


def nothing_runs(served: ApiServed) -> None:
    wait_until(served, lambda calls: not calls)
    assert metrics(served)["llamacpp:requests_deferred{}"] == 0


# ---- who asks again


def test_a_request_that_is_wrong_is_sent_once(served: ApiServed) -> None:
    before = len(served.logged())
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=served.key, max_retries=2, timeout=LONG) as client:
        wrong: Any = [{"role": "nobody", "content": "x"}]
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=MODEL, messages=wrong)
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("nothing")
        with pytest.raises(openai.AuthenticationError):
            client.with_options(api_key="dsk_wrong").models.list()
    served.until(lambda: len(served.services.api.log.entries(before + 3)) == before + 3)  # a stranger is never live
    assert [entry.status for entry in served.logged()[before:]] == [400, 404, 401]


def test_who_is_told_to_come_again_does_so_when_it_is_told(served: ApiServed, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many wait as may: eight answers each, that never end. What pauses the client makes is noted, not waited."""
    pauses: list[float] = []
    calculate = openai.OpenAI._calculate_retry_timeout

    def noted(*given: Any, **named: Any) -> float:
        pauses.append(calculate(*given, **named))
        return 0.0

    monkeypatch.setattr(openai.OpenAI, "_calculate_retry_timeout", noted)
    before = len(asked_of_chat(served))
    with ExitStack() as stack:
        for n in (8, 8, 8, 8, 2):
            wire = sent(served, messages=user("endless"), n=n, stream=True)
            stack.callback(wire.socket.close)
        all_wait(served)
        client = stack.enter_context(
            openai.OpenAI(base_url=f"{served.url}/v1", api_key=served.key, max_retries=2, timeout=LONG)
        )
        question: Any = user("Hello!")
        with pytest.raises(openai.InternalServerError) as refused:
            client.chat.completions.create(model=MODEL, messages=question)
        assert (refused.value.status_code, refused.value.code) == (503, "queue_full")
        assert [entry.status for entry in asked_of_chat(served, 5)[before:]] == [503, 503, 503]
        assert pauses == [2.0, 2.0]
    nothing_runs(served)
    assert [entry.outcome for entry in asked_of_chat(served)[before + 3 :]] == ["cancelled"] * 5


# ---- who goes


@pytest.mark.parametrize("how", ["rst", "fin"])
@pytest.mark.parametrize("when", ["streaming", "reading", "waiting for all"])
def test_who_goes_is_not_worked_for_any_more(served: ApiServed, when: str, how: str) -> None:
    before = len(asked_of_chat(served))
    question = "a b c " * 4000 if when == "reading" else ""
    wire = sent(served, messages=user(f"{question} endless"), stream=when == "streaming", reasoning_effort="none")
    if when == "streaming":
        wire.until(b'"content":"')
    wanted = "reading" if when == "reading" else "writing"
    wait_until(served, lambda calls: [call.state for call in calls] == [wanted])
    gone(wire, how)
    nothing_runs(served)
    chats = asked_of_chat(served)
    assert len(chats) == before + 1
    assert chats[-1].outcome == "cancelled"
    assert (chats[-1].first_token is None) == (when == "reading")
    with served.client(timeout=LONG) as client:
        assert client.post(CHAT, json={"messages": user("Hello!"), "max_tokens": 3}).status_code == 200


# ---- who comes first


def test_a_crowd_is_served_in_its_order_and_the_person_before_it(served: ApiServed) -> None:
    """Two that never end hold all slots, 32 wait, one more is refused. The person is answered all the same."""
    asked: dict[str, Any] = {"max_tokens": 2, "reasoning_effort": "none"}
    before = len(asked_of_chat(served))
    with ExitStack() as stack:

        def enter(text: str, **more: Any) -> Wire:
            count = len(served.services.api.running())
            wire = sent(served, messages=user(text), **more)
            stack.callback(wire.socket.close)
            wait_until(served, lambda calls: len(calls) > count)
            return wire

        holders = [enter("endless", stream=True) for _ in range(SLOTS)]
        wait_until(served, lambda calls: all(call.state == "writing" for call in calls))
        crowd = [enter("Hello!", **asked) for _ in range(QUEUE)]
        all_wait(served)
        with served.client(timeout=LONG) as client:
            late = client.post(CHAT, json={"messages": user("Hello!")})
        assert (late.status_code, late.json()["error"]["code"]) == (503, "queue_full")
        assert 1 <= int(late.headers["retry-after"]) <= 60
        question = GenerateRequest([Turn("user", "Hello!")], Sampling(temperature=0), max_tokens=5)
        person = iter(served.services.engine.generate(question))  # has the place of one of the two at once
        assert "".join(event.text for event in person if isinstance(event, TextDelta | ReasoningDelta))
        for wire in holders:
            gone(wire, "fin")
        assert [wire.response().status for wire in crowd] == [200] * QUEUE
    nothing_runs(served)
    served_ones = [one for one in asked_of_chat(served)[before:] if one.outcome == "done"]
    assert len(served_ones) == QUEUE
    came = sorted(served_ones, key=lambda one: one.at)
    spoke = sorted(served_ones, key=lambda one: one.at + (one.first_token or 0))
    late_by = [spoke.index(one) - number for number, one in enumerate(came)]
    assert max(map(abs, late_by)) < 8, late_by


# ---- LangChain


class Trip(BaseModel):
    """Where to go"""

    city: Literal["Paris", "北京"]
    days: Literal[3]


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_langchain_gets_objects(served: ApiServed, monkeypatch: pytest.MonkeyPatch, method: Any) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
    chat = ChatOpenAI(
        model=MODEL,
        base_url=f"{served.url}/v1",
        api_key=SecretStr(served.key),
        max_retries=0,
        max_completion_tokens=200,
    )
    made = chat.with_structured_output(Trip, method=method).invoke("Hello!")
    assert isinstance(made, Trip)
    assert "".join(part.text for part in chat.stream("Hello!")) == ANSWER


# ---- how it is looked after


def test_counters_only_grow_and_a_load_is_told(served: ApiServed) -> None:
    """The other model is loaded when the first has answered: until then it is told that one is being loaded."""
    before = metrics(served)
    with served.client(timeout=LONG) as client, ThreadPoolExecutor(1) as pool:
        assert client.get("/health").json() == {"status": "ok"}
        held = sent(served, messages=user("endless"), stream=True)
        held.until(b'"content":"')
        body = {"model": "second", "messages": user("Hello!"), "max_tokens": 3}
        other = pool.submit(
            lambda: httpx.post(f"{served.url}{CHAT}", json=body, headers=dict(client.headers), timeout=LONG)
        )
        wait_until(served, lambda calls: "loading" in [call.state for call in calls])
        while (health := client.get("/health")).status_code == 200:
            pass
        assert (health.status_code, health.json()) == (503, {"status": "loading model"})
        assert int(health.headers["retry-after"]) > 0
        gone(held, "fin")
        assert other.result().status_code == 200
        assert client.get("/health", headers={"Authorization": ""}).json() == {"status": "ok"}
        client.post(CHAT, json={"model": "first", "messages": user("Hello!"), "max_tokens": 3})
    nothing_runs(served)
    after = metrics(served)
    counters = [name for name in before if re.match(r".*_(total|count|sum|bucket)\{", name)]
    assert counters
    assert all(after[name] >= before[name] for name in counters)
    assert after["llamacpp:tokens_predicted_total{}"] > before["llamacpp:tokens_predicted_total{}"]


# ---- what is never told


def test_no_answer_names_a_place_a_person_or_a_key(served: ApiServed) -> None:
    """Every route, asked well and asked badly; documents with a problem are among them."""
    told: list[httpx.Response] = []
    with served.client(timeout=LONG) as client:
        client.event_hooks = {"response": [lambda answer: (answer.read(), told.append(answer))]}
        for filename in ("a.txt", "../../b.pdf", "no-format.xyz"):
            client.post("/v1/documents", files={"file": (filename, b"%PDF-1.4 torn")})
        for route in ROUTES:
            path = re.sub(r"\{\w+(?::path)?\}", "1", route.path)
            if route.body != "json":
                client.request(route.method, path)
                continue
            good = bounded(GOOD[route.path])
            for body in (good, {**good, "stream": True}, {**good, "model": "nothing"}, {}, [], {**good, "messages": 1}):
                client.post(path, json=body)
            client.post(path, content=b"{", headers={"Content-Type": "application/json"})
        for path in ("/nowhere", "/v1/models/first", "/v1/models/..%2f..%2fkeys.db", "/v1/documents?collection=/etc"):
            client.get(path)
            client.get(path, headers={"Authorization": "Bearer dsk_wrong"})
    assert {answer.status_code for answer in told} >= {200, 202, 400, 401, 404}
    paths, folders = served.services.paths, {model.path.parent for model in served.services.library.models()}
    places = [str(paths.data), str(paths.data.parent), str(paths.data.parent.parent), *map(str, folders)]
    for answer in told:
        words = answer.text + "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        assert not [place for place in places if place in words], (answer.url, words)
        assert served.key not in words
        assert served.key[-64:] not in words
        assert not re.search(rf"(/home/|/Users/|\\Users\\|\b){re.escape(getpass.getuser())}\b", words), (
            answer.url,
            words,
        )
        assert not re.search(r"/(?:work|tmp|site-packages|usr|root)/|Traceback|\.py\b", words), (answer.url, words)
