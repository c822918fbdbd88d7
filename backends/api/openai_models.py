"""GET /v1/models and /v1/models/{id}: what can be asked, by its alias; never with a path."""

from fastapi import APIRouter, Request

from backends.api import asking, calls, openai_types
from backends.api.ports import ServedModel

router = APIRouter()

_OWNER = "deskseek"


@router.get("/v1/models", summary="What can be asked")
async def models(request: Request) -> openai_types.ModelList:
    return openai_types.ModelList(object="list", data=[_told(model) for model in _allowed(request)])


@router.get("/v1/models/{model_id:path}", summary="One of them")
async def model(request: Request, model_id: str) -> openai_types.Model:
    call = calls.of(request)
    for one in _allowed(request):
        if one.id.lower() == model_id.lower():
            call.model = one.id
            return _told(one)
    return _told(asking.find(asking.of(request), call, model_id))


def _allowed(request: Request) -> list[ServedModel]:
    caller = calls.of(request).scope_caller
    return [model for model in asking.of(request).desk.models() if caller.may_use(model.id)]


def _told(model: ServedModel) -> openai_types.Model:
    return openai_types.Model(
        id=model.id,
        object="model",
        created=model.created,
        owned_by=_OWNER,
        meta=openai_types.Meta(
            kind=model.kind,
            size=model.size,
            quant=model.quant,
            architecture=model.architecture,
            n_ctx_train=model.context,
        ),
    )
