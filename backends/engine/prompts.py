"""The prompt of a request, as far as it can be computed at all."""

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.engine.protocol import GenerateRequest
from backends.engine.template import ChatTemplate, Prompt
from backends.engine.tools import check_tools, offered


def read(request: GenerateRequest, template: ChatTemplate, words: int, room: int) -> Prompt:
    """For a vocabulary of so many `words` and a context of `room` tokens.

    InvalidInput `context_too_long`, `bad_token`, `bad_tool`; EngineError `template_failed`.
    """
    check_tools(request.tools, request.tool_choice)
    if request.tokens:
        prompt = Prompt(list(request.tokens), "answer")
        for token in request.tokens:
            if not 0 <= token < words:
                raise _bad_token(token, words)
    else:
        prompt = template.prompt(request.turns, request.thinking, request.effort, offered(request), request.said)
    if len(prompt.tokens) >= room:
        raise _too_long(len(prompt.tokens), room)
    return prompt


def _bad_token(token: int, words: int) -> InvalidInput:
    return InvalidInput(
        Phrase(f"There is no token {token}: this model has {words}.", f"不存在 token {token}：该模型共有 {words} 个。"),
        code="bad_token",
    )


def _too_long(needed: int, room: int) -> InvalidInput:
    return InvalidInput(
        Phrase(
            f"This conversation needs {needed} tokens, but the context holds {room}.",
            f"此对话需要 {needed} 个 token，但上下文只能容纳 {room} 个。",
        ),
        Phrase(
            "Shorten the message, start a new conversation, or load the model with a larger context.",
            "请缩短消息、新建对话，或用更大的上下文加载模型。",
        ),
        code="context_too_long",
    )
