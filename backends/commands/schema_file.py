"""A JSON schema out of a file that was named on the command line."""

import json
import stat
from pathlib import Path

from backends.core.errors import InvalidInput, NotFound
from backends.core.phrase import Phrase
from backends.engine.protocol import JsonSchema

LARGEST_SCHEMA = 64 << 10  # bytes


def schema(path: Path) -> JsonSchema:
    """A JSON schema out of a file. NotFound `no_file`, InvalidInput `bad_schema`."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a device never ends, a pipe may never begin
            raise _bad_schema(path, "it is no file", "不是文件")
        with path.open("rb") as file:
            read = file.read(LARGEST_SCHEMA + 1)
        if len(read) > LARGEST_SCHEMA:
            raise _bad_schema(path, f"more than {LARGEST_SCHEMA // 1024} KiB", f"超过 {LARGEST_SCHEMA // 1024} KiB")
        found = json.loads(read.decode("utf-8"))
    except OSError as error:
        raise NotFound(
            Phrase(f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。"), code="no_file"
        ) from error
    except (ValueError, RecursionError) as error:
        raise _bad_schema(path, "it is no JSON", "不是有效的 JSON") from error
    if not isinstance(found, dict):
        raise _bad_schema(path, "it is no JSON object", "不是 JSON 对象")
    return JsonSchema(found)


def _bad_schema(path: Path, en: str, zh: str) -> InvalidInput:
    return InvalidInput(
        Phrase(f"{path} is no JSON schema: {en}.", f"{path} 不是 JSON Schema：{zh}。"), code="bad_schema"
    )
