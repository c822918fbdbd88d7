"""How programs are told of this server: texts to copy, with its address, the model and the key in them."""

import json
import shlex
from dataclasses import dataclass
from typing import Literal, get_args

Client = Literal["curl", "python", "continue", "claude", "ollama", "documents"]
CLIENTS: tuple[Client, ...] = get_args(Client)
NO_KEY = "YOUR_KEY"
NO_MODEL = "default"  # whatever answers at the window


@dataclass(frozen=True, slots=True)
class Example:
    """`language`: of the text, for its colours."""

    language: str
    text: str


def example(client: Client, address: str, model: str, key: str) -> Example:
    """`model`, `key` "": the names that stand for them."""
    model, key = model or NO_MODEL, key or NO_KEY
    said = json.dumps(model, ensure_ascii=False)  # a string of JSON is one of Python and of YAML, too
    match client:
        case "curl":
            return Example("bash", _asked(address, said, key))
        case "python":
            return Example("python", _PYTHON.format(address=address, model=said, key=key))
        case "continue":
            return Example("yaml", _CONTINUE.format(address=address, model=said, key=key))
        case "claude":
            return Example("bash", _CLAUDE.format(address=address, model=shlex.quote(model), key=key))
        case "ollama":
            return Example("python", _OLLAMA.format(address=address, model=said, key=key))
        case "documents":
            upload = _UPLOAD.format(address=address, key=key)
            return Example("bash", upload + _asked(address, said, key, "What does the report say?", documents=True))


def _asked(address: str, model: str, key: str, question: str = "Hello", *, documents: bool = False) -> str:
    extra = ',\n  "documents": true' if documents else ""
    body = f'{{\n  "model": {model},\n  "messages": [{{"role": "user", "content": "{question}"}}]{extra}\n}}'
    return (
        f"curl {address}/v1/chat/completions \\\n"
        f'  -H "Authorization: Bearer {key}" \\\n'
        f'  -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(body)}"
    )


_PYTHON = """\
# pip install openai
from openai import OpenAI

client = OpenAI(base_url="{address}/v1", api_key="{key}")
answer = client.chat.completions.create(
    model={model},
    messages=[{{"role": "user", "content": "Hello"}}],
)
print(answer.choices[0].message.content)"""

_CONTINUE = """\
# ~/.continue/config.yaml
name: DeskSeek
version: 1.0.0
schema: v1
models:
  - name: DeskSeek
    provider: openai
    model: {model}
    apiBase: {address}/v1
    apiKey: {key}
    roles: [chat, edit, apply]"""

_CLAUDE = """\
export ANTHROPIC_BASE_URL={address}
export ANTHROPIC_AUTH_TOKEN={key}
export ANTHROPIC_MODEL={model}
export ANTHROPIC_DEFAULT_HAIKU_MODEL={model}
claude"""

_OLLAMA = """\
# pip install ollama
from ollama import Client

client = Client("{address}", headers={{"Authorization": "Bearer {key}"}})
answer = client.chat(
    model={model},
    messages=[{{"role": "user", "content": "Hello"}}],
)
print(answer.message.content)"""

_UPLOAD = """\
curl {address}/v1/documents \\
  -H "Authorization: Bearer {key}" \\
  -F "file=@report.pdf"

"""
