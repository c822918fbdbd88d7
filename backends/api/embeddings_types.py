"""What /v1/embeddings and /v1/rerank take and give."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from backends.api.openai_types import Given, as_schema

MOST_TEXTS = 2_048  # of one request, as OpenAI has it

TextKind = Literal["query", "document", "search_query", "search_document", "passage"]
TRUNCATE = "Leave out the ends of texts that are longer than the model reads; else they are refused"

_TEXTS = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "minItems": 1, "maxItems": MOST_TEXTS, "items": {"type": "string", "minLength": 1}},
    ]
}
_DOCUMENTS = {
    "type": "array",
    "minItems": 1,
    "maxItems": MOST_TEXTS,
    "items": {
        "anyOf": [
            {"type": "string"},
            {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        ]
    },
}


class EmbeddingsRequest(Given):
    input: Annotated[Any, as_schema(_TEXTS)]
    model: str = Field("", description="An embedder among /v1/models; empty: the one that is used here")
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(None, ge=1, description="Only as many as the model has")
    input_type: TextKind | None = Field(None, description="What the texts are; unnamed: documents")
    role: TextKind | None = Field(None, description="As input_type")
    truncate: bool | None = Field(None, description=TRUNCATE)


class RerankRequest(Given):
    query: str = Field(min_length=1)
    documents: Annotated[Any, as_schema(_DOCUMENTS)]
    model: str = Field("", description="A reranker among /v1/models; empty: the one that is used here")
    top_n: int | None = Field(None, ge=1, description="Only so many, the best first")
    return_documents: bool | None = None
    truncate: bool | None = Field(None, description=TRUNCATE)


# ---- what is given


class ReadUsage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class Truncated(BaseModel):
    """So many tokens of the end of one text were not read."""

    index: int
    tokens: int


class Embedding(BaseModel):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str = Field(description="Or base64 of little-endian float32")


class Embeddings(BaseModel):
    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: ReadUsage
    truncated: list[Truncated] | None = Field(None, description="Only where a text was cut")


class RankedText(BaseModel):
    text: str


class RankedDocument(BaseModel):
    index: int
    relevance_score: float = Field(description="0 to 1")
    document: RankedText | None = None


class Reranked(BaseModel):
    object: Literal["list"]
    model: str
    results: list[RankedDocument] = Field(description="The best first")
    usage: ReadUsage
    truncated: list[Truncated] | None = Field(None, description="Only where a document was cut")
