"""Checks that the documents say what the benchmarks' results say: `python3 -m unittest discover Tests/Benchmarks`."""

import contextlib
import io
import os
import random
import re
import subprocess
import sys
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
from unittest import mock

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

from metering import ratio, table


def load(name: str) -> ModuleType:
    """A program without `.py` in its name, as a module."""
    spec = spec_from_loader(name.replace("-", "_"), SourceFileLoader(name.replace("-", "_"), os.path.join(HERE, name)))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bench = load("bench")
document = load("bench-document")


def read(path: str) -> str:
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


class Documents(unittest.TestCase):
    def test_they_say_what_the_results_say(self):
        check = subprocess.run([os.path.join(HERE, "bench-document"), "--check"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        self.assertEqual(check.returncode, 0, f"run Tests/Benchmarks/bench-document:\n{check.stdout}")

    def test_no_figure_is_written_by_hand(self):
        # Code blocks are commands; 2 ns is the lab's setting, 95 the bootstrap's. What is promised is no figure.
        for path, promises in (("docs/benchmarks.md", []), ("docs/density.md", ["16 MiB", "1.5 times", "100 ms"])):
            text = re.sub(r"^    .*$", "", document.QUOTE.sub("", read(path)), flags=re.M)
            figures = re.findall(r"\d[\d.,]*\s?(?:µs|ms|s|MiB|KiB|GiB|%)(?!\w)|\d+\.\d+ (?:times|of)", text)
            self.assertEqual(figures, promises, path)

    def test_every_measurement_is_shown(self):
        documents = (("docs/benchmarks.md", bench.MEASUREMENTS), ("docs/density.md", ("street", "console")),
                     ("docs/disk-throughput.md", ("disk",)))
        for path, names in documents:
            text = read(path)
            for name in names:
                self.assertIn(f"<!-- bench: occasion {name} -->", text)
        kept = set(os.listdir(os.path.join(ROOT, bench.KEPT)))
        # Those of metering have a document of their own.
        self.assertLessEqual(kept, {*bench.MEASUREMENTS, *document.PROGRAMS, "metering"})

    def test_what_is_said_of_metering_is_what_was_measured(self):
        check = subprocess.run([os.path.join(HERE, "bench-metering"), "--check"])
        self.assertEqual(check.returncode, 0, "run Tests/Benchmarks/bench-metering --document")


RESULTS = {"contestants": [
    {"name": "rowhouse", "summary": {"exit": {"median": 2.5e9}}},
    {"name": "qemu-q35 a", "summary": {"exit": {"median": 5e9}}},
    {"name": "qemu-q35 b", "summary": {"exit": {"median": 4e9}}},
]}


class Intervals(unittest.TestCase):
    """What `bench-metering` calls shown."""

    def test_a_ratio_is_found_with_its_interval(self):
        slices = iter([100, 102, 103, 101] * 40)
        found = ratio.alternate(lambda has_it: next(slices), 40)
        self.assertAlmostEqual(found.middle, (102 * 103 / 100 / 101) ** 0.5)
        self.assertAlmostEqual(found.low, found.high)

    def test_what_drifts_is_no_difference(self):
        chance = random.Random(3)
        level = iter(range(1000, 10000))
        found = ratio.alternate(lambda has_it: next(level) * chance.uniform(0.9, 1.1), 200)
        self.assertTrue(found.low < 1 < found.high and found.high - found.low < 0.05, str(found))

    def test_only_a_whole_interval_below_the_bound_is_kept(self):
        rows = table.Table()
        with contextlib.redirect_stdout(io.StringIO()):
            for low, high in ((0.99, 1.009), (0.99, 1.02), (1.02, 1.03)):
                rows.bound("it", ratio.Ratio(1, low, high), 1.01, "less than 1 %")
        self.assertEqual([row.verdict for row in rows.rows], ["kept", "not shown", "not kept"])
        self.assertFalse(rows.is_good)
        text = table.document({
            "rows": [vars(row) for row in rows.rows], "host": {"cpus": 2, "cpu_model": "M", "kernel": "6"},
            "occasion": {"date": "2026-01-01T00:00:00Z", "load_average": 0.1}})
        self.assertIn("| it | +0.00 % (-1.00 to +0.90) | less than 1 % | kept |", text)


class Quotes(unittest.TestCase):
    def filled(self, text: str) -> str:
        with mock.patch.object(document, "load", lambda name: RESULTS):
            return document.filled(text)

    def test_figures_are_replaced_where_they_stand(self):
        self.assertEqual(self.filled("in <!-- bench: figure x exit rowhouse -->9 s<!-- /bench -->, and"),
                         "in <!-- bench: figure x exit rowhouse -->2.50 s<!-- /bench -->, and")

    def test_ratio_is_to_the_best_of_those_named(self):
        self.assertIn("-->0.62<!--", self.filled("<!-- bench: ratio x exit rowhouse qemu --><!-- /bench -->"))

    def test_repeatability_is_the_largest_difference(self):
        again = {"contestants": [{**one, "summary": {"exit": {"median": one["summary"]["exit"]["median"] * factor}}}
                                 for one, factor in zip(RESULTS["contestants"], (1.001, 0.98, 1.01))]}
        with mock.patch.object(document, "load", {"a": RESULTS, "b": again}.get):
            self.assertEqual(document.difference("a", "b", "exit"), "2.00 %")

    def test_times_have_three_digits(self):
        for nanoseconds, text in ((1.2345e9, "1.23 s"), (12.345e6, "12.3 ms"), (123.4e6, "123 ms"), (5e3, "5.00 µs"), (0, "0.00 µs")):
            self.assertEqual(document.time(nanoseconds), text)

    def test_what_is_not_measured_is_said(self):
        text = document.filled("<!-- bench: figure no-such-name exit rowhouse --><!-- /bench -->")
        self.assertIn("not measured yet: `Tests/Benchmarks/bench no-such-name`", text)

    def test_what_cannot_be_quoted_is_said(self):
        for text in ("<!-- bench: speed x --><!-- /bench -->", "<!-- bench: figure x exit xen --><!-- /bench -->"):
            with self.assertRaises(document.Failure):
                self.filled(text)


if __name__ == "__main__":
    unittest.main()
