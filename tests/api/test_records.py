"""What becomes of a request besides its answer: the log, the live list, the counters."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from backends.api.calls import Call
from backends.api.live import LiveCalls
from backends.api.metrics import Gauges, Meter
from backends.api.records import Records
from backends.api.request_log import MANNERS, MIGRATIONS, RequestLog
from backends.api.routes import ROUTES, Route, find
from backends.engine.protocol import Finished, Timings, Usage
from backends.governance.access import Caller
from backends.storage.database import Database

DAY = 86_400.0
CHAT, KNOCK = (next(one for one in ROUTES if one.path == path) for path in ("/v1/chat/completions", "/health"))


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(tmp_path: Path, clock: Clock) -> Iterator[RequestLog]:
    database = Database(tmp_path / "requests.db", MIGRATIONS, MANNERS)
    log = RequestLog(database, lambda: 30, clock=clock)
    yield log
    log.close()
    database.close()


def call(key: str = "k1", *, status: int = 200, at: float = 1_000_000.0, route: Route | None = CHAT) -> Call:
    made = Call(route, Caller(key, f"name of {key}"), at=at, model="tiny")
    made.status, made.asked, made.answered = status, "secret question", "secret answer"
    made.count(Usage(100, 20, 5, 40))
    made.said_something()
    return made


def test_a_request_is_written_down_without_its_texts(log: RequestLog, tmp_path: Path) -> None:
    one = call()
    log.put(one, texts=False)
    log.settle().wait()
    (entry,) = log.entries()
    assert (entry.id, entry.key_id, entry.key_name) == (one.id, "k1", "name of k1")
    assert (entry.method, entry.route, entry.model) == ("POST", "/v1/chat/completions", "tiny")
    assert (entry.status, entry.outcome) == (200, "done")
    assert (entry.prompt_tokens, entry.cached_tokens, entry.completion_tokens, entry.reasoning_tokens) == (
        100,
        40,
        20,
        5,
    )
    assert entry.first_token is not None
    assert 0 <= entry.first_token <= entry.seconds
    assert (entry.asked, entry.answered) == ("", "")
    written = b"".join(path.read_bytes() for path in tmp_path.glob("requests.db*"))
    assert b"name of k1" in written
    assert b"secret" not in written


def test_texts_are_kept_where_the_person_wishes_and_erased_for_good(log: RequestLog, tmp_path: Path) -> None:
    log.put(call(), texts=True)
    log.settle().wait()
    assert log.entries()[0].asked == "secret question"
    assert log.erase().wait()
    assert log.entries() == ()
    assert not any(b"secret" in path.read_bytes() for path in tmp_path.glob("requests.db*"))


@pytest.mark.parametrize(
    ("status", "cancelled", "outcome"),
    [
        *((200, False, "done"), (200, True, "cancelled"), (0, True, "cancelled")),
        *((400, False, "refused"), (429, False, "refused"), (500, False, "failed"), (503, False, "failed")),
    ],
)
def test_how_it_ended(log: RequestLog, status: int, cancelled: bool, outcome: str) -> None:
    one = call(status=status)
    if cancelled:
        one.token.cancel()
    log.put(one, texts=False)
    log.settle().wait()
    assert log.entries()[0].outcome == outcome


def test_pages_of_the_log_and_each_keys_own(log: RequestLog) -> None:
    for number in range(25):
        log.put(call("even" if number % 2 == 0 else "odd", at=1_000_000.0 + number), texts=False)
    log.settle().wait()
    first = log.entries(10)
    second = log.entries(10, before=first[-1].number)
    times = [one.at - 1_000_000 for one in (*first, *second)]
    assert times == list(range(24, 4, -1))
    assert {one.key_id for one in log.entries(100, key_id="odd")} == {"odd"}
    assert len(log.entries(100, key_id="odd")) == 12
    assert log.last_used() == {"even": 1_000_024.0, "odd": 1_000_023.0}


def test_what_is_older_than_the_person_wants_goes(log: RequestLog, clock: Clock) -> None:
    for age in (31, 29):
        log.put(call(at=clock.now - age * DAY), texts=False)
    log.settle().wait()
    assert [one.at for one in log.entries()] == [clock.now - 29 * DAY]
    clock.now += 2 * DAY
    log.put(call(at=clock.now), texts=False)
    log.settle().wait()
    assert [one.at for one in log.entries()] == [clock.now]


def test_who_looks_on_sees_requests_come_change_and_go() -> None:
    seen: list[tuple[str, ...]] = []
    live = LiveCalls(lambda: seen.append(tuple(one.state for one in live.all())))
    one, stranger = Call(CHAT, Caller("k", "editor")), Call(None)
    live.began(one)
    live.began(stranger)  # nobody is shown who was not let in
    one.enter("reading")
    one.enter("reading")
    one.said_something()
    live.ended(one)
    assert seen == [("waiting",), ("waiting",), ("reading",), ("writing",), ()]
    one.enter("done")
    assert len(seen) == 5


def test_a_person_ends_a_request_and_all_of_a_key() -> None:
    live = LiveCalls()
    calls = [Call(CHAT, Caller(key, key)) for key in ("a", "b", "b")]
    for each in calls:
        live.began(each)
    assert live.cancel(calls[0].id)
    assert not live.cancel("req_unknown")
    assert live.cancel_key("b") == 2
    assert all(each.token.cancelled for each in calls)


def test_metrics_are_what_dashboards_read() -> None:
    waiting = [3]
    meter = Meter(Gauges(lambda: 2, lambda: waiting[0], lambda: 7))
    timings = Timings(prefill_tokens_per_s=60, decode_tokens_per_s=10, ttft_s=1, total_s=3)
    before = _samples(meter)
    meter.answered(Finished(Usage(100, 20, 5, 40), timings, "stop", "CPU"))
    meter.ended(call(), 3.0)
    after = _samples(meter)
    assert {name: value - before.get(name, 0) for name, value in after.items() if name in WANTED} == WANTED
    assert after["llamacpp:requests_processing"] == after["vllm:num_requests_running"] == 2
    assert after["llamacpp:requests_deferred"] == after["vllm:num_requests_waiting"] == 3
    waiting[0] = 0
    assert _samples(meter)["vllm:num_requests_waiting"] == 0
    assert all(after[name] >= value for name, value in before.items() if name.endswith(("_total", "_count", "_bucket")))


WANTED = {
    "llamacpp:prompt_tokens_total": 60,
    "llamacpp:prompt_tokens_cached_total": 40,
    "llamacpp:prompt_seconds_total": 1,
    "llamacpp:tokens_predicted_total": 20,
    "llamacpp:tokens_predicted_seconds_total": 2,
    "llamacpp:n_tokens_max": 120,
    "vllm:prefix_cache_queries_total": 100,
    "vllm:prefix_cache_hits_total": 40,
    "vllm:time_to_first_token_seconds_count": 1,
    "deskseek:requests_total": 1,
}


def _samples(meter: Meter) -> dict[str, float]:
    families = text_string_to_metric_families(meter.text().decode())
    return {sample.name: sample.value for family in families for sample in family.samples}


def test_whoever_only_knocks_is_counted_but_not_written_down(log: RequestLog) -> None:
    records = Records(LiveCalls(), log, Meter(Gauges(int, int, int)), lambda: False)
    for route in (KNOCK, CHAT, None):
        one = call(route=route)
        records.began(one)
        records.ended(one)
    log.settle().wait()
    assert [entry.route for entry in log.entries()] == ["", "/v1/chat/completions"]
    assert records.meter.text().count(b"deskseek:requests_total{") == 3
    assert records.live.all() == ()


def test_every_route_is_found_by_itself_and_by_no_other() -> None:
    for route in ROUTES:
        path = route.path.replace("{model_id:path}", "a/b:Q4").replace("{document_id}", "12")
        assert find(route.method, path) == route
        methods = {one.method for one in ROUTES if one.path == route.path}
        assert find("PATCH", path) == tuple(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
        assert find(route.method, f"/v2{path}") == ()
