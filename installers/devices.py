"""Loads the engine and prints, as one JSON object, what it can compute on.

Run by the environment's Python in a process of its own: a build made for another machine may end the process.

    {"version": "0.3.x", "devices": [{"backend": "CUDA", "name": "NVIDIA …"}], "features": ["AVX2", …]}

`features` are the CPU instructions that the build uses without asking the CPU first.
"""

import ctypes
import importlib
import json
import os
import sys


def report() -> dict[str, object]:
    llama = importlib.import_module("llama_cpp")
    ggml = importlib.import_module("llama_cpp._ggml").libggml
    llama.llama_backend_init()
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    for name in ("ggml_backend_dev_get", "ggml_backend_dev_backend_reg"):
        getattr(ggml, name).restype = ctypes.c_void_p
    for name in ("ggml_backend_reg_name", "ggml_backend_dev_description"):
        getattr(ggml, name).restype = ctypes.c_char_p
    devices: list[dict[str, str]] = []
    for index in range(ggml.ggml_backend_dev_count()):
        device = ctypes.c_void_p(ggml.ggml_backend_dev_get(ctypes.c_size_t(index)))
        backend = ctypes.c_void_p(ggml.ggml_backend_dev_backend_reg(device))
        devices.append(
            {
                "backend": ggml.ggml_backend_reg_name(backend).decode(),
                "name": ggml.ggml_backend_dev_description(device).decode("utf-8", "replace"),
            }
        )
    flags = [part.rpartition(":")[2].split("=") for part in llama.llama_print_system_info().decode().split("|")]
    features = [flag[0].strip() for flag in flags if len(flag) == 2 and flag[1].strip() == "1"]
    return {"version": llama.__version__, "devices": devices, "features": features}


if __name__ == "__main__":
    answer = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a driver prints is not the answer
    os.write(answer, json.dumps(report()).encode())
