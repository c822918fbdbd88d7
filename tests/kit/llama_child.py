"""What llama.cpp itself makes of a file, found out in a child process: it may end with the file."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_CODE = """
import ctypes, sys
import llama_cpp as llama
silent = llama.llama_log_callback(lambda *_: None)
llama.llama_log_set(silent, ctypes.c_void_p(0))
llama.llama_backend_init()
for path in sys.stdin.read().splitlines():
    print(">", flush=True)
    options = llama.llama_model_default_params()
    options.n_gpu_layers = 0
    model = llama.llama_model_load_from_file(path.encode(), options)
    if not model:
        print("refused", flush=True)
        continue
    options = llama.llama_context_default_params()
    options.n_ctx, options.n_batch, options.n_ubatch, options.n_threads = 256, 64, 64, 1
    context = llama.llama_init_from_model(model, options)
    if context:
        tokens = (llama.llama_token * 3)(1, 2, 3)
        print("runs" if llama.llama_decode(context, llama.llama_batch_get_one(tokens, 3)) == 0 else "fails", flush=True)
        llama.llama_free(context)
    else:
        print("refused", flush=True)
    llama.llama_model_free(model)
"""


def outcomes(paths: Sequence[Path]) -> list[str]:
    """`runs`, `fails`, `refused` or `died` for every file: loaded, given a context and three tokens to decode."""
    found: list[str] = []
    while len(found) < len(paths):
        asked = "\n".join(map(str, paths[len(found) :]))
        done = subprocess.run(
            [sys.executable, "-c", _CODE],
            input=asked,
            capture_output=True,
            text=True,
            errors="replace",
            env=os.environ | {"GGML_NO_BACKTRACE": "1"},
            timeout=300,
            check=False,
        )
        answers = [line for line in done.stdout.splitlines() if line in (">", "runs", "fails", "refused")]
        found += [answer for answer in answers if answer != ">"]
        if done.returncode == 0:
            break
        if answers.count(">") == len(answers) - answers.count(">"):
            raise RuntimeError(f"the child ended outside of a file: {done.stderr[-500:]}")
        found.append("died")
    return found
