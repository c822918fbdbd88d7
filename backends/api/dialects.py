"""All routes that are served, by dialect. Imported when the API is switched on: the web library is large."""

from fastapi import APIRouter

from backends.api import (
    anthropic,
    documents,
    embeddings,
    ollama,
    ollama_models,
    openai_chat,
    openai_completions,
    openai_models,
    responses,
    status,
    tokens,
)

__all__ = ["routers"]


def routers() -> tuple[APIRouter, ...]:
    return (
        openai_chat.router,
        openai_completions.router,
        openai_models.router,
        embeddings.router,
        ollama.router,
        ollama_models.router,
        responses.router,
        anthropic.router,
        documents.router,
        tokens.router,
        status.router,
    )
