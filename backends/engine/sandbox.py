"""Chat templates come out of downloaded files: they are run as programs of strangers (SEC-23).

Jinja's immutable sandbox keeps them from Python; what it does not bound is work and memory
(`{{ 'a' * 50000000 }}`, loops in loops, `x ~ x` again and again). So every operation that can make
something large pays out of one allowance, every loop and call looks at the clock, and of the filters and
string methods only those that templates need are there.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, NoReturn

from jinja2 import Template, TemplateError, Undefined, nodes
from jinja2.ext import loopcontrols
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from backends.engine.slots import TemplateFailed, bare

SECONDS = 1.0  # of computing, however busy the computer is
CHARACTERS = 4_000_000  # made in one rendering, intermediate strings included
_ITEMS = 10_000  # in one list or dict, with all that is in it
_SOURCE = 1_000_000  # characters
_POWER = 64  # bits of a number that may be multiplied

_FILTERS = """abs capitalize count d default dictsort escape e first float int items last length list lower map max min
    reject rejectattr reverse round safe select selectattr sort string title trim unique upper"""
_TEXT_METHODS = """capitalize count endswith find index isalnum isalpha isdigit isspace join lower lstrip partition
    removeprefix removesuffix replace rfind rpartition rsplit rstrip split splitlines startswith strip title upper"""


class Sandbox(ImmutableSandboxedEnvironment):
    """Compiles and renders one model's template. One thread."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "**", "%"))

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, optimized=False, finalize=_printable)
        self.add_extension(loopcontrols)
        self._deadline, self._allowance = 0.0, 0
        allowed: dict[str, Callable[..., Any]] = {name: self.filters[name] for name in _FILTERS.split()}
        allowed |= {"tojson": self._to_json, "from_json": _from_json, "join": self._join, "replace": _replace}
        allowed |= {"concatenated": self._concatenated, "made": _as_it_is}
        self.filters = {name: self._paid(function) for name, function in allowed.items()} | {"counted": self._counted}
        self.globals = {name: self.globals[name] for name in ("range", "dict", "namespace")}
        self.globals |= {"raise_exception": _refuse, "strftime_now": _now}
        self.concat = self._join_parts

    def load(self, source: str) -> Template:
        """TemplateFailed if it is no template."""
        if len(source) > _SOURCE:
            raise TemplateFailed("the template is too long")
        with self._allowed():
            return self.from_string(source)

    def render(self, template: Template, variables: Mapping[str, Any]) -> str:
        """TemplateFailed for whatever goes wrong."""
        with self._allowed():
            return self._join_parts(template.generate(**variables))

    @contextmanager
    def _allowed(self) -> Iterator[None]:
        self._deadline, self._allowance = time.thread_time() + SECONDS, CHARACTERS
        try:
            yield
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
            raise TemplateFailed(str(error)) from error
        except RecursionError as error:
            raise TemplateFailed("the template calls itself without end") from error

    # ---- the allowance

    def _tick(self) -> None:
        if time.thread_time() > self._deadline:
            raise TemplateFailed("the template takes too long")

    def _spend(self, characters: int) -> None:
        self._tick()
        self._allowance -= characters
        if self._allowance < 0:
            raise TemplateFailed("the template makes too much text")

    def _paid(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            self._tick()
            return self._pay(function(*arguments, **options))

        return call

    def _pay(self, value: Any) -> Any:
        """Let a new value pass if it may be that large."""
        if isinstance(value, str):
            self._spend(str.__len__(value))
        elif isinstance(value, (list, tuple, dict)):
            left, stack = _ITEMS, [value]
            while stack:
                part = stack.pop()
                left -= len(part)
                if left < 0:
                    raise TemplateFailed("the template makes too long a list")
                inner = part.values() if isinstance(part, dict) else part
                stack += [item for item in inner if isinstance(item, (list, tuple, dict))]
        return value

    # ---- where Jinja asks

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        self._tick()
        if operator == "*":
            for value, times in ((left, right), (right, left)):
                if isinstance(value, (str, list, tuple)) and isinstance(times, int):
                    self._spend(max(times, 0) * (len(value) + 1))
        if operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * (abs(right) if operator == "**" else 1)
            if bits + right.bit_length() > 2 * _POWER:
                raise TemplateFailed("the template makes too large a number")
        if operator == "%" and isinstance(left, str) and re.search(r"[\d*]", left):
            raise TemplateFailed("the template formats to a width")
        return self._pay(super().call_binop(context, operator, left, right))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        self, function = __self, __obj
        self._tick()
        owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
        if isinstance(owner, str):
            if name not in _TEXT_METHODS.split():
                raise TemplateFailed(f"the template uses str.{name}")
            if name == "join":
                return self._join(args[0], str(owner))
            if name == "replace":
                return self._pay(_replace(owner, *args))
        return self._pay(super().call(__context, function, *args, **kwargs))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        if getattr(value, "__name__", "") in ("format", "format_map") and isinstance(value.__self__, str):
            raise TemplateFailed("the template uses str.format")
        return None

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return _Meter(self).visit(super()._parse(source, name, filename))

    # ---- bounded versions

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """What a loop runs over."""
        for item in items:
            self._tick()
            yield item

    def _join(self, items: Iterable[Any], between: str = "", attribute: str | None = None) -> str:
        parts = [item if attribute is None else self.getattr(item, attribute) for item in items]
        return self._join_parts(part for item in parts for part in (between, _printable(item)))[len(between) :]

    def _to_json(self, value: Any, indent: int | None = None, **options: Any) -> str:
        """As transformers has it: no escapes for HTML, and what `map` gives is a list. Texts from outside make all of
        it a text from outside."""
        if isinstance(value, Iterator):
            value = list(self._counted(value))
        value, slots = bare(value)
        text = json.dumps(
            value,
            ensure_ascii=bool(options.get("ensure_ascii")),
            indent=min(int(indent), 8) if indent else None,
            separators=options.get("separators"),
            sort_keys=bool(options.get("sort_keys")),
        )
        self._spend(len(text))
        return slots.give(text) if slots else text

    def _concatenated(self, parts: list[Any]) -> str:
        return self._join_parts(_printable(part) for part in parts)

    def _join_parts(self, parts: Iterable[Any]) -> str:
        texts = []
        for part in parts:
            text = str(part)
            self._spend(len(text) + 1)
            texts.append(text)
        return "".join(texts)


class _Meter(NodeTransformer):
    """Puts the loops, the `~` and the lists of a parsed template under the allowance."""

    def __init__(self, environment: Sandbox) -> None:
        self._environment = environment

    def _through(self, name: str, node: Any) -> nodes.Filter:
        result = nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)
        return result.set_environment(self._environment)  # type: ignore[return-value]

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        node.iter = self._through("counted", node.iter)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:
        self.generic_visit(node)
        return self._through("concatenated", nodes.List(node.nodes, lineno=node.lineno))

    def visit_List(self, node: nodes.List) -> nodes.Filter:
        self.generic_visit(node)
        return self._through("made", node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Filter:
        self.generic_visit(node)
        return self._through("made", node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Tuple | nodes.Filter:
        self.generic_visit(node)
        return self._through("made", node) if node.ctx == "load" else node


def _printable(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float, Undefined)):
        return value
    raise TemplateFailed(f"the template prints a {type(value).__name__}")


def _as_it_is(value: Any) -> Any:
    return value


def _from_json(text: str) -> Any:
    source, slots = bare(text)
    value = json.loads(source)
    return slots.give_all(value) if slots else value


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    found = text.count(old)
    if found * len(new) > CHARACTERS:
        raise TemplateFailed("the template makes too much text")
    return text.replace(old, new, count)


def _refuse(message: str) -> NoReturn:
    raise TemplateFailed(str(message)[:500])


def _now(form: str) -> str:
    return datetime.now().strftime(str(form)[:100])
