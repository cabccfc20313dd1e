"""JSON that keeps how it was written: repeated keys, the order, the digits of numbers."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Object:
    members: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Number:
    text: str


def parse(text: bytes) -> Any:
    """ValueError if it is no JSON, or no UTF-8."""
    return json.loads(text.decode(), object_pairs_hook=lambda pairs: Object(tuple(pairs)), parse_int=Number, parse_float=Number)


def _write(value: Any) -> str:
    if isinstance(value, Object):
        return "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{_write(inner)}" for key, inner in value.members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_write(inner) for inner in value) + "]"
    if isinstance(value, Number):
        return value.text
    return json.dumps(value, ensure_ascii=False)


def write(value: Any) -> bytes:
    return _write(value).encode(errors="surrogatepass")


def without_repeats(value: Any) -> Any:
    """Of keys that are equal but for the case of letters, the last one."""
    if isinstance(value, list):
        return [without_repeats(inner) for inner in value]
    if not isinstance(value, Object):
        return value
    last = {key.casefold(): i for i, (key, _) in enumerate(value.members)}
    return Object(tuple((key, without_repeats(inner)) for i, (key, inner) in enumerate(value.members) if last[key.casefold()] == i))
