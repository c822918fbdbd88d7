"""Ollama's /api/version, /api/tags, /api/ps, /api/show, /api/embed and /api/embeddings.

No answer has a path or a template. Clients look at the version to see what the API can do: it is that of the Ollama
whose API this is.
"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from backends.api import asking, calls, embeddings
from backends.api.asking import Api
from backends.api.calls import Call
from backends.api.errors import ApiError
from backends.api.ollama import elapsed, find, when
from backends.api.ollama_types import (
    Details,
    OllamaEmbedding,
    OllamaEmbeddings,
    OllamaEmbeddingsRequest,
    OllamaEmbedRequest,
    OllamaModel,
    OllamaModels,
    OllamaProcesses,
    OllamaRunning,
    OllamaShown,
    OllamaShowRequest,
    OllamaVersion,
)
from backends.api.ports import ServedModel

router = APIRouter()

VERSION = "0.12.11"  # the first Ollama with logprobs
_NEVER = "9999-12-31T23:59:59Z"  # no time is set at which a model goes
_KINDS = ("chat", "embedding", "reranking")


@router.get("/api/version", summary="Which Ollama this is like")
async def version() -> OllamaVersion:
    return OllamaVersion(version=VERSION)


@router.get("/api/tags", summary="What can be asked, as Ollama lists it")
async def tags(request: Request) -> OllamaModels:
    return OllamaModels(
        models=[
            OllamaModel(
                name=model.id,
                model=model.id,
                modified_at=when(model.created),
                size=model.size,
                digest=model.digest,
                details=_details(model),
            )
            for model in _allowed(request)
        ]
    )


@router.get("/api/ps", response_model_exclude_none=True, summary="What is loaded")
async def ps(request: Request) -> OllamaProcesses:
    api = asking.of(request)
    return OllamaProcesses(models=[_running(api, model) for model in _allowed(request) if model.loaded])


@router.post("/api/show", summary="What a model is")
async def show(request: Request, body: OllamaShowRequest) -> OllamaShown:
    api, call = asking.of(request), calls.of(request)
    model = _any(api, call, body.model or body.name)
    info: dict[str, Any] = {
        "general.architecture": model.architecture,
        "general.basename": model.name,
        f"{model.architecture}.context_length": model.context,
    }
    if model.parameters:
        info["general.parameter_count"] = round(model.parameters * 1e9)
    return OllamaShown(
        modified_at=when(model.created),
        details=_details(model),
        model_info=info,
        capabilities=_capabilities(model),
        parameters=_parameters(api, model),
        template="",
        modelfile="",
        license="",
    )


@router.post("/api/embed", response_model=OllamaEmbeddings, summary="Texts as vectors, as Ollama has it")
async def embed(request: Request, body: OllamaEmbedRequest) -> Response:
    """Texts that are too long are cut unless `truncate` is false, and `truncated` says which."""
    api, call = asking.of(request), calls.of(request)
    model = find(api, call, body.model, "embedding")
    given = () if body.input in (None, "", []) else embeddings.texts(body.input)
    role, cut = embeddings.role_of(body.input_type), body.truncate is not False
    found = await embeddings.vectors(api, call, model, given, role, cut=cut, dimensions=body.dimensions)
    rest = {"model": model.id, "total_duration": elapsed(call), "prompt_eval_count": found.tokens, **found.told}
    return await embeddings.response("embeddings", found.rows, rest)


@router.post("/api/embeddings", response_model=OllamaEmbedding, summary="One text as a vector, from older clients")
async def embed_one(request: Request, body: OllamaEmbeddingsRequest) -> Response:
    api, call = asking.of(request), calls.of(request)
    model = find(api, call, body.model, "embedding")
    given = (body.prompt,) if body.prompt else ()
    found = await embeddings.vectors(api, call, model, given, "document", cut=True)
    row = found.rows[0] if found.rows else b""
    return JSONResponse({"embedding": embeddings.numbers(row), **found.told})


# ---- a model, as it is told


def _allowed(request: Request) -> list[ServedModel]:
    caller = calls.of(request).scope_caller
    return [model for model in asking.of(request).desk.models() if caller.may_use(model.id)]


def _any(api: Api, call: Call, name: str) -> ServedModel:
    """Of whatever kind. ApiError as that of a chat model."""
    errors: list[ApiError] = []
    for kind in _KINDS:
        try:
            return find(api, call, name, kind)
        except ApiError as error:
            errors.append(error)
    raise errors[0]


def _details(model: ServedModel) -> Details:
    size = f"{model.parameters:.1f}B" if model.parameters >= 1 else f"{model.parameters * 1000:.0f}M"
    return Details(
        parent_model="",
        format="gguf",
        family=model.architecture,
        families=[model.architecture],
        parameter_size=size if model.parameters else "",
        quantization_level=model.quant,
    )


def _running(api: Api, model: ServedModel) -> OllamaRunning:
    told = OllamaRunning(
        name=model.id,
        model=model.id,
        size=model.size,
        digest=model.digest,
        details=_details(model),
        expires_at=_NEVER,
    )
    loaded = api.desk.engine.model
    if model.kind == "chat" and loaded is not None:
        told.size = sum(use.bytes for use in loaded.uses) or model.size
        told.size_vram = sum(use.bytes for use in loaded.uses if use.name != "CPU")
        told.context_length = loaded.context
    return told


def _capabilities(model: ServedModel) -> list[str]:
    if model.kind != "chat":
        return [model.kind]
    known = {"completion": True, "tools": model.tools, "thinking": model.thinks}
    return [name for name, has in known.items() if has]


def _parameters(api: Api, model: ServedModel) -> str:
    if model.kind != "chat":
        return ""
    drawn = api.desk.sampling(model)
    return f"temperature {drawn.temperature:g}\ntop_p {drawn.top_p:g}"
