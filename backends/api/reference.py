"""The API described: the OpenAPI document, and a page of plain HTML made from it. No script, nothing from outside."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from backends.api.routes import ROUTES, Dialect, Route

__all__ = ["POLICY", "description", "page"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_ABOUT = """The model of this computer, for programs on this computer. Send the key as `Authorization: Bearer KEY` or
`x-api-key: KEY`. Unknown fields are ignored; fields that are wrong are refused with 400 and the name of the field."""
_ERRORS = {
    400: "The request is wrong; the field is named.",
    401: "No key, or a wrong one.",
    403: "The key may not do this, or the caller is not allowed at all.",
    404: "There is no such thing.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    415: "The body is of another type.",
    429: "Too much for this key in a minute.",
    431: "The headers are too large.",
    500: "A fault of the program.",
    503: "The model is being loaded, or too many requests wait.",
    507: "The disk is full.",
}
_BODY_ONLY, _KEY_ONLY = (408, 415), (401, 404, 429)
_TEXT: dict[str, Any] = {"type": "string"}
_TEXT_OR_NULL: dict[str, Any] = {"type": ["string", "null"]}
_ERROR_NAMES: dict[Dialect, str] = {"openai": "Error", "anthropic": "AnthropicError", "ollama": "OllamaError"}


def _object(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


_ERROR_SCHEMAS: dict[str, Any] = {  # as `errors.body` makes them
    "Error": _object(error=_object(message=_TEXT, type=_TEXT, param=_TEXT_OR_NULL, code=_TEXT_OR_NULL)),
    "AnthropicError": _object(type={"const": "error"}, error=_object(type=_TEXT, message=_TEXT), request_id=_TEXT),
    "OllamaError": _object(error=_TEXT),
}
_REQUEST_ID = {"x-request-id": {"description": "As in the log of requests", "required": True, "schema": _TEXT}}
_AGAIN = {"Retry-After": {"description": "Seconds", "required": True, "schema": {"type": "integer", "minimum": 0}}}
_SHOULD_RETRY = {"x-should-retry": {"required": True, "schema": {"enum": ["true", "false"]}}}
_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "Each of the server-sent events, where `stream` is true",
    "properties": {"event": _TEXT, "data": {**_TEXT, "contentMediaType": "application/json"}},
    "required": ["data"],
}


def description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of all routes, with the scope that each needs. Made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
        components = made.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):  # the library's own way to say 422, which is 400 here
            schemas.pop(unused, None)
        schemas |= _ERROR_SCHEMAS
        components["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer"},
            "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            "short": {"type": "apiKey", "in": "header", "name": "api-key"},
        }
        for route in ROUTES:
            operation = made["paths"].get(route.path.replace(":path}", "}"), {}).get(route.method.lower())
            if operation is not None:
                _complete(operation, route, schemas)
        app.openapi_schema = made
    return app.openapi_schema


def _complete(operation: dict[str, Any], route: Route, schemas: dict[str, Any]) -> None:
    """What every route of its kind has in common."""
    responses = operation["responses"]
    responses.pop("422", None)
    for told in responses.values():
        told["headers"] = {**_REQUEST_ID, **told.get("headers", {})}
    if route.dialect != "ollama" and "stream" in _body(operation, schemas).get("properties", {}):
        responses["200"]["content"]["text/event-stream"] = {"schema": _EVENT}
    if (lines := responses.get("200", {}).get("content", {})) and "application/x-ndjson" in lines:
        lines["application/x-ndjson"] = lines["application/json"]  # each of them
    for status, words in _ERRORS.items():
        if (status in _BODY_ONLY and route.body == "none") or (status in _KEY_ONLY and route.scope is None):
            continue
        again = _AGAIN if status in (429, 503) else {}
        told = {"description": words, "headers": {**_REQUEST_ID, **_SHOULD_RETRY, **again}}
        told["content"] = {"application/json": {"schema": _ref(_ERROR_NAMES[route.dialect])}}
        responses.setdefault(str(status), told)
    operation["security"] = []
    if route.scope is not None:
        operation["security"] = [{"key": []}, {"header": []}, {"short": []}]
        operation["x-scope"] = route.scope


def _body(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """What it takes as JSON."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return schemas.get(body.get("$ref", "").rpartition("/")[2], body)


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def page(described: dict[str, Any]) -> str:
    """HTML of it."""
    return "".join(("<!doctype html><html lang=en><meta charset=utf-8>", *_parts(described), "</html>"))


def _parts(described: dict[str, Any]) -> Iterator[str]:
    info = described["info"]
    yield f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style><main>"
    yield f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info['description'])}</p>"
    schemas = described.get("components", {}).get("schemas", {})
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            yield from _operation(method, path, operation, schemas)
    yield "</main>"


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    scope = operation.get("x-scope")
    yield f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
    yield f"<p><b>{escape(operation.get('summary', ''))}</b>"
    yield f" <span>scope: {escape(scope)}</span></p>" if scope else " <span>no key needed</span></p>"
    if words := operation.get("description"):
        yield f"<p>{escape(words)}</p>"
    content = operation.get("requestBody", {}).get("content", {})
    for kind, body in content.items():
        named = body.get("schema", {}).get("$ref", "").rpartition("/")[2]
        fields = schemas.get(named, body.get("schema", {})).get("properties", {})
        required = set(schemas.get(named, {}).get("required", ()))
        yield f"<details><summary>Body: {escape(kind)}</summary><table>"
        for name, field in fields.items():
            mark = " *" if name in required else ""
            yield f"<tr><td><code>{escape(name)}</code>{mark}<td>{escape(_kind(field))}"
            yield f"<td>{escape(field.get('description', ''))}"
        yield "</table></details>"
    yield "</section>"


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return field["$ref"].rpartition("/")[2]
    if choices := field.get("enum"):
        return " | ".join(json.dumps(one) for one in choices)
    if several := field.get("anyOf") or field.get("oneOf"):
        return " | ".join(dict.fromkeys(_kind(one) for one in several))
    if field.get("type") == "array":
        return f"[{_kind(field.get('items', {}))}]"
    return json.dumps(field["const"]) if "const" in field else str(field.get("type", "any"))


_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:0;color-scheme:light dark}main{max-width:52rem;margin:2rem auto;"
    "padding:0 1rem}section{border-top:1px solid #8884;padding:.5rem 0}h2{font-size:1rem;margin:.5rem 0 0}"
    "span{opacity:.7}table{border-spacing:1rem .2rem}td{vertical-align:top}"
)
