"""Checks that the kept results are what was measured: that the figures which documents quote follow from the runs beside
them, by the rules of Sources/rowhouse/Bench/Statistics."""

import copy
import functools
import glob
import json
import os
import unittest
from collections.abc import Iterator

import boot_phases
import intervals
import results as kept_results

# As in Bootstrap.swift.
ROUNDS, SEED = 2000, 1
Indices = list[tuple[int, int]]


def random_numbers(seed: int) -> Iterator[int]:
    """SplitMix64, as in SplitMix64.swift."""
    state, most = seed, (1 << 64) - 1
    while True:
        state = z = (state + 0x9e3779b97f4a7c15) & most
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & most
        z = (z ^ z >> 27) * 0x94d049bb133111eb & most
        yield z ^ z >> 31


@functools.cache
def draws(*counts: int) -> list[Indices]:
    """Of each round, and of each of several samples in turn, which of its values in ascending order the median of those
    drawn from it lies between. A number below a count is made as Swift's Int.random(in:using:) does, by D. Lemire's way."""
    numbers = random_numbers(SEED)
    found = []
    for _ in range(ROUNDS):
        drawn = [sorted(next(numbers) * count >> 64 for _ in range(count)) for count in counts]
        found.append([(one[(len(one) - 1) // 2], one[len(one) // 2]) for one in drawn])
    return found


def quantile(values: list[float], part: float) -> float:
    """Of values in ascending order, as in Sample.swift."""
    place = part * (len(values) - 1)
    below = int(place)
    return values[-1] if below + 1 == len(values) else values[below] + (values[below + 1] - values[below]) * (place - below)


def interval(*samples: list[float]) -> tuple[float, float] | None:
    """Of a sample's median, or of the quotient of two."""
    if min(map(len, samples)) < intervals.FEWEST_RUNS:
        return None
    found = []
    for places in draws(*map(len, samples)):
        medians = [of[low] + (of[high] - of[low]) * 0.5 for of, (low, high) in zip(samples, places)]
        found.append(medians[0] / medians[1] if len(medians) > 1 else medians[0])
    found.sort()
    return quantile(found, 0.025), quantile(found, 1 - 0.05 / 2)


def sample(contestant: dict, name: str) -> list[float] | None:
    """The runs' values of a moment or of a compared time; nothing where not every run has it."""
    moments = [run["moments_nanoseconds"] for run in contestant["runs"]]
    if name == "kernel_to_init":
        values = [one["init"] - one["kernel_entered"] for one in moments if {"init", "kernel_entered"} <= one.keys()]
    else:
        values = [one[name] for one in moments if name in one]
    return sorted(map(float, values)) if len(values) == len(moments) else None


def summaries(contestant: dict) -> dict:
    found = {}
    for name in {*boot_phases.MOMENTS, *boot_phases.GOALS}:
        if of := sample(contestant, name):
            found[name] = {"minimum": of[0], "median": quantile(of, 0.5), "p90": quantile(of, 0.9), "maximum": of[-1]}
            if ends := interval(of):
                found[name] |= zip(("median_low", "median_high"), ends)
    return found


def ratios(first: dict, contestant: dict) -> dict:
    found = {}
    for goal in boot_phases.GOALS:
        ours, theirs = sample(first, goal), sample(contestant, goal)
        if ours and theirs and boot_phases.is_alike(first, contestant, goal):
            found[goal] = {"value": quantile(ours, 0.5) / quantile(theirs, 0.5)}
            if ends := interval(ours, theirs):
                found[goal] |= zip(("low", "high"), ends)
    return found


def differing(what: str, kept: object, made: object) -> Iterator[str]:
    """The places at which a part of a file is not what it should be."""
    if isinstance(kept, dict) and isinstance(made, dict):
        for key in sorted(kept.keys() | made.keys()):
            yield from differing(f"{what}, {key}", kept.get(key), made.get(key))
    elif kept != made:
        yield f"{what}: {kept}, and the runs give {made}"


def wrong(results: dict) -> list[str]:
    """What in a results.json does not follow from the rest of it."""
    found: list[str] = []
    for one in results.get("contestants", []):
        name = one["name"]
        if results["kind"] == "boot":
            found += differing(f"{name}, runs", results["measurement"]["runs"], len(one["runs"]))
            found += differing(f"{name}, summary", one["summary"], summaries(one))
            found += differing(f"{name}, ratios", one["ratios"], ratios(results["contestants"][0], one))
        elif results["kind"] == "density":
            for at in one["points"]:
                found += differing(f"{name}, {at['guests']} guests", at["guests_per_second"],
                                   at["guests"] * 1e9 / at["start_nanoseconds"])
        elif results["kind"] == "exits":
            outside = sum(exit["nanoseconds"] for exit in one["exits"])
            found += differing(f"{name}, guest", one["guest_nanoseconds"], one["total_nanoseconds"] - outside)
    return found


def all_kept() -> dict[str, dict]:
    """The results of all boots, of density and of exits, by their names."""
    found = {}
    for path in sorted(glob.glob(f"{kept_results.ROOT}/docs/**/results.json", recursive=True)):
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
        if results["kind"] in ("boot", "density", "exits"):
            found[os.path.basename(os.path.dirname(path))] = results
    return found


class Results(unittest.TestCase):
    def test_they_follow_from_the_runs(self):
        for name, results in all_kept().items():
            self.assertEqual(wrong(results), [], name)

    def test_random_numbers_are_those_of_the_benchmark(self):
        """The first ones of the author's own program, as in StatisticsTests.swift."""
        numbers = random_numbers(1_234_567)
        self.assertEqual([next(numbers) for _ in range(2)], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973])

    def test_an_edited_figure_is_found(self):
        """Each one, whichever it is, and that alone."""
        for name in ("hello-run", "small-linux", "debian-6.1", "density", "exits"):
            results = all_kept()[name]
            for place, key in figures(results):
                edited = copy.deepcopy(results)
                of = functools.reduce(lambda part, step: part[step], place, edited)
                of[key] *= 1.001
                self.assertEqual(len(wrong(edited)), 1, (name, *place, key))

    def test_a_figure_more_or_less_is_found(self):
        results = all_kept()["small-linux"]
        for change in (lambda one: one["summary"].pop("exit"), lambda one: one["ratios"].pop("init"),
                       lambda one: one["summary"]["exit"].update(median_low=1), lambda one: one["runs"].pop()):
            edited = copy.deepcopy(results)
            change(edited["contestants"][1])
            self.assertNotEqual(wrong(edited), [])


def figures(results: dict) -> Iterator[tuple[list, str]]:
    """The figures of a file that follow from others: where each is, and its name."""
    for index, one in enumerate(results["contestants"]):
        for part in ("summary", "ratios"):
            for name, of in one.get(part, {}).items():
                yield from ((["contestants", index, part, name], key) for key in of)
        yield from ((["contestants", index, "points", at], "guests_per_second") for at in range(len(one.get("points", []))))
        if "guest_nanoseconds" in one:
            yield ["contestants", index], "guest_nanoseconds"


if __name__ == "__main__":
    unittest.main()
