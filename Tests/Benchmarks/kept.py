"""The measurements in docs/benchmarks, as those read them who quote them or draw them."""

import json
import os

from results import KEPT

# How the names of those begin that are no other VMM: Rowhouse, and the least program that runs a small guest.
NO_OTHERS = ("rowhouse", "bare")


class Failure(Exception):
    """A message for the person."""


class Unmeasured(Exception):
    """There are no results of that name yet, or nothing of that kind in them."""


# Names that documents may quote though there are no results of them yet, or none of one that takes part; every other
# one has to be there.
NOT_YET: set[str] = set()


def load(name: str) -> dict:
    try:
        with open(os.path.join(KEPT, name, "results.json"), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError as error:
        raise Unmeasured(name) from error


def contestant(name: str, who: str) -> dict:
    found = [one for one in load(name)["contestants"] if one["name"] == who]
    if not found:
        if f"{name} {who}" in NOT_YET:
            raise Unmeasured(f"{name} {who}")
        raise Failure(f"docs/benchmarks/{name}/results.json has no contestant {who}")
    return found[0]


def median(name: str, who: str, goal: str) -> float:
    return contestant(name, who)["summary"][goal]["median"]


def best(name: str, goal: str, whose: str | None = None) -> dict:
    """The fastest of those whose names begin so, or of all other VMMs that took part."""
    those = [one for one in load(name)["contestants"] if goal in one["summary"] and (
        one["name"].startswith(whose) if whose is not None else not one["name"].startswith(NO_OTHERS))]
    if not those:
        raise Unmeasured(name)
    return min(those, key=lambda one: one["summary"][goal]["median"])


def point(name: str, who: str, guests: str) -> dict:
    """What a contestant took with so many guests."""
    return next(one for one in contestant(name, who)["points"] if one["guests"] == int(guests))


def guest(name: str) -> dict:
    """What was started, told by content: a path says nothing of what a file holds."""
    one = load(name)["guest"]
    return {"kernels": sorted(str(kernel["sha256"]) for kernel in one["kernels"]),
            "initrd": (one.get("initrd") or {}).get("sha256"),
            **{key: one.get(key) for key in ("command_line", "cpus", "memory_bytes")}}


def only_once(before: str, after: str) -> list[str]:
    """Who took part in one of two measurements and not in the other."""
    first, second = ([one["name"] for one in load(name)["contestants"]] for name in (before, after))
    return [name for name in first if name not in second] + [name for name in second if name not in first]


def largest_difference(before: str, after: str, goal: str) -> float:
    """By which part of itself a median differs at most from one measurement to another of the same, of those that took
    part in both: of the others nothing is known (`only_once`)."""
    if guest(before) != guest(after):
        raise Failure(f"{before} and {after} were not measured with the same guest")
    names = [one["name"] for one in load(before)["contestants"] if one["name"] not in only_once(before, after)]
    if not names:
        raise Failure(f"nobody took part in both {before} and {after}")
    return max(abs(median(after, name, goal) / median(before, name, goal) - 1) for name in names)


def commits(*names: str) -> list[str]:
    """Those that were measured, each once, where it is known."""
    return list(dict.fromkeys(load(name)["occasion"].get("commit", "unknown") for name in names))
