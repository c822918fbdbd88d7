"""`/health`, `/metrics`, and what describes the API itself: `/openapi.json` and a page to read, `/docs`."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel

from backends.api import asking, reference
from backends.api.metrics import CONTENT_TYPE

router = APIRouter(tags=["status"])


class Health(BaseModel):
    status: Literal["ok", "loading model"]


@router.get(
    "/health",
    response_model=Health,
    summary="Whether it answers",
    responses={503: {"description": "A model is being loaded.", "model": Health}},
)
async def health(request: Request) -> JSONResponse:
    """Without a key, and it tells nothing else."""
    if asking.of(request).desk.loading():
        return JSONResponse({"status": "loading model"}, 503, {"Retry-After": "5"})
    return JSONResponse({"status": "ok"})


@router.get("/metrics", summary="Counters for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    return Response(asking.of(request).meter.text(), media_type=CONTENT_TYPE)


@router.get("/openapi.json", summary="This description")
async def openapi(request: Request) -> dict[str, Any]:
    return reference.description(request.app)


@router.get("/docs", summary="This description, to read", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    page = reference.page(reference.description(request.app))
    return HTMLResponse(page, headers={"Content-Security-Policy": reference.POLICY})
