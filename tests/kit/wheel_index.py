"""Packages made in the test, and an index on 127.0.0.1 that serves them (PEP 503), also slowly."""

import base64
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ENGINE_FILE = "llama_cpp_python"


def wheel(name: str, version: str, files: Mapping[str, str], tag: str = "py3-none-any") -> tuple[str, bytes]:
    """The file name and the bytes of a wheel with `files` (PEP 427)."""
    info = f"{name}-{version}.dist-info"
    content = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = [f"{path},sha256={_digest(text.encode())},{len(text.encode())}" for path, text in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return f"{name}-{version}-{tag}.whl", buffer.getvalue()


def engine_files(devices: Sequence[tuple[str, str]], version: str, features: str = "SSE3 = 1") -> dict[str, str]:
    """A llama_cpp that answers what the set-up asks a real one: `devices` are (backend, description)."""
    return {
        "llama_cpp/__init__.py": (
            f"__version__ = {version!r}\n"
            "def llama_backend_init(): pass\n"
            f"def llama_print_system_info(): return b'CPU : {features} | REPACK = 1 | '\n"
        ),
        "llama_cpp/_ggml.py": (
            "import types\n"
            f"DEVICES = {list(devices)!r}\n"
            "libggml = types.SimpleNamespace(\n"
            "    ggml_backend_dev_count=lambda: len(DEVICES),\n"
            "    ggml_backend_dev_get=lambda index: index.value + 1,\n"
            "    ggml_backend_dev_backend_reg=lambda device: device.value,\n"
            "    ggml_backend_reg_name=lambda reg: DEVICES[reg.value - 1][0].encode(),\n"
            "    ggml_backend_dev_description=lambda device: DEVICES[device.value - 1][1].encode(),\n"
            ")\n"
        ),
    }


def engine_wheel(devices: Sequence[tuple[str, str]], version: str = "0.3.36", features: str = "SSE3 = 1") -> bytes:
    return wheel(ENGINE_FILE, version, engine_files(devices, version, features))[1]


def engine_source(devices: Sequence[tuple[str, str]], version: str = "0.3.36") -> tuple[str, bytes]:
    """A source archive that builds itself, with nothing but the standard library, into such an engine. It notes
    the options it was built with in `llama_cpp/options.txt`."""
    files = engine_files(devices, version)
    backend = (
        "import os, pathlib, sys\n"
        "sys.path.insert(0, os.path.dirname(__file__))\n"
        "import wheel_index\n"
        f"FILES = {files!r}\n"
        "def build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        "    files = {**FILES, 'llama_cpp/options.txt': os.environ.get('CMAKE_ARGS', '')}\n"
        f"    name, data = wheel_index.wheel({ENGINE_FILE!r}, {version!r}, files)\n"
        "    pathlib.Path(folder, name).write_bytes(data)\n"
        "    return name\n"
    )
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    with open(__file__, encoding="utf-8") as source:
        content = {"pyproject.toml": project, "backend.py": backend, "wheel_index.py": source.read()}
    content["PKG-INFO"] = f"Metadata-Version: 2.1\nName: {ENGINE_FILE}\nVersion: {version}\n"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in content.items():
            entry = tarfile.TarInfo(f"{ENGINE_FILE}-{version}/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return f"{ENGINE_FILE}-{version}.tar.gz", buffer.getvalue()


@dataclass(slots=True)
class Index:
    """Serves files by path. One in `held` comes by drips, a byte a second, until its event is set, so that nobody who
    waits for it gives up; `asked` is set before."""

    files: dict[str, bytes] = field(default_factory=dict)
    held: dict[str, threading.Event] = field(default_factory=dict)
    asked: dict[str, threading.Event] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    address: str = ""

    def add(self, folder: str, project: str, file: str, data: bytes) -> None:
        """Put a package file into `folder`'s index, and its page."""
        self.files[f"/{folder}/{project}/{file}"] = data
        names = [path.rpartition("/")[2] for path in self.files if path.startswith(f"/{folder}/{project}/")]
        links = "".join(f'<a href="{name}">{name}</a><br>' for name in names if name)
        self.files[f"/{folder}/{project}/"] = f"<!DOCTYPE html><html><body>{links}</body></html>".encode()

    def hold(self, path: str) -> tuple[threading.Event, threading.Event]:
        """(asked, answer): `asked` is set when somebody asks for `path`; it is whole once `answer` is set."""
        self.asked[path], self.held[path] = threading.Event(), threading.Event()
        return self.asked[path], self.held[path]


def serve(index: Index) -> ThreadingHTTPServer:
    """A server for `index` on a free port, running; its owner calls shutdown() and server_close()."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            index.requests.append(path)
            data = index.files.get(path)
            self.send_response(200 if data is not None else 404)
            self.send_header("Content-Type", "text/html" if path.endswith("/") else "application/octet-stream")
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write((data or b"")[self.drips(path) :])

        def drips(self, path: str) -> int:
            """Bytes of it that went out while it was held."""
            if path not in index.held:
                return 0
            index.asked[path].set()
            data = index.files[path]
            for sent in range(len(data)):
                if index.held[path].wait(1):
                    return sent
                self.wfile.write(data[sent : sent + 1])
            return len(data)

        def log_message(self, format: str, *args: object) -> None:
            """The test reads `requests` instead."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A killed pip closes its connection in the middle; nobody is left to be told."""

    server = Server(("127.0.0.1", 0), Answers)
    index.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, name="index", daemon=True).start()
    return server


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
