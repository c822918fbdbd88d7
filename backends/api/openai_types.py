"""What OpenAI's routes take and give. Fields that are not here are accepted; those we know are looked at in `putting`.

What has many shapes (messages, tools) is described here and read there, so that an error names its one place.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, WithJsonSchema

_CONTENT = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"type": {"type": "string", "enum": ["text"]}, "text": {"type": "string"}},
                "required": ["type", "text"],
            },
        },
        {"type": "null"},
    ]
}
_CALL = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "type": {"type": "string", "enum": ["function"]},
        "function": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "arguments": {"type": "string"}},
            "required": ["name", "arguments"],
        },
    },
    "required": ["id", "type", "function"],
}
_MESSAGES = {
    "type": "array",
    "minItems": 1,
    "maxItems": 2000,
    "items": {
        "type": "object",
        "properties": {
            "role": {"type": "string", "enum": ["system", "developer", "user", "assistant", "tool", "function"]},
            "content": _CONTENT,
            "reasoning_content": {"type": ["string", "null"]},
            "tool_calls": {"type": "array", "items": _CALL},
            "tool_call_id": {"type": "string"},
        },
        "required": ["role"],
    },
}
_TOOLS = {
    "type": "array",
    "maxItems": 128,
    "items": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["function"]},
            "function": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "pattern": "^[A-Za-z0-9_./:-]{1,128}$"},
                    "description": {"type": "string"},
                    "parameters": {"type": "object", "properties": {"type": {"enum": ["object"]}}},
                },
                "required": ["name"],
            },
        },
        "required": ["type", "function"],
    },
}
_CHOICE = {
    "anyOf": [
        {"type": "string", "enum": ["auto", "none", "required"]},
        {
            "type": "object",
            "properties": {
                "type": {"enum": ["function"]},
                "function": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
            },
            "required": ["type", "function"],
        },
    ]
}
_FORMAT = {
    "type": "object",
    "properties": {
        "type": {"enum": ["text", "json_object", "json_schema"]},
        "json_schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "schema": {"type": "object"}, "strict": {"type": "boolean"}},
        },
    },
    "required": ["type"],
}
_STOP = {
    "anyOf": [
        {"type": "string", "maxLength": 256},
        {"type": "array", "maxItems": 16, "items": {"type": "string", "maxLength": 256}},
        {"type": "null"},
    ]
}
_BIAS = {
    "type": "object",
    "patternProperties": {"^[0-9]{1,10}$": {"type": "number", "minimum": -100, "maximum": 100}},
    "additionalProperties": False,
}
_PROMPT = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "minItems": 1, "items": {"type": "string"}},
        {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}},
        {"type": "array", "minItems": 1, "items": {"type": "array", "items": {"type": "integer", "minimum": 0}}},
    ]
}

GREATEST_ID = 2**53 - 1  # JSON knows no greater integers
Ids = Annotated[list[Annotated[StrictInt, Field(ge=1, le=GREATEST_ID)]], Field(max_length=1_000)]


def as_schema(schema: dict[str, Any]) -> Any:
    """How a field of many shapes is described."""
    return WithJsonSchema(schema)


class Given(BaseModel):
    """A request of any dialect: what it names is kept, known or not."""

    model_config = ConfigDict(extra="allow")

    @property
    def given(self) -> dict[str, Any]:
        """Everything that was sent, and the defaults of what was not."""
        return {**self.__dict__, **(self.model_extra or {})}


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="allow")

    include_usage: bool | None = None


class _Drawn(Given):
    """What both kinds of completions take."""

    model: str = Field("", description="An id of /v1/models; empty: the model that answers now")
    stream: bool | None = None
    stream_options: StreamOptions | None = Field(None, description="Read only where `stream` is true")
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    stop: Annotated[Any, as_schema(_STOP)] = None
    logit_bias: Annotated[Any, as_schema(_BIAS)] = None
    max_tokens: int | None = Field(None, ge=-1)
    n: int | None = Field(None, description="1 to 8")
    grammar: str | None = Field(None, description="GBNF, as llama-server takes it")
    ignore_eos: bool | None = Field(None, description="go on to max_tokens whatever the model says")

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class ChatRequest(_Drawn):
    messages: Annotated[Any, as_schema(_MESSAGES)]
    max_completion_tokens: int | None = Field(None, ge=-1)
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: Annotated[Any, as_schema(_FORMAT)] = None
    tools: Annotated[Any, as_schema(_TOOLS)] = None
    tool_choice: Annotated[Any, as_schema(_CHOICE)] = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = Field(None, description="none, minimal, low, medium, high, xhigh, max")
    enable_thinking: bool | None = None
    documents: StrictBool | Ids | None = Field(None, description="true, or ids: answer from documents, with citations")
    collection: str | None = Field(None, max_length=200, description="Of these documents, those of this collection")


class CompletionRequest(_Drawn):
    prompt: Annotated[Any, as_schema(_PROMPT)]
    echo: bool | None = None
    suffix: str | None = Field(None, description="Not supported")
    logprobs: int | None = Field(None, description="0 to 20")


class TokenizeRequest(Given):
    content: str
    model: str = ""
    add_special: bool = Field(False, description="After a begin-of-text token, where the model has one")


class DetokenizeRequest(Given):
    tokens: list[int]
    model: str = ""


# ---- what is given


class PromptDetails(BaseModel):
    cached_tokens: int


class CompletionDetails(BaseModel):
    reasoning_tokens: int


class TokenUsage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class Function(BaseModel):
    name: str
    arguments: str


class MessageCall(BaseModel):
    id: str
    type: Literal["function"]
    function: Function


class Message(BaseModel):
    model_config = ConfigDict(extra="allow")

    role: Literal["assistant"]
    content: str | None
    reasoning_content: str | None = Field(None, description="Its thinking; `reasoning` says the same")
    tool_calls: list[MessageCall] | None = None
    citations: list[dict[str, Any]] | None = Field(
        None, description="n, document, name, title, page, start, end, quote, verified: what each mark [n] stands for"
    )


class Choice(BaseModel):
    index: int
    message: Message
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length", "tool_calls"]


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[Choice]
    usage: TokenUsage
    sources: list[dict[str, Any]] | None = Field(
        None, description="n, document, name, title, page, label, start, end, text: what the model was given"
    )


class TextChoice(BaseModel):
    index: int
    text: str
    logprobs: dict[str, Any] | None
    finish_reason: Literal["stop", "length"]


class TextCompletion(BaseModel):
    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[TextChoice]
    usage: TokenUsage


class Meta(BaseModel):
    """More than OpenAI tells."""

    kind: str
    size: int
    quant: str
    architecture: str
    n_ctx_train: int


class Model(BaseModel):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    meta: Meta


class ModelList(BaseModel):
    object: Literal["list"]
    data: list[Model]


class Tokenized(BaseModel):
    tokens: list[int]


class Detokenized(BaseModel):
    content: str
