"""POST /tokenize and /detokenize, as llama-server has them. Control tokens in a text are read as text."""

from fastapi import APIRouter, Request

from backends.api import asking, calls
from backends.api.errors import bad
from backends.api.openai_types import Detokenized, DetokenizeRequest, Tokenized, TokenizeRequest

router = APIRouter()

LONGEST_TEXT = 1_000_000  # characters: whoever answers waits for it
MOST_TOKENS = 1_000_000


@router.post("/tokenize", summary="The tokens of a text")
async def tokenize(request: Request, body: TokenizeRequest) -> Tokenized:
    api, call = asking.of(request), calls.of(request)
    model = asking.find(api, call, body.model)
    if len(body.content) > LONGEST_TEXT:
        raise bad(f"content may have at most {LONGEST_TEXT} characters", "content")
    stream = api.desk.tokenize(model, body.content, special=body.add_special)
    return Tokenized(tokens=list(await asking.task(api, call, stream) or ()))


@router.post("/detokenize", summary="The text of tokens")
async def detokenize(request: Request, body: DetokenizeRequest) -> Detokenized:
    api, call = asking.of(request), calls.of(request)
    model = asking.find(api, call, body.model)
    if len(body.tokens) > MOST_TOKENS:
        raise bad(f"tokens may hold at most {MOST_TOKENS}", "tokens")
    return Detokenized(content=await asking.task(api, call, api.desk.detokenize(model, body.tokens)) or "")
