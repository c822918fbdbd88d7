"""What /v1/messages takes and gives. Fields that are not here are accepted; what has many shapes is read in
`anthropic`, so that an error names its one place."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.api.openai_types import Given, as_schema

_TEXT = {
    "type": "object",
    "properties": {"type": {"enum": ["text"]}, "text": {"type": "string"}},
    "required": ["type", "text"],
}
_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": _TEXT}]}
_TOOL_USE = {
    "type": "object",
    "properties": {
        "type": {"enum": ["tool_use"]},
        "id": {"type": "string", "minLength": 1},
        "name": {"type": "string", "minLength": 1},
        "input": {"type": "object"},
    },
    "required": ["type", "id", "name", "input"],
}
_TOOL_RESULT = {
    "type": "object",
    "properties": {
        "type": {"enum": ["tool_result"]},
        "tool_use_id": {"type": "string", "minLength": 1},
        "content": _TEXTS,
        "is_error": {"type": "boolean"},
    },
    "required": ["type", "tool_use_id"],
}
_THINKING = {
    "type": "object",
    "properties": {"type": {"enum": ["thinking"]}, "thinking": {"type": "string"}, "signature": {"type": "string"}},
    "required": ["type", "thinking"],
}


def _message(role: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    content = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"anyOf": list(blocks)}}]}
    return {
        "type": "object",
        "properties": {"role": {"enum": [role]}, "content": content},
        "required": ["role", "content"],
    }


_MESSAGES = {
    "type": "array",
    "minItems": 1,
    "maxItems": 2000,
    "items": {"anyOf": [_message("user", _TEXT, _TOOL_RESULT), _message("assistant", _TEXT, _TOOL_USE, _THINKING)]},
}
_TOOLS = {
    "type": "array",
    "maxItems": 128,
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": "^[A-Za-z0-9_./:-]{1,128}$"},
            "description": {"type": "string"},
            "input_schema": {"type": "object", "properties": {"type": {"enum": ["object"]}}},
        },
        "required": ["name", "input_schema"],
    },
}
_CHOICE = {
    "type": "object",
    "properties": {
        "type": {"enum": ["auto", "any", "tool", "none"]},
        "name": {"type": "string"},
        "disable_parallel_tool_use": {"type": "boolean"},
    },
    "required": ["type"],
}
_THOUGHT = {
    "type": "object",
    "properties": {
        "type": {"enum": ["enabled", "disabled", "adaptive"]},
        "budget_tokens": {"type": "integer", "minimum": 0},
    },
    "required": ["type"],
}
_STOPS = {"type": ["array", "null"], "maxItems": 16, "items": {"type": "string", "maxLength": 256}}
_FORMAT = {
    "type": "object",
    "properties": {"type": {"enum": ["json_schema"]}, "schema": {"type": "object"}},
    "required": ["type", "schema"],
}


class OutputConfig(BaseModel):
    model_config = ConfigDict(extra="allow")

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = Field(None, description="Where it thinks")
    format: Annotated[Any, as_schema(_FORMAT)] = None


class CountRequest(Given):
    model: str = Field("", description="An id of /v1/models; empty: the model that answers now")
    messages: Annotated[Any, as_schema(_MESSAGES)] = Field(
        description="If the last one is the assistant's, the answer goes on from there"
    )
    system: Annotated[Any, as_schema(_TEXTS)] = None
    tools: Annotated[Any, as_schema(_TOOLS)] = Field(None, description="Tools of Anthropic's own are skipped")
    tool_choice: Annotated[Any, as_schema(_CHOICE)] = None


class MessagesRequest(CountRequest):
    max_tokens: int | None = Field(None, ge=0, description="May be left out here")
    stream: bool | None = None
    stop_sequences: Annotated[Any, as_schema(_STOPS)] = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    thinking: Annotated[Any, as_schema(_THOUGHT)] = None
    output_config: OutputConfig | None = None


# ---- what is given


class MessageUsageDetails(BaseModel):
    thinking_tokens: int


class MessageUsage(BaseModel):
    input_tokens: int = Field(description="Of the prompt, without those that were not computed again")
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: MessageUsageDetails


class Block(BaseModel):
    """A `text`, a `thinking` or a `tool_use`."""

    model_config = ConfigDict(extra="allow")

    type: Literal["text", "thinking", "tool_use"]


class MessageObject(BaseModel):
    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[Block]
    stop_reason: Literal["end_turn", "max_tokens", "stop_sequence", "tool_use"]
    stop_sequence: str | None
    usage: MessageUsage


class TokenCount(BaseModel):
    input_tokens: int
