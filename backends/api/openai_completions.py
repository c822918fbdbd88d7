"""POST /v1/completions: a text goes on as it is, without any template.

A prompt is a text, token ids, or a list of either; each is asked for by itself, and its choices follow those of the
one before. Without `max_tokens` an answer goes on to its end, as llama-server's does (OpenAI's stops after 16 tokens).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from backends.api import asking, calls, putting, sse
from backends.api.admission import QUEUE
from backends.api.asking import Api, Asked
from backends.api.calls import Call
from backends.api.errors import ApiError, bad
from backends.api.openai_parts import Head, close, likelihood, usage, words
from backends.api.openai_types import CompletionRequest, TextCompletion
from backends.api.ports import ServedModel
from backends.api.telling import check, whole
from backends.engine.protocol import Finished, GenerateRequest, Sampling, TextDelta, TokenLogprob

router = APIRouter()

_KIND = "text_completion"
_Prompt = str | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`request` has no prompt yet."""

    prompts: tuple[_Prompt, ...]
    request: GenerateRequest
    n: int
    echo: bool
    usage: bool


@router.post("/v1/completions", response_model=TextCompletion, summary="Go on with a text")
async def complete(request: Request, body: CompletionRequest) -> Response:
    api, call = asking.of(request), calls.of(request)
    model = asking.find(api, call, body.model)
    wanted = read(body, api.desk.sampling(model))
    echoes = [await _echo(api, call, model, prompt) if wanted.echo else "" for prompt in wanted.prompts]
    asked = await _asked(api, call, model, wanted)
    head = Head.of("cmpl", model)
    if body.stream:
        return sse.event_stream(call, _chunks(asked, call, wanted, echoes, head), *asked)
    try:
        return JSONResponse(await _whole(asked, call, wanted, echoes, head))
    finally:
        await close(asked)


def read(body: CompletionRequest, base: Sampling) -> Wanted:
    """`base`: what the model's publisher recommends. ApiError 400."""
    if body.suffix:
        raise bad("suffix is not supported: no model here fills in", "suffix", "unsupported")
    if body.echo and body.logprobs is not None:
        raise bad("logprobs of an echoed prompt are not known", "logprobs", "unsupported")
    n = putting.count(body.n)
    if body.given.get("best_of") not in (None, n):
        raise bad("best_of is not supported", "best_of", "unsupported")
    form = putting.grammar(body.grammar)
    if form is None and body.given.get("json_schema") is not None:
        form = putting.schema(body.given["json_schema"], "json_schema")
    prompts = _prompts(body.prompt)
    if len(prompts) * n > QUEUE:
        raise bad(f"at most {QUEUE} answers can be asked for at once", "prompt")
    request = GenerateRequest(
        (),
        putting.sampling(body.given, base),
        putting.most_tokens(body.max_tokens, "max_tokens"),
        putting.stops(body.stop),
        format=form,
        logprobs=putting.rivals(body.logprobs, "logprobs"),
        ignore_end=bool(body.ignore_eos),
    )
    return Wanted(prompts, request, n, bool(body.echo), body.wants_usage)


def _prompts(given: Any) -> tuple[_Prompt, ...]:
    several = isinstance(given, list) and given and not _is_token(given[0])
    prompts = given if several else [given]
    return tuple(_prompt(one, f"prompt.{number}" if several else "prompt") for number, one in enumerate(prompts))


def _prompt(given: Any, param: str) -> _Prompt:
    if isinstance(given, str):
        return given
    if not isinstance(given, list) or not given or not all(map(_is_token, given)):
        raise bad(f"{param} must be a string or a list of token ids", param)
    return tuple(given)


def _is_token(one: Any) -> bool:
    return isinstance(one, int) and not isinstance(one, bool)


async def _echo(api: Api, call: Call, model: ServedModel, prompt: _Prompt) -> str:
    if isinstance(prompt, str):
        return prompt
    return await asking.task(api, call, api.desk.detokenize(model, prompt)) or ""


async def _asked(api: Api, call: Call, model: ServedModel, wanted: Wanted) -> list[Asked]:
    asked: list[Asked] = []
    done = False
    try:
        for prompt in wanted.prompts:
            asked.append(await _ask(api, call, model, wanted, prompt))
        done = True
    finally:
        if not done:
            await close(asked)
    return asked


async def _ask(api: Api, call: Call, model: ServedModel, wanted: Wanted, prompt: _Prompt) -> Asked:
    tokens = prompt
    if isinstance(tokens, str):
        tokens = await asking.task(api, call, api.desk.tokenize(model, tokens, special=True)) or ()
    if not tokens:
        raise bad("prompt is empty", "prompt")
    request = replace(wanted.request, tokens=tokens)
    try:
        return await asking.ask(api, call, model, request, wanted.n)
    except ApiError as error:
        raise putting.blamed(error, request, "grammar", "prompt") from error


# ---- whole


async def _whole(
    asked: Sequence[Asked], call: Call, wanted: Wanted, echoes: Sequence[str], head: Head
) -> dict[str, Any]:
    choices: list[dict[str, Any]] = []
    finished: list[list[Finished]] = []
    for one, echo in zip(asked, echoes, strict=True):
        answers = [whole(events, call, one.model, wanted.request) for events in await one.whole()]
        finished.append([answer.finished for answer in answers])
        for answer in answers:
            said = _logprobs(answer.logprobs, 0) if wanted.request.logprobs is not None else None
            choices.append(_choice(len(choices), echo + answer.text, said, answer.finished.finish_reason))
    return head.body(_KIND, choices, usage=usage(*finished))


def _choice(index: int, text: str, said: dict[str, Any] | None, reason: str | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": said, "finish_reason": reason}


def _logprobs(tokens: Sequence[TokenLogprob], offset: int) -> dict[str, Any]:
    """As they were before chats: columns. `offset`: characters of the answer before them."""
    offsets = []
    for one in tokens:
        offsets.append(offset)
        offset += len(words(one.text))
    return {
        "tokens": [_spelt(one.text) for one in tokens],
        "token_logprobs": [likelihood(one.logprob) for one in tokens],
        "top_logprobs": [{_spelt(rival.text): likelihood(rival.logprob) for rival in one.top} for one in tokens],
        "text_offset": offsets,
    }


def _spelt(piece: bytes) -> str:
    """A part of a character as OpenAI spells it: two such parts must not have one name."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in piece)


# ---- as it comes


async def _chunks(asked: Sequence[Asked], call: Call, wanted: Wanted, echoes: Sequence[str], head: Head) -> sse.Parts:
    finished: list[list[Finished]] = []
    more: dict[str, Any] = {"usage": None} if wanted.usage else {}

    def chunk(index: int, text: str, said: dict[str, Any] | None = None, reason: str | None = None) -> bytes:
        return sse.data(head.body(_KIND, [_choice(index, text, said, reason)], **more))

    for number, (one, echo) in enumerate(zip(asked, echoes, strict=True)):
        first, offsets = number * wanted.n, [0] * wanted.n
        finished.append([])
        if echo:
            yield b"".join(chunk(first + index, echo) for index in range(wanted.n))
        async for heard in one.events():
            parts: list[bytes] = []
            for index, event in heard:
                if isinstance(event, TextDelta):
                    said = _logprobs(event.logprobs, offsets[index]) if event.logprobs else None
                    offsets[index] += len(event.text)
                    parts.append(chunk(first + index, event.text, said))
                elif isinstance(event, Finished):
                    check(event, call)
                    finished[-1].append(event)
                    parts.append(chunk(first + index, "", None, event.finish_reason))
            yield b"".join(parts)
    if wanted.usage:
        yield sse.data(head.body(_KIND, [], usage=usage(*finished)))
    yield sse.DONE
