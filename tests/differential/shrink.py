"""Makes a config smaller as long as something about it holds: to show the part of it that matters."""

from collections.abc import Callable, Iterator
from typing import Any

import loose_json
from loose_json import Object

_BUDGET = 400


def _smaller(value: Any) -> Iterator[Any]:
    """The value without one of its parts, the large steps first."""
    if isinstance(value, Object):
        members = value.members
        for i in range(len(members)):
            yield Object(members[:i] + members[i + 1 :])
        for i, (key, inner) in enumerate(members):
            for less in _smaller(inner):
                yield Object(members[:i] + ((key, less),) + members[i + 1 :])
    elif isinstance(value, list):
        for i in range(len(value)):
            yield value[:i] + value[i + 1 :]
        for i, inner in enumerate(value):
            for less in _smaller(inner):
                yield value[:i] + [less] + value[i + 1 :]
    elif isinstance(value, str):
        step = len(value) // 2
        while step:
            for at in range(0, len(value), step):
                yield value[:at] + value[at + step :]
            step //= 2


def shrink(config: bytes, holds: Callable[[bytes], bool]) -> bytes:
    try:
        value = loose_json.parse(config)
    except ValueError:
        return config
    if not holds(loose_json.write(value)):
        return config
    tried = 0
    progress = True
    while progress:
        progress = False
        for less in _smaller(value):
            tried += 1
            if tried > _BUDGET:
                break
            if holds(loose_json.write(less)):
                value, progress = less, True
                break
    return loose_json.write(value)
