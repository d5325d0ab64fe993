"""The library in words: the text of ``syncflow functions NAME``, and ``docs/functions.md``.

In: ``FUNCTIONS``. Out: text. Everything said here is read from the functions themselves; the examples are tested.
"""

from __future__ import annotations

import json

from syncflow.compiler.functions import GROUPS, JMESPATH_FUNCTIONS, JMESPathFunction
from syncflow.compiler.functions.function import Example, Function, Parameter
from syncflow.compiler.functions.kinds import ANYTHING_KIND
from syncflow.compiler.types.narrowing import without_absent
from syncflow.compiler.types.words import describe
from syncflow.events import Json

_INTRODUCTION = """# Functions

Expressions of both languages call the same functions, with the value first: ``truncate(item.name, `40`)`` in JMESPath is
`{{ item.name | truncate(40) }}` in Jinja. This page is made from the functions themselves
(`python -m syncflow.compiler.functions`); every example is tested.
`syncflow functions NAME` shows one of them. In Jinja a function that needs no value is called by its name: `{{ now() }}`,
`{{ today('Europe/Berlin') }}`.

No function fails. An argument that is null or of the wrong kind gives null; so does what cannot be read. A parameter in brackets may be
left out, and null is as good as leaving it out; `any value` takes null as a value, and what is absent in Jinja as null. Where text is
asked for, a number or a boolean is read as JSON writes it. No text that a function makes is longer than a million characters: the rest
is cut off.

A project adds functions of its own from Python: see [the end of this page](#functions-of-your-own).

A name marked with † is also one of JMESPath's own, with the same meaning: there, [JMESPath's](#jmespaths-own) is used, which fails
where an argument does not fit, and the function serves Jinja.
"""

_JMESPATH = """
## JMESPath's own

These belong to the language, and templates do not see them, though `length`, `join` and `string` are filters of Jinja's. Unlike the
functions above they fail where an argument does not fit, and the record is a dead letter: `validate` warns of it (SF323).

| function | what it gives | for example |
|---|---|---|
"""

_OWN = """
## Functions of your own

```yaml
# in routes.yaml
functions: functions.py
```

names a Python file, relative to `routes.yaml` (or an installed module, `acme.functions`). Every function that the module itself
defines may be called in the fields of mappings, in both languages, and in `when` and `by` of routes; a name that begins with `_` is
the module's own business. What stands before the schema (`envelope`, `ignore`, `id`) does not see them, nor do adapters.

```python
# functions.py
from typing import Literal

from syncflow import function


@function(total=True, longest=12)
def grade(score: int | None, style: Literal["short", "long"] = "short") -> str:
    \"\"\"Name a score.\"\"\"
    if score is None:
        return "none"
    return "A" if score > 90 else "B" if style == "short" else "second best"


def vat_number(text: str) -> str:
    \"\"\"Read a German VAT number; raises ValueError where it is none.\"\"\"
    if not text.startswith("DE"):
        raise ValueError(text)
    return text.removeprefix("DE")
```

```text
Grade__c: grade(item.score, 'long')
Vat__c: {from: vat_number(item.vat), default: unknown}
Description: "Grade {{ item.score | grade }}"
```

* **Types** are read from the hints: `str`, `int`, `float`, `bool`, `None`, `list[…]`, `dict[str, …]`, `Literal[…]`, `Any`, and `|`
  between them; anything else (a `datetime`, say) is refused with what to write instead. Arguments are read as for the functions above:
  one that does not fit gives null without a call, and a parameter with `| None` is given the null. The result is checked, too.
* **What may fail.** A function may raise. Where a JMESPath field has a `default:`, that is taken; elsewhere, and in Jinja, the record is
  a dead letter of the stage mapping (in a rule: route), which names the function and the kind of error, never its text. `validate`
  warns of every call without a default (SF352). `@function(total=True)` promises that it never raises.
* **How long.** `@function(longest=12)` promises how many characters a text that it returns has at most, so that it fits its field
  without `truncate`.
* A function is called once for each use and each record, in the process of the run: keep it quick, and without requests. It is given
  copies; what it changes, it changes for itself.
* `syncflow functions` lists them, `syncflow functions grade` shows one.

The module is your own code: every command that loads the project, `validate` too, runs it. Do not check a stranger's project outside a
sandbox.
"""


def signature(function: Function) -> str:
    """Return ``truncate(text, most)``; what may be left out stands in brackets, what may be repeated before dots."""
    parts = [f"[{parameter.name}]" if parameter.optional else parameter.name for parameter in function.parameters]
    return f"{function.name}({', '.join(parts)}{', …' if function.variadic else ''})"


def as_jmespath(function: Function, example: Example) -> str:
    """Write an example's call in JMESPath."""
    return f"{function.name}({', '.join(map(_jmespath_literal, example.arguments))})"


def as_jinja(function: Function, example: Example) -> str:
    """Write an example's call in Jinja: a filter on the first argument, or a call where no value is needed."""
    if function.fewest == 0:
        return f"{{{{ {function.name}({', '.join(map(_jinja_literal, example.arguments))}) }}}}"
    first, *rest = map(_jinja_literal, example.arguments)
    arguments = f"({', '.join(rest)})" if rest else ""
    return f"{{{{ {first} | {function.name}{arguments} }}}}"


def _jmespath_literal(value: Json) -> str:
    if isinstance(value, str) and value.isprintable() and "\\" not in value and "'" not in value:
        return f"'{value}'"
    written = json.dumps(value, ensure_ascii=False).replace("`", "\\`")
    return f"`{written}`"


def _jinja_literal(value: Json) -> str:
    """JSON is Jinja, but for null, which is none, and texts with what Jinja would read otherwise."""
    if isinstance(value, list):
        return f"[{', '.join(map(_jinja_literal, value))}]"
    if isinstance(value, dict):
        entries = ", ".join(f"{_jinja_literal(name)}: {_jinja_literal(entry)}" for name, entry in value.items())
        return f"{{{entries}}}"
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def render_function(function: Function) -> str:
    """Describe one function for a terminal."""
    lines = [signature(function), "", f"  {function.summary}"]
    lines += _parameter_lines(function)
    lines += ["", f"  Gives {_gives(function)}."]
    if function.may_fail:
        lines += ["  May fail: then the field's `default:` is taken, or the record is a dead letter."]
    if function.name in JMESPATH_FUNCTIONS:
        own = JMESPATH_FUNCTIONS[function.name].signature
        lines += [f"  JMESPath has its own, {own}: it fails where an argument does not fit."]
    if not function.examples:
        return "\n".join(lines)
    lines += ["", "Examples"]
    lines += [f"  {line}" for line in _example_lines(function)]
    if function.examples[0].arguments or function.fewest == 0:
        lines += ["", "In Jinja", f"  {as_jinja(function, function.examples[0])}"]
    return "\n".join(lines)


def render_jmespath_function(function: JMESPathFunction) -> str:
    """Describe one of JMESPath's own functions for a terminal."""
    lines = [
        function.signature,
        "",
        f"  {function.summary}",
        "",
        "  One of JMESPath's own: it fails where an argument does not fit.",
    ]
    lines += ["", "Example", f"  {function.example}  →  {_shown(function.result)}"]
    return "\n".join([*lines, *(["", "In Jinja", f"  {function.jinja}"] if function.jinja else [])])


def _example_lines(function: Function) -> list[str]:
    """Write the examples as JMESPath; where its own function of the name would fail, as Jinja."""
    own = function.name in JMESPATH_FUNCTIONS
    return [
        f"{(as_jinja if own and example.result is None else as_jmespath)(function, example)}  →  {_shown(example.result)}"
        for example in function.examples
    ]


def _parameter_lines(function: Function) -> list[str]:
    described = [f"  {parameter.name}: {_parameter(parameter)}" for parameter in function.parameters]
    return ["", *described] if described else []


def _parameter(parameter: Parameter) -> str:
    kind = "any value" if parameter.kind is ANYTHING_KIND else parameter.kind.name
    left_out = (
        f"; {_shown(parameter.default)} where left out" if parameter.optional and parameter.default is not None else ""
    )
    summary = f". {parameter.summary}" if parameter.summary else ""
    return f"{kind}{left_out}{summary}"


def _gives(function: Function) -> str:
    """Say the type of the result when every argument fits and nothing more is known of it."""
    kinds = [without_absent(parameter.kind.accepts) for parameter in function.parameters if not parameter.optional]
    return describe(function.result(kinds)).replace(", at most 1000000 characters", "")


def _shown(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def render_library() -> str:
    """Return the whole library as a page of Markdown."""
    parts = [_INTRODUCTION]
    for group in GROUPS:
        parts.append(f"\n## {group.title}\n")
        parts += [_section(function) for function in group.functions]
    rows = (
        f"| `{own.signature}` | {_escaped(own.summary)} | ``{own.example}`` → `{_shown(own.result)}` |\n"
        for own in JMESPATH_FUNCTIONS.values()
    )
    return "".join([*parts, _JMESPATH, *rows, _OWN])


def _section(function: Function) -> str:
    mark = " †" if function.name in JMESPATH_FUNCTIONS else ""
    lines = [
        f"\n### {function.name}{mark}\n",
        f"`{signature(function)}` → {_escaped(_gives(function))}\n",
        f"{_escaped(function.summary)}\n",
    ]
    if any(parameter.summary or parameter.optional for parameter in function.parameters):
        lines.append(
            "\n".join(f"* `{parameter.name}`: {_escaped(_parameter(parameter))}" for parameter in function.parameters)
            + "\n"
        )
    lines.append("```text\n" + "\n".join(_example_lines(function)) + "\n```\n")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Keep Markdown from reading signs in plain sentences."""
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
