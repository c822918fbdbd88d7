"""Loads a model, reads a prompt, answers, ends: a process that holds the engine and nothing of the tests.

python -m tests.kit.asking MODEL '{"threads": 2, "prompt": 512, "generate": 64, "vocabulary": 32000, …}'
"""

import json
import random
import sys
from pathlib import Path

from backends.engine.loader import NativeEngine
from backends.engine.protocol import GenerateRequest, LoadRequest, Sampling


def main() -> None:
    model, asked = Path(sys.argv[1]), json.loads(sys.argv[2])
    engine, chance = NativeEngine(), random.Random(1)
    context = asked["prompt"] + asked["generate"] + 8
    request = LoadRequest(model, context, gpu_layers=0, threads=asked["threads"], mapped=asked["mapped"])
    list(engine.load(request))
    tokens = tuple(chance.randrange(asked["vocabulary"]) for _ in range(asked["prompt"]))
    question = GenerateRequest((), Sampling(temperature=0), asked["generate"], tokens=tokens, ignore_end=True)
    list(engine.generate(question))
    engine.close()


if __name__ == "__main__":
    main()
