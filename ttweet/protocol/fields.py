"""The kinds of values in a request's data: each value is of its kind, or refused with `bad_request`.

Nothing is converted, and every refusal shows the value that was seen. Knows no requests.
"""

import json

from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_ID

_SHOWN = 40  # characters of a value in a refusal


def fields_of(operation: str, data: object, known: set[str]) -> dict[str, object]:
    """Return the fields of an object. Raises Refused for another value or an unknown field."""
    if type(data) is not dict:
        raise Refused("bad_request", f'invalid data of "{operation}": use a string or an object, not {shown(data)}')
    if data.keys() - known:
        unknown = next(field for field in data if field not in known)
        fields = ", ".join(sorted(known))
        raise Refused("bad_request", f'unknown field {shown(unknown)} in "{operation}"; use: {fields}')
    return data


def string(name: str, value: object) -> str:
    """Return a string; `name` is for the refusal. Raises Refused for another value."""
    if type(value) is not str:
        raise Refused("bad_request", f"invalid {name}: use a string, not {shown(value)}")
    return value


def flag(name: str, value: object) -> bool:
    """Return a boolean. Raises Refused for another value."""
    if type(value) is not bool:
        raise Refused("bad_request", f"invalid {name}: use true or false, not {shown(value)}")
    return value


def tag_list(value: object) -> tuple[str, ...]:
    """Return an array of strings as a tuple. Raises Refused for another value."""
    if type(value) is not list:
        raise Refused("bad_request", f"invalid tags: use an array of strings, not {shown(value)}")
    return tuple([string("tag", tag) for tag in value])


def integer(name: str, value: object, highest: int, lowest: int = 1) -> int:
    """Return a whole number within the inclusive bounds. Raises Refused for another value."""
    if type(value) is not int or not lowest <= value <= highest:
        raise out_of_bounds(name, value, highest, lowest)
    return value


def out_of_bounds(name: str, value: object, highest: int, lowest: int) -> Refused:
    """Return the refusal of a value that is not a whole number within the inclusive bounds."""
    return Refused("bad_request", f"invalid {name}: use a whole number from {lowest} to {highest}, not {shown(value)}")


def optional_id(name: str, value: object, lowest: int) -> int | None:
    """Return the id of a tweet, or null for none."""
    return None if value is None else integer(name, value, MAX_ID, lowest)


def shown(value: object) -> str:
    """Return a value as a refusal shows it: JSON as its sender wrote it, cut short and escaped."""
    if type(value) is str:
        value = value[: _SHOWN + 1]
    try:
        text = json.dumps(value).replace("\x7f", "\\u007f")  # the one control character that JSON leaves as it is
    except RecursionError:  # the reader of frames takes arrays that are a little deeper
        return "a value nested too deeply"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
