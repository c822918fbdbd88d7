"""What Prometheus reads: counters and gauges of the requests that programs make.

Names are llama-server's (`tools/server/README.md` of llama.cpp) and vLLM's (its documentation, "Metrics") where they
mean the same, so that dashboards made for those fit; our own begin with `deskseek:`. All counters begin at 0 with the
server.
"""

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from backends.api.calls import Call
from backends.api.request_log import outcome
from backends.engine.protocol import Finished

__all__ = ["CONTENT_TYPE", "Gauges", "Meter"]

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_FIRST_TOKEN = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_WHOLE = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


@dataclass(frozen=True, slots=True)
class Gauges:
    """What is so at this moment: asked when somebody reads the metrics."""

    running: Callable[[], int]
    waiting: Callable[[], int]
    connections: Callable[[], int]


class Meter:
    """On the event loop alone."""

    def __init__(self, gauges: Gauges) -> None:
        self._registry = registry = CollectorRegistry(auto_describe=True)

        def counter(name: str, help: str, labels: tuple[str, ...] = ()) -> Counter:
            return Counter(name, help, labels, registry=registry)

        self._prompt = counter("llamacpp:prompt_tokens_total", "Prompt tokens computed.")
        self._cached = counter("llamacpp:prompt_tokens_cached_total", "Prompt tokens that were not computed again.")
        self._prompt_seconds = counter("llamacpp:prompt_seconds_total", "Seconds in which prompts were computed.")
        self._predicted = counter("llamacpp:tokens_predicted_total", "Tokens generated.")
        self._predicted_seconds = counter("llamacpp:tokens_predicted_seconds_total", "Seconds of generating.")
        self._queries = counter("vllm:prefix_cache_queries_total", "Prompt tokens looked for in the cache.")
        self._hits = counter("vllm:prefix_cache_hits_total", "Prompt tokens found in the cache.")
        self._requests = counter("deskseek:requests_total", "Requests that are over.", ("route", "outcome"))
        self._tokens_max = Gauge("llamacpp:n_tokens_max", "Longest prompt with its answer.", registry=registry)
        self._prompt_speed = Gauge("llamacpp:prompt_tokens_seconds", "Prompt tokens a second.", registry=registry)
        self._speed = Gauge("llamacpp:predicted_tokens_seconds", "Generated tokens a second.", registry=registry)
        self._first = Histogram(
            "vllm:time_to_first_token_seconds", "From request to first token.", registry=registry, buckets=_FIRST_TOKEN
        )
        self._whole = Histogram(
            "vllm:e2e_request_latency_seconds", "From request to last byte.", registry=registry, buckets=_WHOLE
        )
        for names, value, help in (
            (("llamacpp:requests_processing", "vllm:num_requests_running"), gauges.running, "Requests being answered."),
            (("llamacpp:requests_deferred", "vllm:num_requests_waiting"), gauges.waiting, "Requests that wait."),
            (("deskseek:connections",), gauges.connections, "Open connections."),
        ):
            for name in names:
                Gauge(name, help, registry=registry).set_function(value)

    def answered(self, finished: Finished) -> None:
        """One answer is complete."""
        usage, timings = finished.usage, finished.timings
        computed = max(0, usage.prompt_tokens - usage.cached_tokens)
        self._prompt.inc(computed)
        self._cached.inc(usage.cached_tokens)
        self._queries.inc(usage.prompt_tokens)
        self._hits.inc(usage.cached_tokens)
        self._predicted.inc(usage.completion_tokens)
        if timings.prefill_tokens_per_s > 0:
            self._prompt_seconds.inc(computed / timings.prefill_tokens_per_s)
            self._prompt_speed.set(timings.prefill_tokens_per_s)
        if timings.decode_tokens_per_s > 0:
            self._predicted_seconds.inc(usage.completion_tokens / timings.decode_tokens_per_s)
            self._speed.set(timings.decode_tokens_per_s)
        self._tokens_max.set(max(self._most(), usage.prompt_tokens + usage.completion_tokens))

    def ended(self, call: Call, seconds: float) -> None:
        """One request is over."""
        self._requests.labels(call.route.path if call.route else "unknown", outcome(call)).inc()
        self._whole.observe(seconds)
        if call.first_token is not None:
            self._first.observe(call.first_token)

    def text(self) -> bytes:
        """In the text format, version 0.0.4."""
        return generate_latest(self._registry)

    def _most(self) -> float:
        return self._registry.get_sample_value("llamacpp:n_tokens_max") or 0.0
