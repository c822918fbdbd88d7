"""What the API says of itself is so: every route as its OpenAPI document describes it, by requests drawn from that.

Each route gets a few requests that fit the document and a few that do not.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode, checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backends.api.routes import ROUTES, Route
from tests.kit.any_request import bounded, models_of_all_kinds
from tests.kit.api_server import ApiServed, api_server

EXAMPLES = 5  # of each kind, of each route
LONG = 300.0  # seconds
KEYS = ("Authorization", "x-api-key", "api-key")
CHECKS = [
    checks.not_a_server_error,
    ignored_auth,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
HELLO = [{"role": "user", "content": "Hello!"}]
SAID: dict[str, tuple[str, Any]] = {  # what can be told as it comes, and what is said where nothing was drawn
    "/v1/chat/completions": ("messages", HELLO),
    "/v1/completions": ("prompt", "Hello!"),
    "/v1/responses": ("input", "Hello!"),
    "/v1/messages": ("messages", HELLO),
    "/api/chat": ("messages", HELLO),
    "/api/generate": ("prompt", "Hello!"),
}
ANY_SPEED = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
ERRORS = {"openai": "Error", "anthropic": "AnthropicError", "ollama": "OllamaError"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServed]:
    models = models_of_all_kinds(tmp_path_factory.mktemp("models"))
    with api_server(tmp_path_factory.mktemp("home"), models) as server:
        yield server


@pytest.fixture(scope="module")
def described(served: ApiServed) -> dict[str, Any]:
    with served.client() as client:
        return client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def session(served: ApiServed) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def path_of(route: Route) -> str:
    return route.path.replace(":path}", "}")


def test_the_document_names_every_route_and_no_other(described: dict[str, Any]) -> None:
    assert {(method.upper(), path) for path, operations in described["paths"].items() for method in operations} == {
        (route.method, path_of(route)) for route in ROUTES
    }
    assert not {"HTTPValidationError", "ValidationError"} & set(described["components"]["schemas"])


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_route_is_described_whole(described: dict[str, Any], route: Route) -> None:
    """What it takes, what it gives, how its dialect tells of errors, who may ask."""
    operation = described["paths"][path_of(route)][route.method.lower()]
    assert operation["summary"]
    taken = set(operation.get("requestBody", {}).get("content", {}))
    kinds = {"none": set[str](), "json": {"application/json"}}
    assert taken == kinds.get(route.body, {"multipart/form-data", "application/octet-stream"})
    given = operation["responses"]["202" if route.body == "upload" else "200"]["content"]
    assert all(kind["schema"] for kind in given.values())
    told = {status: one for status, one in operation["responses"].items() if int(status) >= 400}
    assert {"400", "403", "413", "500", "503"} <= set(told)
    for status, one in told.items():
        if (route.path, status) != ("/health", "503"):
            schema = one["content"]["application/json"]["schema"]
            assert schema == {"$ref": f"#/components/schemas/{ERRORS[route.dialect]}"}
    assert operation["security"] == ([] if route.scope is None else [{"key": []}, {"header": []}, {"short": []}])
    assert operation.get("x-scope") == route.scope


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_route_does_as_the_document_says(
    served: ApiServed, described: dict[str, Any], session: requests.Session, route: Route, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(described)
    schema.config.generation.update(allow_x00=False)  # it is refused everywhere, before all else
    operation = schema[path_of(route)][route.method]
    if mode == GenerationMode.NEGATIVE and route.body == "none" and not operation.query and "{" not in route.path:
        pytest.skip("there is nothing that could be wrong")
    key = {"Authorization": f"Bearer {served.key}"}

    @settings(max_examples=EXAMPLES, suppress_health_check=ANY_SPEED)
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Case) -> None:
        case.body = bounded(case.body)
        if route.path in SAID and mode == GenerationMode.POSITIVE and isinstance(case.body, dict):
            field, said = SAID[route.path]
            case.body[field] = case.body.get(field) or said
            case.body["stream"] = len(str(case.body)) % 2 == 0
        for name in KEYS:  # drawn ones open nothing, and with another beside it the good one does not either
            case.headers.pop(name, None)
        case.call_and_validate(served.url, session, key, checks=CHECKS, timeout=LONG)

    check()
    assert requests.get(f"{served.url}/health", timeout=LONG).status_code == 200


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("path", SAID)
def test_an_answer_is_as_the_document_says(
    served: ApiServed, described: dict[str, Any], session: requests.Session, path: str, stream: bool
) -> None:
    field, said = SAID[path]
    operation = schemathesis.openapi.from_dict(described)[path]["POST"]
    case = operation.Case(body=bounded({field: said, "stream": stream}), media_type="application/json")
    answer = case.call_and_validate(served.url, session, {"x-api-key": served.key}, checks=CHECKS, timeout=LONG)
    kind = "application/x-ndjson" if path.startswith("/api/") else "text/event-stream"
    assert answer.status_code == 200
    assert answer.headers["content-type"][0].startswith(kind if stream else "application/json")
