"""The process that reads files of strangers has no network, whatever native code in it tries."""

import socket
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")

NATIVE = """
import ctypes, socket, struct, sys
from backends.documents.extract.confining import leave_network
let = leave_network()
system = ctypes.CDLL(None, use_errno=True)  # past Python and its audit hooks
sock = system.socket(2, 1, 0)
where = struct.pack("=H", 2) + struct.pack("!H4s", int(sys.argv[1]), socket.inet_aton("127.0.0.1")) + bytes(8)
print(let, system.connect(sock, where, len(where)))
"""


def test_native_code_reaches_nothing_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-c", NATIVE, str(server.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    if done.stdout.startswith("False"):
        pytest.skip("this system lets nobody make a network namespace")
    assert done.stdout == "True -1\n"
