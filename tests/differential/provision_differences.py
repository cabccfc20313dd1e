"""Where a machine that we have provisioned differs on purpose from one that Debian's ignition 2.14 has provisioned.
Whatever is not covered here is a failure.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Entry = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """Covers a place where the two differ: `place` is matched by its name, `holds` by what the two have there (None:
    nothing)."""

    name: str
    reason: str
    place: str
    holds: Callable[[Entry | None, Entry | None], bool]

    def covers(self, place: str, ours: Entry | None, theirs: Entry | None) -> bool:
        return re.fullmatch(self.place, place) is not None and self.holds(ours, theirs)


def only(key: str) -> Callable[[Entry | None, Entry | None], bool]:
    """The two differ in this key alone."""

    def holds(ours: Entry | None, theirs: Entry | None) -> bool:
        if ours is None or theirs is None:
            return False
        return {k: v for k, v in ours.items() if k != key} == {k: v for k, v in theirs.items() if k != key}

    return holds


def lines(entry: Entry) -> set[str]:
    return set(str(entry.get("content", "")).splitlines())


def more_disabled(ours: Entry | None, theirs: Entry | None) -> bool:
    """We have "disable" lines beside theirs."""
    if ours is None:
        return False
    extra = lines(ours) - (lines(theirs) if theirs else set())
    missing = (lines(theirs) if theirs else set()) - lines(ours)
    return bool(extra) and not missing and all(line.startswith("disable ") for line in extra)


def ends_on_a_mebibyte(ours: Entry | None, theirs: Entry | None) -> bool:
    """Partitions are the same but for sizes, and each of ours that is shorter ends at the last whole MiB of theirs."""
    if ours is None or theirs is None or ours["partitions"].keys() != theirs["partitions"].keys():
        return False
    for number, a in ours["partitions"].items():
        b = theirs["partitions"][number]
        end = (b["start"] + b["size"]) // 2048 * 2048
        if a != b and a != b | {"size": end - b["start"]}:
            return False
    return True


def empty_table(ours: Entry | None, theirs: Entry | None) -> bool:
    return ours is not None and ours["kind"] == "gpt" and not ours["partitions"] and (theirs is None or not theirs["kind"])


def same_json(ours: Entry | None, theirs: Entry | None) -> bool:
    return only("content")(ours, theirs) and json.loads(str((ours or {})["content"])) == json.loads(str((theirs or {})["content"]))


DIFFERENCES = [
    Difference(
        "ends on a MiB",
        "A partition without a size takes its block up to the last whole MiB. sgdisk takes the sectors beyond that as well, "
        "which no file system uses, and which are lost when the disk is copied to one of larger sectors.",
        r".* table",
        ends_on_a_mebibyte,
    ),
    Difference(
        "an empty table",
        "wipeTable without partitions leaves an empty GPT, by which a rerun sees that it is done; the incumbent leaves no "
        "table at all.",
        r".* table",
        empty_table,
    ),
    Difference(
        "order of an earlier result",
        "The incumbent sorts the keys of the result file that it puts into its own; ours stay as they were.",
        r"root /etc/\.ignition-result\.json",
        same_json,
    ),
    Difference(
        "nothing was to do",
        "Where a machine is all that the config wants, the result file of the earlier provisioning stands: a second run "
        "changes nothing. The incumbent writes one more around it.",
        r"root /etc/\.ignition-result\.json",
        lambda ours, theirs: ours is not None and theirs is not None and json.loads(theirs["content"]).get("previousReport") == json.loads(ours["content"]),
    ),
    Difference(
        "backups of account files",
        "The programs of the shadow suite leave the files as they were before their last change; those have passwords in "
        "them that nobody wants kept, and a lock file.",
        r"root /etc/((passwd|group|shadow|gshadow|subuid|subgid)-|\.pwd\.lock)",
        lambda _ours, _theirs: True,
    ),
    Difference(
        "owner of a link",
        "The incumbent asks for the owner of what the link points at, and gives that to the link itself; ours is root's, or "
        "whose the config says.",
        r"root /.*",
        lambda ours, theirs: ours is not None and ours.get("kind") == "l" and only("owner")(ours, theirs),
    ),
    Difference(
        "order of presets",
        "The incumbent's lines come in another order from run to run; ours are sorted.",
        r"root /etc/systemd/system-preset/20-ignition\.preset",
        lambda ours, theirs: ours is not None and theirs is not None and only("content")(ours, theirs) and lines(ours) == lines(theirs),
    ),
    Difference(
        "presets that disable",
        "The incumbent asks systemctl whether the unit is enabled, and writes no line if that says no, which it also does "
        "for every instance and for every unit that another preset would enable at the first boot. We write what the "
        "config says.",
        r"root /etc/systemd/system-preset(/20-ignition\.preset)?",
        lambda ours, theirs: more_disabled(ours, theirs) or (ours is not None and ours["kind"] == "d" and theirs is None),
    ),
]


# Not on purpose: where ours is still to do as theirs does.
NOT_YET = [
    Difference(
        "not yet: links of disabled units",
        "The incumbent runs systemctl disable, which takes away the links by which the image enables a unit. A preset line "
        "alone does so only where the first boot applies presets in full.",
        r"root /etc/systemd/system/[^/]*\.(wants|requires)(/.*)?",
        lambda ours, theirs: ours is not None and theirs is None,
    ),
]


@dataclass(frozen=True)
class Verdict:
    """The two disagree whether a config can be carried out."""

    name: str
    reason: str
    refuses: str
    # In the words of the one that refuses.
    words: str


VERDICTS = [
    Verdict(
        "a result file that is no JSON",
        "The incumbent stops at its very end, with everything done; we leave out what nobody can read.",
        "they",
        r"couldn't unmarshal previous report output",
    ),
    Verdict(
        "a group that is there",
        "The incumbent runs groupadd for every group, which fails for one that is there; we make it as the config says.",
        "they",
        r"groupadd: group '[^']*' already exists",
    ),
    Verdict(
        "a home that moves to another file system",
        "The incumbent's usermod copies it, and that fails where the target has no /proc, as before switch-root; we need none.",
        "they",
        r"usermod: cannot rename directory",
    ),
    Verdict(
        "not yet: a directory overwritten by a file",
        "We do not remove trees yet.",
        "we",
        r"is a directory in the target",
    ),
]
