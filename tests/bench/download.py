"""A download against curl: the same file from a local server, by turns, sha256 included. Wanted: 0.9 of curl's rate.

    python -m tests.bench download [--size 2000] [--rounds 5] [--connections 4] [--folder PATH]

The server is a process of its own that sends by sendfile, over plain HTTP on 127.0.0.1. curl writes to a file and
computes nothing; ours is all of `download` until the model may be used: what the hub says, the first bytes looked at,
the sums of the file and of its blocks, the receipt. What the disk needs after that to have it (fsync; curl does none)
is shown beside. By default in memory (/dev/shm) where there is one: so it is the programs that are compared.
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

import psutil

from backends.core.cancel import CancelToken
from backends.core.network import Network, NetworkOptions
from backends.models.download import DownloadFinished, DownloadOptions, download
from backends.models.sources import Hub
from backends.models.types import ModelFile
from tests.kit import quiet as machine
from tests.kit.ggufs import scripted_model

STORY = __doc__ or ""
ROOT = Path(__file__).resolve().parents[2]
REPO, NAME = "bench/Made-GGUF", "made-Q8_0.gguf"
TARGET = 0.9
QUIET = 0.15  # of a core
MB = 1_000_000


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["serve"]:
        serve(Path(arguments[1]))
        return 0
    parser = argparse.ArgumentParser(prog="tests.bench download", description=STORY.splitlines()[0])
    parser.add_argument("--size", type=int, default=2000, help="MB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=DownloadOptions().connections)
    memory = Path("/dev/shm")
    parser.add_argument("--folder", type=Path, default=memory if memory.is_dir() else None, help="where to write")
    parser.add_argument("--patience", type=float, default=300, help="seconds to wait for rounds without disturbance")
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
                return measure(endpoint, model, folder, options, server.pid)
            finally:
                server.kill()


def measure(endpoint: str, model: Path, folder: Path, options: argparse.Namespace, server: int) -> int:
    size, mine, theirs, after = model.stat().st_size, list[float](), list[float](), list[float]()
    curl(endpoint, folder)  # a warm-up: the file comes into memory
    fetch(endpoint, size, folder / "models", options.connections)  # and ours loads its libraries
    until = time.monotonic() + options.patience
    while len(mine) < options.rounds:
        seconds, flushing, others = [0.0, 0.0], 0.0, 0.0
        for ours in (len(mine) % 2 == 0, len(mine) % 2 == 1):
            os.sync()
            quiet(until, server)
            begin, before = time.monotonic(), foreign_seconds(server)
            if ours:
                seconds[0], flushing = fetch(endpoint, size, folder / "models", options.connections)
            else:
                seconds[1] = curl(endpoint, folder)
            others = max(others, (foreign_seconds(server) - before) / (time.monotonic() - begin))
        counts = others < QUIET or time.monotonic() > until
        own, peer = (size / MB / one for one in seconds)
        print(
            f"ours {own:6.0f} MB/s (then {flushing:.1f} s of fsync), curl {peer:6.0f} MB/s, {own / peer:.2f}; "
            f"others took {others:.0%} of a core{'' if counts else ', not counted'}",
            flush=True,
        )
        if counts:
            mine.append(own)
            theirs.append(peer)
            after.append(flushing)
    share = statistics.median(mine) / statistics.median(theirs)
    print(
        f"median of {options.rounds}: ours {statistics.median(mine):.0f} MB/s, curl {statistics.median(theirs):.0f} "
        f"MB/s: {share:.2f} (wanted {TARGET}); {size / MB:.0f} MB in {folder.parent}, up to {options.connections} "
        "connections, sha256 included"
    )
    return 0 if share >= TARGET else 1


def quiet(until: float, server: int) -> None:
    """Wait until other programs leave the machine alone, or patience is at its end."""
    while time.monotonic() < until:
        before = foreign_seconds(server)
        time.sleep(0.5)
        if foreign_seconds(server) - before < 0.5 * QUIET:
            return


def foreign_seconds(server: int) -> float:
    """Processor time of the machine that is not ours, our children's or our server's."""
    times = psutil.Process(server).cpu_times()
    return machine.foreign_seconds() - times.user - times.system


def curl(endpoint: str, folder: Path) -> float:
    target = folder / "curl.gguf"
    began = time.perf_counter()
    subprocess.run(["curl", "-sSL", "-o", target, f"{endpoint}/{REPO}/resolve/main/{NAME}"], check=True)
    seconds = time.perf_counter() - began
    target.unlink()
    return seconds


def fetch(endpoint: str, size: int, models: Path, connections: int) -> tuple[float, float]:
    """Seconds until the model may be used, and those until the disk has it."""
    network = Network(NetworkOptions())
    hub = Hub(network, endpoint)
    file = ModelFile("Q8_0", NAME, size)
    began = finished = time.perf_counter()
    events = download(
        network, [hub], REPO, file, models, cancel=CancelToken(), options=DownloadOptions(connections=connections)
    )
    for event in events:
        if isinstance(event, DownloadFinished):
            assert event.verified
            finished = time.perf_counter()
    flushed = time.perf_counter()
    shutil.rmtree(models)
    return finished - began, flushed - finished


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
