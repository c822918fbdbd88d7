"""The web application: all routers, one handler of errors. The guard stands before it (see `guard`).

Each dialect is a module with a `router`; the table `routes.ROUTES` says what each route needs.
"""

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute

from backends import __version__
from backends.api import calls, errors, routes
from backends.api.asking import Api
from backends.api.errors import ApiError, bad
from backends.core.errors import BackendError

log = logging.getLogger(__name__)


def application(api: Api, routers: Sequence[APIRouter]) -> FastAPI:
    """RuntimeError if a route has no entry in the table."""
    app = FastAPI(
        title="DeskSeek",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "auto_configure": False,
        },  # whatever the system says
    )
    app.state.api = api
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(ApiError, _refused)
    app.add_exception_handler(BackendError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _broken)
    routes.check(served(app))
    return app


def served(app: FastAPI) -> list[tuple[str, str]]:
    """(method, path) of everything that it answers."""
    return [
        (method, route.path)
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]


async def _refused(request: Request, error: Exception) -> Response:
    call = calls.of(request)
    told = error if isinstance(error, ApiError) else errors.of(error) if isinstance(error, BackendError) else None
    assert told is not None
    if told.status >= 500 and told.status != 503:  # those who are told to come again are no news
        log.warning("%s: %s", call.id, told.message)
    return answer(told, call)


def answer(error: ApiError, call: calls.Call) -> JSONResponse:
    return JSONResponse(errors.body(error, call.dialect, call.id), error.status, errors.headers(error))


async def _broken(request: Request, error: Exception) -> Response:
    """A bug of ours. The guard, whom the error reaches next, writes it into the log."""
    return answer(errors.internal(), calls.of(request))


async def _invalid(request: Request, error: Exception) -> Response:
    """What the types forbid: 400, with the first field that is wrong."""
    assert isinstance(error, RequestValidationError)
    first: Any = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    if place[:1] in (["body"], ["query"], ["path"]):
        place = place[1:]  # where it stood is no part of its name
    param = ".".join(place) or None
    return answer(bad(f"{param}: {first['msg']}" if param else str(first["msg"]), param), calls.of(request))
