"""A download against curl: the same file from a local server, by turns, sha256 included. Wanted: 0.9 of curl's rate.

    python -m tests.bench download [--size 2000] [--rounds 5] [--connections 4] [--folder PATH]

The server is a process of its own that sends by sendfile, over plain HTTP on 127.0.0.1. curl writes to a file and
computes nothing; ours is all of `download`: what the hub says, several connections, the sum, fsync, the receipt.
"""

import argparse
import hashlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.network import Network, NetworkOptions
from backends.models.download import DownloadFinished, DownloadOptions, download
from backends.models.sources import Hub
from backends.models.types import ModelFile
from tests.kit.ggufs import scripted_model

STORY = __doc__ or ""
ROOT = Path(__file__).resolve().parents[2]
REPO, NAME = "bench/Made-GGUF", "made-Q8_0.gguf"
TARGET = 0.9
MB = 1_000_000


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["serve"]:
        serve(Path(arguments[1]))
        return 0
    parser = argparse.ArgumentParser(prog="tests.bench download", description=STORY.splitlines()[0])
    parser.add_argument("--size", type=int, default=2000, help="MB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=DownloadOptions().connections)
    parser.add_argument("--folder", type=Path, help="where to write; by default the folder for temporary files")
    options = parser.parse_args(arguments)
    if shutil.which("curl") is None:
        print("There is no curl here.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        model = large_model(folder / NAME, options.size * MB)
        with subprocess.Popen(
            [sys.executable, "-m", "tests.bench", "download", "serve", str(model)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as server:
            assert server.stdout
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            try:
                return measure(endpoint, model, folder, options.rounds, options.connections)
            finally:
                server.kill()


def measure(endpoint: str, model: Path, folder: Path, rounds: int, connections: int) -> int:
    size, mine, theirs = model.stat().st_size, list[float](), list[float]()
    curl(endpoint, folder)  # a warm-up: the file comes into memory
    for number in range(rounds):
        for ours in (number % 2 == 0, number % 2 == 1):
            os.sync()
            seconds = fetch(endpoint, size, folder / "models", connections) if ours else curl(endpoint, folder)
            (mine if ours else theirs).append(size / MB / seconds)
        print(
            f"round {number + 1}: ours {mine[-1]:6.0f} MB/s, curl {theirs[-1]:6.0f} MB/s, {mine[-1] / theirs[-1]:.2f}; "
            f"load of the machine {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    share = statistics.median(mine) / statistics.median(theirs)
    print(
        f"median of {rounds}: ours {statistics.median(mine):.0f} MB/s, curl {statistics.median(theirs):.0f} MB/s: "
        f"{share:.2f} (wanted {TARGET}); {size / MB:.0f} MB over {connections} connections, sha256 and fsync included"
    )
    return 0 if share >= TARGET else 1


def curl(endpoint: str, folder: Path) -> float:
    target = folder / "curl.gguf"
    began = time.perf_counter()
    subprocess.run(["curl", "-sSL", "-o", target, f"{endpoint}/{REPO}/resolve/main/{NAME}"], check=True)
    seconds = time.perf_counter() - began
    target.unlink()
    return seconds


def fetch(endpoint: str, size: int, models: Path, connections: int) -> float:
    network = Network(NetworkOptions())
    hub = Hub(network, endpoint)
    file = ModelFile("Q8_0", NAME, size)
    began = time.perf_counter()
    events = download(
        network, [hub], REPO, file, models, cancel=CancelToken(), options=DownloadOptions(connections=connections)
    )
    for event in events:
        if isinstance(event, DownloadFinished):
            assert event.verified
    seconds = time.perf_counter() - began
    shutil.rmtree(models)
    return seconds


def large_model(path: Path, size: int) -> Path:
    """A small model with idle bytes behind it."""
    scripted_model(path)
    with path.open("ab") as file:
        while (left := size - file.tell()) > 0:
            file.write(os.urandom(min(left, 16 * MB)))
    return path


def serve(model: Path) -> None:
    """As much of a hub as a download asks for; says its port on standard output."""
    with model.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    size = model.stat().st_size
    with socket.create_server(("127.0.0.1", 0)) as listening, model.open("rb") as file:
        print(listening.getsockname()[1], flush=True)
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=answer, args=(connection, file.fileno(), size, sha256), daemon=True).start()


def answer(connection: socket.socket, file: int, size: int, sha256: str) -> None:
    with connection:
        request = b""
        while b"\r\n\r\n" not in request:
            if not (piece := connection.recv(1 << 16)):
                return
            request += piece
        text = request.decode("latin-1")
        begin, end, status, said = 0, size, "200 OK", ""
        if found := re.search(r"(?mi)^range: bytes=(\d+)-(\d*)", text):
            begin, end = int(found[1]), int(found[2]) + 1 if found[2] else size
            status, said = "206 Partial Content", f"Content-Range: bytes {begin}-{end - 1}/{size}\r\n"
        linked = f'X-Linked-Etag: "{sha256}"\r\nX-Linked-Size: {size}\r\nX-Repo-Commit: {"0" * 40}\r\n'
        head = f'HTTP/1.1 {status}\r\nContent-Length: {end - begin}\r\nETag: "{sha256}"\r\n{linked}{said}'
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
        while not text.startswith("HEAD") and begin < end:
            try:
                begin += os.sendfile(connection.fileno(), file, begin, end - begin)
            except OSError:
                return
