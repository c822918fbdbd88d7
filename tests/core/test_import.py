"""What the ground costs: importing it loads nothing heavy."""

import json
import subprocess
import sys

HEAVY = ["PySide6", "shiboken6", "llama_cpp", "numpy", "httpx2", "httpcore2", "huggingface_hub", "keyring", "pynvml"]

CODE = """
import importlib, json, pkgutil, sys
import backends, backends.core
for module in pkgutil.iter_modules(backends.core.__path__):
    if module.name not in ("transport", "wire"):
        importlib.import_module(f"backends.core.{module.name}")
import backends.storage.database
print(json.dumps([name for name in json.loads(sys.argv[1]) if name in sys.modules]))
"""


def test_core_and_storage_load_nothing_heavy() -> None:
    child = subprocess.run([sys.executable, "-c", CODE, json.dumps(HEAVY)], capture_output=True, text=True, check=True)
    assert json.loads(child.stdout) == []


def test_the_transport_alone_loads_the_http_client() -> None:
    code = "import sys, backends.core.transport; print('httpx2' in sys.modules)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "True"
