"""`ask --preset NAME|FILE`: what the presets of the chat say, where the command line says nothing."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace

from backends.chat import presets
from backends.chat.options import Options
from backends.commands.job import Job, typed_path

_NAMED = {"temperature", "top_p", "seed", "max_tokens", "thinking_budget", "model"}


def options(job: Job) -> Options:
    """A preset by its name, or a file of one, under what was typed. Raises what `Presets` raises."""

    def found(named: str) -> Options:
        of_file = named.lower().endswith(".json")
        return (presets.read(typed_path(named, job)) if of_file else job.services.presets.named(named)).options

    return of(job.arguments, found)


def of(given: Namespace, found: Callable[[str], Options]) -> Options:
    typed = {name: getattr(given, name) for name in _NAMED if getattr(given, name) is not None}
    below = found(given.preset) if given.preset is not None else Options()
    below = replace(below, thinking_budget=below.thinking_budget or None)  # a typed 0 is none at all
    return Options(**typed, instructions=given.system).over(below)
