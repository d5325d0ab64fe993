"""JMESPath's own functions, in words: what ``syncflow functions`` and the page of functions say of them.

Their code is ``compiler.code.built_ins``. Each fails where an argument does not fit, of which inference warns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from syncflow.events import Json
from syncflow.frozen import value_class


@value_class
class JMESPathFunction:
    """``example`` is an expression that reads nothing, and ``result`` what it gives. ``jinja``: how a template says it."""

    name: str
    signature: str
    summary: str
    example: str
    result: Json
    jinja: str = ""


_TABLE: Final = (
    JMESPathFunction("abs", "abs(number)", "Take a number without its sign.", "abs(`-2.5`)", 2.5),
    JMESPathFunction(
        "avg", "avg(numbers)", "Average the numbers of an array; null of an empty one.", "avg(`[1, 2]`)", 1.5
    ),
    JMESPathFunction("ceil", "ceil(number)", "Take the smallest whole number that is not less.", "ceil(`1.2`)", 2),
    JMESPathFunction(
        "contains",
        "contains(subject, wanted)",
        "Check whether text holds another text, or an array an element.",
        "contains('Lovelace', 'love')",
        result=False,
    ),
    JMESPathFunction(
        "ends_with",
        "ends_with(text, suffix)",
        "Check whether text ends with another.",
        "ends_with('a.csv', '.csv')",
        result=True,
    ),
    JMESPathFunction("floor", "floor(number)", "Take the largest whole number that is not more.", "floor(`1.8`)", 1),
    JMESPathFunction(
        "join",
        "join(separator, texts)",
        "Join the texts of an array; it fails where an element is none.",
        'join(\', \', `["a", "b"]`)',
        "a, b",
        "{{ item.tags | join(', ') }}",
    ),
    JMESPathFunction(
        "keys", "keys(object)", "Take the names of the properties of an object.", 'keys(`{"a": 1}`)', ["a"]
    ),
    JMESPathFunction(
        "length",
        "length(value)",
        "Count the characters of text, the elements of an array or the properties of an object.",
        "length('Ada')",
        3,
        "{{ item.name | length }}",
    ),
    JMESPathFunction(
        "map",
        "map(&expression, array)",
        "Evaluate an expression for every element; unlike array[*] it keeps nulls.",
        'map(&a, `[{"a": 1}, {}]`)',
        [1, None],
    ),
    JMESPathFunction(
        "max", "max(array)", "Take the greatest of numbers, or of texts; null of an empty array.", "max(`[1, 3, 2]`)", 3
    ),
    JMESPathFunction(
        "max_by",
        "max_by(array, &expression)",
        "Take the element for which an expression, a number or text, is greatest.",
        'max_by(`[{"a": 1}, {"a": 2}]`, &a)',
        {"a": 2},
    ),
    JMESPathFunction(
        "merge",
        "merge(object, …)",
        "Put the properties of objects into one; the last wins.",
        'merge(`{"a": 1}`, `{"b": 2}`)',
        {"a": 1, "b": 2},
    ),
    JMESPathFunction(
        "min", "min(array)", "Take the least of numbers, or of texts; null of an empty array.", "min(`[1, 3, 2]`)", 1
    ),
    JMESPathFunction(
        "min_by",
        "min_by(array, &expression)",
        "Take the element for which an expression, a number or text, is least.",
        'min_by(`[{"a": 1}, {"a": 2}]`, &a)',
        {"a": 1},
    ),
    JMESPathFunction(
        "not_null", "not_null(value, …)", "Take the first value that is not null.", "not_null(`null`, 'a')", "a"
    ),
    JMESPathFunction("reverse", "reverse(value)", "Turn an array, or text, round.", "reverse('abc')", "cba"),
    JMESPathFunction("sort", "sort(array)", "Order an array of numbers, or of texts.", "sort(`[2, 1]`)", [1, 2]),
    JMESPathFunction(
        "sort_by",
        "sort_by(array, &expression)",
        "Order an array by an expression that is a number, or text, for every element.",
        'sort_by(`[{"a": 2}, {"a": 1}]`, &a)',
        [{"a": 1}, {"a": 2}],
    ),
    JMESPathFunction(
        "starts_with",
        "starts_with(text, prefix)",
        "Check whether text begins with another.",
        "starts_with('Ada', 'A')",
        result=True,
    ),
    JMESPathFunction("sum", "sum(numbers)", "Add the numbers of an array.", "sum(`[1, 2]`)", 3),
    JMESPathFunction(
        "to_array",
        "to_array(value)",
        "Take an array as it is, and anything else as an array of one.",
        "to_array('a')",
        ["a"],
    ),
    JMESPathFunction(
        "to_number", "to_number(value)", "Read a number from text; null where it is none.", "to_number('1.5')", 1.5
    ),
    JMESPathFunction(
        "to_string",
        "to_string(value)",
        "Take text as it is, and write anything else as JSON.",
        "to_string(`true`)",
        "true",
        "{{ item.number | string }}",
    ),
    JMESPathFunction(
        "type",
        "type(value)",
        "Name the kind of a value: string, number, boolean, array, object, null.",
        "type(`1`)",
        "number",
    ),
    JMESPathFunction(
        "values", "values(object)", "Take the values of the properties of an object.", 'values(`{"a": 1}`)', [1]
    ),
)

JMESPATH_FUNCTIONS: Final[Mapping[str, JMESPathFunction]] = {function.name: function for function in _TABLE}
