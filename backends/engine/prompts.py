"""The prompt of a request, as far as it can be computed at all."""

from collections.abc import Sequence

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.engine.native import Vocabulary
from backends.engine.protocol import GenerateRequest
from backends.engine.template import ChatTemplate, Prompt
from backends.engine.tools import check_tools, offered


def read(request: GenerateRequest, template: ChatTemplate, words: int, room: int) -> Prompt:
    """For a vocabulary of so many `words` and a context of `room` tokens.

    InvalidInput `context_too_long`, `bad_token`, `bad_tool`; EngineError `template_failed`.
    """
    check_tools(request.tools, request.tool_choice)
    if request.tokens:
        _check(request.tokens, words)
        prompt = Prompt(list(request.tokens), "answer", begun=True)
    else:
        prompt = template.prompt(request.turns, request.thinking, request.effort, offered(request), request.said)
    if len(prompt.tokens) >= room:
        raise _too_long(len(prompt.tokens), room)
    return prompt


def tokens(text: str, vocabulary: Vocabulary, *, special: bool) -> tuple[int, ...]:
    """Of a text as it is, control tokens as text; `special`: after a begin-of-text token, where the model wants one."""
    begin = (vocabulary.bos,) if special and vocabulary.add_bos else ()
    return (*begin, *vocabulary.tokenise(text))


def text(tokens: Sequence[int], vocabulary: Vocabulary) -> str:
    """Bytes that are no character become U+FFFD. InvalidInput (`bad_token`)."""
    _check(tokens, vocabulary.size)
    return b"".join(map(vocabulary.piece, tokens)).decode("utf-8", "replace")


def _check(tokens: Sequence[int], words: int) -> None:
    for token in tokens:
        if not 0 <= token < words:
            raise _bad_token(token, words)


def _bad_token(token: int, words: int) -> InvalidInput:
    return InvalidInput(
        Phrase(f"There is no token {token}: this model has {words}.", f"不存在 token {token}：该模型共有 {words} 个。"),
        code="bad_token",
    )


class ContextTooLong(InvalidInput):
    """The prompt has `n_prompt_tokens`, which is more than `n_ctx` allows."""

    default_code = "context_too_long"

    def __init__(self, needed: int, room: int, message: Phrase, hint: Phrase) -> None:
        super().__init__(message, hint)
        self.n_prompt_tokens, self.n_ctx = needed, room


def _too_long(needed: int, room: int) -> ContextTooLong:
    return ContextTooLong(
        needed,
        room,
        Phrase(
            f"This conversation needs {needed} tokens, but the context holds {room}.",
            f"此对话需要 {needed} 个 token，但上下文只能容纳 {room} 个。",
        ),
        Phrase(
            "Shorten the message, start a new conversation, or load the model with a larger context.",
            "请缩短消息、新建对话，或用更大的上下文加载模型。",
        ),
    )
