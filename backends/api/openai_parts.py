"""What OpenAI's answers are made of, chats and completions alike."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

from backends import __version__
from backends.api.asking import Asked
from backends.api.ports import ServedModel
from backends.api.telling import together
from backends.engine.protocol import Finished, TokenLogprob, TopLogprob

_LEAST = -9999.0  # OpenAI's word for "never"; JSON has no infinity


@dataclass(frozen=True, slots=True)
class Head:
    """The same for all chunks of an answer."""

    id: str
    created: int
    model: str
    fingerprint: str

    @classmethod
    def of(cls, prefix: str, model: ServedModel) -> "Head":
        return cls(f"{prefix}-{secrets.token_hex(12)}", int(time.time()), model.id, fingerprint(model))

    def body(self, kind: str, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
            "choices": choices,
            **more,
        }


def fingerprint(model: ServedModel) -> str:
    """Changes with the model's file and with the engine."""
    return f"fp_{model.digest[:12] or 'unknown'}_{_engine()}"


@cache
def _engine() -> str:
    try:
        return metadata.version("llama-cpp-python")
    except metadata.PackageNotFoundError:
        return __version__


def usage(*prompts: Sequence[Finished]) -> dict[str, Any]:
    """The answers to each prompt."""
    found = [together(answers) for answers in prompts]
    read, said = sum(one.prompt_tokens for one in found), sum(one.completion_tokens for one in found)
    return {
        "prompt_tokens": read,
        "completion_tokens": said,
        "total_tokens": read + said,
        "prompt_tokens_details": {"cached_tokens": sum(one.cached_tokens for one in found)},
        "completion_tokens_details": {"reasoning_tokens": sum(one.reasoning_tokens for one in found)},
    }


def logprobs(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    """As chats have them."""
    entries = [{**_entry(one), "top_logprobs": [_entry(rival) for rival in one.top]} for one in tokens]
    return {"content": entries, "refusal": None}


def _entry(one: TokenLogprob | TopLogprob) -> dict[str, Any]:
    return {"token": words(one.text), "bytes": list(one.text), "logprob": likelihood(one.logprob)}


def words(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")


def likelihood(logprob: float) -> float:
    return min(0.0, max(logprob, _LEAST))


async def close(asked: Sequence[Asked]) -> None:
    for one in asked:
        await one.close()
