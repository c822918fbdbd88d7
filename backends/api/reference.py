"""The API described: the OpenAPI document, and a page of plain HTML made from it. No script, nothing from outside."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from backends.api.routes import ROUTES

__all__ = ["POLICY", "description", "page"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_ABOUT = """The model of this computer, for programs on this computer. Send the key as `Authorization: Bearer KEY` or
`x-api-key: KEY`. Unknown fields are ignored; fields that are wrong are refused with 400 and the name of the field."""
_ERRORS = {
    "400": "The request is wrong; the field is named.",
    "401": "No key, or a wrong one.",
    "403": "The key may not do this, or the caller is not allowed at all.",
    "404": "There is no such thing.",
    "413": "The body is too large.",
    "415": "The body is of another type.",
    "429": "Too much for this key in a minute; Retry-After says when.",
    "500": "A fault of the program.",
    "503": "The model is being loaded, or too many requests wait; Retry-After says when.",
}


def description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of all routes, with the scope that each needs. Made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
        made.setdefault("components", {})["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer"},
            "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
        }
        for route in ROUTES:
            operation = made["paths"].get(route.path.replace(":path}", "}"), {}).get(route.method.lower())
            if operation is None:
                continue
            operation.pop("422", None)
            responses = operation["responses"]
            responses.pop("422", None)
            if route.scope is None:
                continue
            operation["security"] = [{"key": []}, {"header": []}]
            operation["x-scope"] = route.scope
            for status, words in _ERRORS.items():
                responses.setdefault(status, {"description": words})
        app.openapi_schema = made
    return app.openapi_schema


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
