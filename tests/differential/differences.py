"""Where we differ from ignition-validate 2.14 on purpose. Whatever is not covered here is a failure.

Each has an example, a config that shows it: the tier checks that it still does.
"""

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Difference:
    """Covers a disagreement if each error of the one that refuses is of such a difference."""

    name: str
    reason: str
    refuses: Literal["we", "they"]
    # An error of theirs or ours, as "path: text".
    error: str
    # A lone surrogate from U+DC80 on stands for a byte that is no UTF-8.
    example: str

    def covers(self, error: str) -> bool:
        return re.search(self.error, error, re.S) is not None


def config(rest: str, version: str = "3.3.0") -> str:
    return f'{{"ignition":{{"version":"{version}"}},{rest}}}'


DIFFERENCES = [
    Difference(
        "invalid UTF-8",
        "Go puts U+FFFD in its place: a file name or a password that nobody wrote. A strict reader says where it stands.",
        "we",
        r"invalid UTF-8",
        config('"x":"\udcff"'),
    ),
    Difference(
        "lone surrogate",
        "The same: Go puts U+FFFD in its place.",
        "we",
        r"lone surrogate",
        config(r'"x":"\ud800"'),
    ),
    Difference(
        "deep nesting",
        "At most 128 levels, so that no config exhausts the stack; the spec's own need eleven.",
        "we",
        r"nested more than 128 levels",
        config('"x":' + "[" * 200 + "]" * 200),
    ),
    Difference(
        "spelling of the version",
        "The incumbent's reader takes leading zeros, signs and empty suffixes; semantic versions have none.",
        "we",
        r"^\$\.ignition\.version: unknown spec version \"[-+]?0*3\.[-+]?0*[0-3]\.[-+]?0+-?\+?\"",
        '{"ignition":{"version":"03.0.0"}}',
    ),
    Difference(
        "number 0 beside a partition to delete",
        "Upstream refused it until after 2.14, for fear that the next free number is the deleted one; it is allowed now.",
        "they",
        r"shouldExist is false for a partition and other partition\(s\) has start or size 0",
        config('"storage":{"disks":[{"device":"/d","partitions":[{"label":"a"},{"number":2,"shouldExist":false}]}]}'),
    ),
    Difference(
        "versions after 2.14",
        "2.14 knows 3.4 as an experiment only.",
        "they",
        r"unsupported config version",
        '{"ignition":{"version":"3.4.0"}}',
    ),
    Difference(
        "experiments of 2.14",
        "3.4.0-experimental became 3.4.0, and upstream itself refuses the old name.",
        "we",
        r'unknown spec version "3\.4\.0-experimental"',
        '{"ignition":{"version":"3.4.0-experimental"}}',
    ),
]

# Covers what is settled once each repeated key is there only once, the last time: then both must agree.
REPEATED_KEYS = "repeated keys"
REPEATED_KEYS_REASON = """The last one counts, and a warning says so. Go's reader takes the last scalar but lets null leave the
first as it was, joins objects, and lets fields of the first array's elements leak into the second's."""
REPEATED_KEYS_EXAMPLE = config('"storage":{"files":[{"path":"/a"}],"files":[{}]}')
