"""What Ollama's routes take and give. Fields that are not here are accepted; messages and tools are read in
`ollama_reading`."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.api.embeddings_types import TextKind, Truncated
from backends.api.openai_types import Given, as_schema

_MESSAGES = {
    "anyOf": [
        {
            "type": "array",
            "maxItems": 2000,
            "items": {
                "type": "object",
                "properties": {
                    "role": {"type": "string", "enum": ["system", "user", "assistant", "tool"]},
                    "content": {"type": ["string", "null"]},
                    "thinking": {"type": ["string", "null"]},
                    "tool_name": {"type": "string"},
                    "tool_calls": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "function": {
                                    "type": "object",
                                    "properties": {"name": {"type": "string"}, "arguments": {"type": "object"}},
                                    "required": ["name", "arguments"],
                                }
                            },
                            "required": ["function"],
                        },
                    },
                },
                "required": ["role"],
            },
        },
        {"type": "null"},
    ]
}
_TOOLS = {
    "anyOf": [
        {
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
                "required": ["function"],
            },
        },
        {"type": "null"},
    ]
}
_FORMAT = {"anyOf": [{"type": "string", "enum": ["", "json"]}, {"type": "object"}, {"type": "null"}]}


class _Asked(Given):
    model: str = Field("", description="A name of /api/tags, with or without `:latest`; empty: the usual one")
    options: dict[str, Any] | None = None
    keep_alive: float | str | None = None


class _Answered(_Asked):
    """What both kinds of answers take."""

    stream: bool | None = Field(None, description="One JSON object a line; false: one object. Unnamed: true")
    format: Annotated[Any, as_schema(_FORMAT)] = None
    think: bool | str | None = Field(None, description="true, false, low, medium, high")
    options: dict[str, Any] | None = Field(
        None, description="temperature, top_k, top_p, min_p, seed, num_predict, stop, repeat_penalty, …"
    )
    keep_alive: float | str | None = Field(None, description="0 without messages or prompt unloads; else ignored")
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, description="0 to 20")


class OllamaChatRequest(_Answered):
    messages: Annotated[Any, as_schema(_MESSAGES)] = Field(None, description="None: the model is loaded, no more")
    tools: Annotated[Any, as_schema(_TOOLS)] = None


class OllamaGenerateRequest(_Answered):
    prompt: str | None = Field(None, description="Empty: the model is loaded, no more")
    system: str | None = None
    raw: bool | None = Field(None, description="The prompt goes to the model without its template")
    template: str | None = Field(None, description="Not supported")
    suffix: str | None = Field(None, description="Not supported")
    context: list[int] | None = Field(None, description="Not supported; use /api/chat")
    images: list[str] | None = Field(None, description="Not supported")


class OllamaEmbedRequest(_Asked):
    input: Any = Field(None, description="A text, or a list of at most 2,048")
    truncate: bool | None = Field(None, description="false: texts that are too long are refused. Unnamed: true")
    dimensions: int | None = Field(None, ge=1, description="Only as many as the model has")
    input_type: TextKind | None = Field(None, description="What the texts are; unnamed: documents")


class OllamaEmbeddingsRequest(_Asked):
    prompt: str | None = None


class OllamaShowRequest(Given):
    model: str = ""
    name: str = Field("", description="As `model`, from older clients")


# ---- what is given


class Durations(BaseModel):
    """In nanoseconds."""

    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_count: int | None = None
    prompt_eval_duration: int | None = None
    eval_count: int | None = None
    eval_duration: int | None = None


class _Line(Durations):
    model_config = ConfigDict(extra="allow")

    model: str
    created_at: str
    done: bool
    done_reason: Literal["stop", "length", "load", "unload"] | None = Field(None, description="Where `done` is true")
    logprobs: list[dict[str, Any]] | None = None


class OllamaFunction(BaseModel):
    index: int
    name: str
    arguments: dict[str, Any]


class OllamaCall(BaseModel):
    id: str
    function: OllamaFunction


class OllamaMessage(BaseModel):
    role: Literal["assistant"]
    content: str
    thinking: str | None = None
    tool_calls: list[OllamaCall] | None = None


class OllamaChatAnswer(_Line):
    message: OllamaMessage


class OllamaGenerateAnswer(_Line):
    response: str
    thinking: str | None = None


class OllamaEmbeddings(BaseModel):
    model: str
    embeddings: list[list[float]]
    total_duration: int
    prompt_eval_count: int
    truncated: list[Truncated] | None = Field(None, description="Only where a text was cut")


class OllamaEmbedding(BaseModel):
    embedding: list[float]
    truncated: list[Truncated] | None = Field(None, description="Only where the text was cut")


class OllamaVersion(BaseModel):
    version: str


class Details(BaseModel):
    parent_model: str
    format: Literal["gguf"]
    family: str
    families: list[str]
    parameter_size: str = Field(description="As 8.2B; empty where it is not known")
    quantization_level: str


class OllamaModel(BaseModel):
    name: str
    model: str
    modified_at: str
    size: int
    digest: str
    details: Details


class OllamaModels(BaseModel):
    models: list[OllamaModel]


class OllamaRunning(BaseModel):
    name: str
    model: str
    size: int
    digest: str
    details: Details
    expires_at: str
    size_vram: int | None = None
    context_length: int | None = None


class OllamaProcesses(BaseModel):
    models: list[OllamaRunning]


class OllamaShown(BaseModel):
    """`template`, `modelfile` and `license` are empty: clients look for them."""

    modified_at: str
    details: Details
    model_info: dict[str, Any]
    capabilities: list[str]
    parameters: str = Field(description="As a Modelfile has them: how answers are drawn where a request does not say")
    template: str
    modelfile: str
    license: str
