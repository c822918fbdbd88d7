"""Templates of strangers: they do what chat templates do, and nothing else (SEC-23)."""

import pytest

from backends.engine.sandbox import Sandbox
from backends.engine.slots import TemplateFailed

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ (namespace|attr('__init__')).__globals__ }}",
    "{{ raise_exception.__globals__['time'].sleep(9) }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{% set f = '{0.__class__}'.format %}{{ f(1) }}",
    "{{ messages.append(1) }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
]
GROWTH = "{% set ns = namespace(x='aaaaaaaaaa', y=[1]) %}{% for i in range(60) %}"
BOMBS = [
    "{{ 'a' * 50000000 }}",
    "{{ 50000000000 * 'a' }}",
    "{{ [0] * 100000000 }}",
    "{% for i in range(100000) %}{{ 'a' * 1000 }}{% endfor %}",
    GROWTH + "{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    GROWTH + "{% set ns.x = ns.x + ns.x %}{% endfor %}",
    GROWTH + "{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% endfor %}",
    GROWTH + "{% set ns.x = [ns.x, ns.x] | join('b') %}{% endfor %}",
    GROWTH + "{% set ns.x = ns.x.join([ns.x, ns.x, ns.x]) %}{% endfor %}",
    GROWTH + "{% set ns.x = ns.x.replace('a', ns.x) %}{% endfor %}",
    GROWTH + "{% set ns.x = ns.x | replace('a', ns.x) %}{% endfor %}",
    GROWTH + "{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.y == ns.y[0] }}",
    GROWTH + "{% set ns.y = (ns.y, ns.y) %}{% endfor %}{{ ns.y | tojson }}",
    GROWTH + "{% set ns.y = {'a': ns.y, 'b': ns.y} %}{% endfor %}{{ ns.y | tojson }}",
    GROWTH + "{% set ns.y = dict(a=ns.y, b=ns.y) %}{% endfor %}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '{:>1000000000}'.format(1) }}",
    "{{ 'a' | center(1000000000) }}",
    "{{ 'a'.ljust(1000000000) }}",
    "{{ 'a'.zfill(1000000000) }}",
    "{{ 9 ** 9 ** 9 }}",
    GROWTH
    + "{% set ns.x = (ns.x | length + 999999999) * 99999999999 %}{% set ns.x = ns.x * ns.x * ns.x %}{% endfor %}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{% for x in [1] recursive %}{{ loop(range(100000)) }}{% endfor %}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ messages }}",
    "x" * 2_000_000,
]
LONG = [
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
]


def rendered(source: str, **variables: object) -> str:
    sandbox = Sandbox()
    return sandbox.render(sandbox.load(source), {"messages": []} | variables)


@pytest.mark.parametrize("source", ESCAPES)
def test_no_way_out(source: str) -> None:
    with pytest.raises(TemplateFailed):
        rendered(source)


@pytest.mark.parametrize("source", BOMBS, ids=range(len(BOMBS)))
def test_no_way_to_take_all_memory(source: str) -> None:
    with pytest.raises(TemplateFailed, match=r"too|to a width|No filter|uses str|without end|prints a"):
        rendered(source)


@pytest.mark.parametrize("source", LONG)
def test_no_way_to_go_on_for_ever(source: str) -> None:
    with pytest.raises(TemplateFailed, match="too long"):
        rendered(source)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% for x in 'abc' %}{{ loop.index }}{{ x }}{% if loop.last %}.{% endif %}{% endfor %}", "1a2b3c."),
        ("{% for x in [1, 2, 3] %}{{ loop.length }}{{ loop.nextitem }}{% endfor %}", "32333"),
        ("{% for x in range(9) %}{% if x > 2 %}{% break %}{% endif %}{{ x }}{% endfor %}", "012"),
        ("{% set a = [{'b': 1}] + [{'b': 2}] %}{{ a | map(attribute='b') | join(', ') }}", "1, 2"),
        ("{{ [] | length }}{{ {'k': 'ü<'} | tojson }}{{ (1, 2) | tojson }}", '0{"k": "ü<"}[1, 2]'),
        (
            "{{ 'a' ~ 1 ~ none }}{{ 'x, y'.split(', ')[-1] }}{{ '-'.join(['a', 'b']) }}{{ 'aXa'.replace('a', 'b') }}",
            "a1Noneya-bbXb",
        ),
        ("{{ ' a ' | trim }}{{ missing | default('d') }}{{ 2 * 3 + 1 }}{{ 'ab' * 2 }}{{ '%s!' % 'x' }}", "ad7ababx!"),
        ("{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(1) }}{{ [1, 2][0] == 1 }}", "<1>True"),
        ("{% set ns = namespace(n=0) %}{% for x in [1, 2] %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}", "3"),
        ("  {% if true %}\n  a\n  {%- endif %}\n", "  a"),
        ("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "a1"),
    ],
)
def test_what_templates_do(source: str, text: str) -> None:
    assert rendered(source) == text


def test_the_date() -> None:
    assert rendered("{{ strftime_now('%Y') }}").isdigit()
