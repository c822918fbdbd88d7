"""What /v1/responses takes and gives. Fields that are not here are accepted; what has many shapes is read in
`responses`, so that an error names its one place."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.api.openai_types import Given, as_schema

_TEXTS = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"type": {"enum": ["input_text", "output_text"]}, "text": {"type": "string"}},
                "required": ["type", "text"],
            },
        },
    ]
}
_MESSAGE = {
    "type": "object",
    "properties": {
        "type": {"enum": ["message"]},
        "role": {"enum": ["system", "developer", "user", "assistant"]},
        "content": _TEXTS,
    },
    "required": ["role", "content"],
}
_CALL = {
    "type": "object",
    "properties": {
        "type": {"enum": ["function_call"]},
        "call_id": {"type": "string"},
        "name": {"type": "string", "minLength": 1},
        "arguments": {"type": "string"},
    },
    "required": ["type", "call_id", "name", "arguments"],
}
_OUTPUT = {
    "type": "object",
    "properties": {"type": {"enum": ["function_call_output"]}, "call_id": {"type": "string"}, "output": _TEXTS},
    "required": ["type", "call_id", "output"],
}
_REASONING = {
    "type": "object",
    "properties": {
        "type": {"enum": ["reasoning"]},
        "content": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "properties": {"type": {"enum": ["reasoning_text"]}, "text": {"type": "string"}},
                "required": ["type", "text"],
            },
        },
    },
    "required": ["type"],
}
_INPUT = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "array",
            "minItems": 1,
            "maxItems": 2000,
            "items": {"anyOf": [_MESSAGE, _CALL, _OUTPUT, _REASONING]},
        },
    ]
}
_TOOLS = {
    "type": "array",
    "maxItems": 128,
    "items": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["function"]},
            "name": {"type": "string", "pattern": "^[A-Za-z0-9_./:-]{1,128}$"},
            "description": {"type": "string"},
            "parameters": {"type": "object", "properties": {"type": {"enum": ["object"]}}},
        },
        "required": ["type", "name"],
    },
}
_CHOICE = {
    "anyOf": [
        {"type": "string", "enum": ["auto", "none", "required"]},
        {
            "type": "object",
            "properties": {"type": {"enum": ["function"]}, "name": {"type": "string"}},
            "required": ["type", "name"],
        },
    ]
}
_FORMAT = {
    "type": "object",
    "properties": {
        "type": {"enum": ["text", "json_object", "json_schema"]},
        "name": {"type": "string"},
        "schema": {"type": "object"},
        "strict": {"type": "boolean"},
    },
    "required": ["type"],
}


class ReasoningConfig(BaseModel):
    model_config = ConfigDict(extra="allow")

    effort: str | None = Field(None, description="none, minimal, low, medium, high, xhigh, max")


class TextConfig(BaseModel):
    model_config = ConfigDict(extra="allow")

    format: Annotated[Any, as_schema(_FORMAT)] = None


class ResponsesRequest(Given):
    """Nothing is stored: a conversation is sent whole, and `store` is ignored."""

    model: str = Field("", description="An id of /v1/models; empty: the model that answers now")
    input: Annotated[Any, as_schema(_INPUT)]
    instructions: str | None = None
    stream: bool | None = None
    tools: Annotated[Any, as_schema(_TOOLS)] = Field(None, description="Other tools than functions are skipped")
    tool_choice: Annotated[Any, as_schema(_CHOICE)] = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: ReasoningConfig | None = None
    max_output_tokens: int | None = Field(None, ge=0)
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = Field(None, description="0 to 20")
    include: list[str] | None = None
    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
    store: bool | None = None
    background: bool | None = Field(None, description="Not supported")
    previous_response_id: str | None = Field(None, description="Not supported: nothing is stored")


# ---- what is given


class InputDetails(BaseModel):
    cached_tokens: int
    cache_write_tokens: int


class OutputDetails(BaseModel):
    reasoning_tokens: int


class ResponseUsage(BaseModel):
    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class ResponseItem(BaseModel):
    """A `message`, a `reasoning` or a `function_call`."""

    model_config = ConfigDict(extra="allow")

    id: str
    type: Literal["message", "reasoning", "function_call"]
    status: Literal["completed", "incomplete"]


class ResponseObject(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["response"]
    created_at: int
    status: Literal["completed", "incomplete"]
    model: str
    output: list[ResponseItem]
    incomplete_details: dict[str, str] | None
    usage: ResponseUsage
