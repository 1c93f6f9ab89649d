"""Checks that the documents say what the benchmarks' results say: `python3 -m unittest discover Tests/Benchmarks`."""

import contextlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
from unittest import mock

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import kept
import promises
import results as kept_results
import verdicts
from metering import ratio, table


def load(name: str) -> ModuleType:
    """A program without `.py` in its name, as a module."""
    spec = spec_from_loader(name.replace("-", "_"), SourceFileLoader(name.replace("-", "_"), os.path.join(HERE, name)))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bench = load("bench")
document = load("bench-document")
exits = load("bench-exits")
metering = load("bench-metering")
startup = load("bench-startup")
street = load("bench-street")


def read(path: str) -> str:
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


# What looks like something measured: a number with a unit, in words too, a quotient or a part, a kernel's time stamp.
FIGURE = re.compile(r"\d[\d.,]*(?: ?(?:ns|µs|ms|minutes?|seconds?|KB|MB|GB|KiB|MiB|GiB|%)| s|\.\d+s)(?!\w)"
                    r"|\d+\.\d+ (?:times|of)|(?<![\w.])0\.\d+(?!\w|\.\d)|\[ *\d+\.\d+\]"
                    r"|(?i:\b(?:two|three|four|five|six|seven|eight|nine|ten)"
                    r" (?:ticks|ms|milliseconds|microseconds|seconds|per ?cent)\b)")
# What documents may say in their own words, as it is not measured: sizes and limits that the code has, what is promised, and
# what is typed or set.
PROMISED = {
    "README.md": {"0.0%", "0.1 s", "25%", "50%"},
    "docs/architecture.md": {"10 seconds", "16 KiB", "16 MiB", "256 KiB", "4 KiB", "5 seconds", "50 ms", "512 MiB", "64 KiB",
                             "five seconds", "ten seconds", "two seconds"},
    "docs/benchmarks.md": {"0.8", "five ticks"},
    "docs/commands.md": {"10 seconds", "10ms", "20ms", "50ms", "64 KiB", "8 KiB"},
    "docs/density.md": {"1.5 times", "100 ms", "16 MiB"},
    "docs/disk-throughput.md": {"2 ns", "32 MiB", "4 KiB"},
    "docs/guests.md": {"150 KiB", "256 KiB", "4 GiB", "4 KiB", "4 MiB", "two seconds"},
    "docs/memory-map.md": {"1 KiB", "1 MiB", "16 KiB", "16 MiB", "2 MiB", "24 KiB", "3 GiB", "4 GiB", "4 KiB", "64 KiB", "8 KiB"},
    "docs/meter.md": {"20 ms", "five seconds"},
    "docs/metering.md": {"0.3 s", "150 %", "50 ms", "95 %", "five seconds", "two seconds"},
    "docs/testing.md": {"2 ns", "5 seconds"},
}


def measured() -> set[str]:
    """The names of all measurements that are kept."""
    return {name for name in os.listdir(kept_results.KEPT) if os.path.isdir(os.path.join(kept_results.KEPT, name))}


class Documents(unittest.TestCase):
    def test_they_say_what_the_results_say(self):
        check = subprocess.run([os.path.join(HERE, "bench-document"), "--check"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        self.assertEqual(check.returncode, 0, f"run Tests/Benchmarks/bench-document:\n{check.stdout}")

    def test_no_figure_is_written_by_hand(self):
        for path in ("README.md", *(f"docs/{name}" for name in os.listdir(os.path.join(ROOT, "docs")) if name.endswith(".md"))):
            text = metering.FIGURES.sub("", document.QUOTE.sub("", read(path)))
            self.assertEqual(set(FIGURE.findall(text)), PROMISED.get(path, set()), path)

    def test_figures_are_known_as_such(self):
        for text in ("3 ms", "12ms", "0.010 s", "7 s", "1.5s", "0.2 GB", "12 %", "25 minutes", "1.37 times", "0.5 of", "0.36", "[    0.580199]",
                     "Four ticks", "two per cent"):
            self.assertEqual(FIGURE.findall(f"it took {text}, or so"), [text])
        self.assertEqual(FIGURE.findall("It falls to 0.36."), ["0.36"])
        for text in ("the 8259s", "2G", "4 KiBs", "6.12 kernels", "PR 3", "5.1", "two guests", "often seconds"):
            self.assertEqual(FIGURE.findall(f"with {text}, or so"), [])

    def test_every_measurement_is_shown(self):
        documents = (("docs/benchmarks.md", bench.MEASUREMENTS), ("docs/density.md", ("street", "console")),
                     ("docs/disk-throughput.md", ("disk", "calls")))
        for path, names in documents:
            text = read(path)
            for name in names:
                self.assertIn(f"<!-- bench: occasion {name} -->", text)
        # Those of metering have a document of their own.
        self.assertLessEqual(measured(), {*bench.MEASUREMENTS, *document.PROGRAMS, "metering"})

    def test_all_that_is_shown_is_measured_by_make_bench(self):
        used = set()
        def noted(name: str, load=kept.load) -> dict:
            used.add(name)
            return load(name)
        with mock.patch.object(kept, "load", noted):
            document.filled(read("docs/benchmarks.md"))
            promises.unkept()
        made = subprocess.run(["make", "-n", "bench"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        programs = set(re.findall(r"Tests/Benchmarks/([\w-]+)", made))
        self.assertLessEqual({"bench host", "bench lab"}, set(re.findall(r"Tests/Benchmarks/(bench \w+)", made)))
        self.assertEqual({name for name in used if document.PROGRAMS.get(name, "bench") not in programs}, set())
        self.assertIn("bench-street", programs)

    def test_what_is_said_of_metering_is_what_was_measured(self):
        check = subprocess.run([os.path.join(HERE, "bench-metering"), "--check"])
        self.assertEqual(check.returncode, 0, "run Tests/Benchmarks/bench-metering --document")

    def test_what_is_quoted_has_to_be_there(self):
        quote = "<!-- bench: figure no-such-name exit rowhouse --><!-- /bench -->"
        with self.assertRaisesRegex(document.Failure, "docs/benchmarks/no-such-name/results.json is missing"):
            document.filled(quote, is_check=True)
        with mock.patch.object(kept, "NOT_YET", {"no-such-name"}):
            self.assertIn("not measured yet", document.filled(quote, is_check=True))
        for name in kept.NOT_YET:
            measurement, _, who = name.partition(" ")
            if who:
                is_measured = who in (one["name"] for one in kept.load(measurement)["contestants"])
            else:
                is_measured = os.path.exists(os.path.join(kept_results.KEPT, measurement, "results.json"))
            self.assertFalse(is_measured, f"{name} is measured: take it out of NOT_YET")

    def test_each_results_file_has_to_be_there(self):
        """Whichever of them is deleted, one of the checks of the documents says so."""
        quoted = measured() - {"metering"}
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for name in quoted:
                def without(wanted: str, load=kept.load):
                    if wanted == name:
                        raise kept.Unmeasured(name)
                    return load(wanted)
                with mock.patch.object(kept, "load", without), \
                        mock.patch.object(sys, "argv", ["bench-document", "--check"]), \
                        self.assertRaises(SystemExit, msg=name):
                    document.main()
            with mock.patch.object(metering, "RESULTS", "/no/such/file"):
                self.assertEqual(metering.write_document(is_check=True), 1)


class Interruptions(unittest.TestCase):
    """Who ends a benchmark that has guests."""

    # A program that starts no guests, writes down what it was asked for, and hangs once it has to run one.
    ROWHOUSE = """#!/bin/sh
echo "$*" >> "$ASKED"
[ "$1" != run ] || exec sleep 1000
"""
    BENCH = """import sys
sys.path.insert(0, sys.argv[1])
import test_documents
program = test_documents.load(sys.argv[2])
program.ROWHOUSE = sys.argv[3]
program.results.check_programs = lambda: None
sys.argv[1:] = []
program.main()
"""

    def test_guests_are_stopped(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            with self.subTest(number), tempfile.TemporaryDirectory() as folder:
                program, asked = f"{folder}/rowhouse", f"{folder}/asked"
                with open(program, "w", encoding="utf-8") as file:
                    file.write(self.ROWHOUSE)
                os.chmod(program, 0o700)
                environment = {**os.environ, "ASKED": asked, "TMPDIR": folder}
                with subprocess.Popen([sys.executable, "-c", self.BENCH, HERE, "bench-street", program], env=environment,
                                      stderr=subprocess.DEVNULL) as bench_street:
                    while not os.path.exists(asked):
                        self.assertIsNone(bench_street.poll())
                        time.sleep(0.01)
                    bench_street.send_signal(number)
                    self.assertEqual(bench_street.wait(), 128 + number)
                with open(asked, encoding="utf-8") as file:
                    words = file.read().splitlines()
                self.assertEqual([line.split()[0] for line in words], ["run", "stop"])
                self.assertEqual(words[1], "stop --all --remove --grace 0")


class Occasions(unittest.TestCase):
    """Which commit was measured."""

    def test_programs_are_as_new_as_their_sources(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(kept_results, "ROOT", folder):
            os.makedirs(f"{folder}/Sources/a")
            os.mkdir(f"{folder}/bin")
            times = {"Package.swift": 10, "Sources/a/old.swift": 5, "Sources/a/new.swift": 20, "bin/rowhouse": 20,
                     "bin/rowhouse-vmm": 30}
            def written(path: str) -> None:
                with open(f"{folder}/{path}", "w", encoding="utf-8"):
                    pass
                os.utime(f"{folder}/{path}", (times[path], times[path]))
            for path in times:
                written(path)
            kept_results.check_programs()
            os.utime(f"{folder}/Package.swift", (25, 25))
            with self.assertRaisesRegex(SystemExit, "^[^\n]*: bin/rowhouse is older than Package.swift: run `make build`"):
                kept_results.check_programs()
            os.remove(f"{folder}/bin/rowhouse")
            with self.assertRaisesRegex(SystemExit, "bin/rowhouse is missing: run `make build`"):
                kept_results.check_programs()

    def test_old_programs_are_not_measured(self):
        refusal = mock.patch.object(kept_results, "check_programs", side_effect=SystemExit("old"))
        for program in (kept_results.occasion, bench.main):
            with refusal, mock.patch.object(sys, "argv", ["bench", "hello"]), \
                    mock.patch.object(bench, "measure") as measure, self.assertRaisesRegex(SystemExit, "old"):
                program()
            measure.assert_not_called()

    def test_a_measurement_without_its_report_is_not_kept(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(bench, "WORK", folder), \
                mock.patch.object(bench, "KEPT", f"{folder}/kept"), mock.patch.object(bench, "on_host"), \
                contextlib.redirect_stdout(io.StringIO()), \
                self.assertRaisesRegex(SystemExit, "^bench: hello is measured, but without its report nothing is kept"):
            bench.measure("hello", [])

    def test_it_is_named(self):
        self.assertRegex(kept_results.commit()["commit"], r"^[0-9a-f]{7,}(-dirty)?$")
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(kept_results, "ROOT", folder):
            self.assertEqual(kept_results.commit(), {})

    def test_what_is_changed_and_not_committed_is_dirty(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(kept_results, "ROOT", folder):
            def git(*words: str) -> None:
                subprocess.run(["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True)
            git("init", "--quiet")
            os.mkdir(f"{folder}/docs")
            for path in ("code", "docs/figures"):
                with open(f"{folder}/{path}", "w", encoding="utf-8") as file:
                    file.write("a")
            git("add", ".")
            git("commit", "--quiet", "-m", "a")
            for path, end in (("docs/figures", ""), ("code", "-dirty")):
                with open(f"{folder}/{path}", "w", encoding="utf-8") as file:
                    file.write("b")
                self.assertRegex(kept_results.commit()["commit"], f"^[0-9a-f]{{7,}}{end}$")

    def test_documents_show_it_where_it_is_known(self):
        results = {"rows": [], "host": {"cpus": 2, "cpu_model": "M", "kernel": "6", "hardware_virtualization": True,
                                        "memory_bytes": 1 << 30},
                   "occasion": {"date": "2026-01-01T00:00:00Z", "load_average": 0.1, "command": "c"}}
        for commit, words in (({}, ""), ({"commit": "abc1234"}, "commit abc1234")):
            results["occasion"] |= commit
            with mock.patch.object(kept, "load", lambda name: results):
                self.assertEqual("commit" in document.occasion("x"), bool(words))
                self.assertIn(words, document.occasion("x"))
            self.assertEqual("commit" in table.document(results), bool(words))
            self.assertIn(words, table.document(results))


GUEST = {"kernels": [{"sha256": "k"}], "initrd": {"sha256": "i"}, "command_line": "c"}
RESULTS = {"occasion": {"commit": "abc1234"}, "guest": GUEST, "contestants": [
    {"name": "rowhouse", "summary": {"exit": {"median": 2.5e9}}},
    {"name": "qemu-q35 a", "summary": {"exit": {"median": 5e9}}},
    {"name": "qemu-q35 b", "summary": {"exit": {"median": 4e9}}},
]}


def part(vmm: str, kernel: str, nanoseconds: float) -> dict:
    """Results of one run."""
    return {"contestants": [{"name": vmm, "vmm": vmm, "kernel": f"/linux/{kernel}", "ratios": {"exit": {"value": 1}},
                             "summary": {"exit": {"median": nanoseconds}}}],
            "guest": {"kernels": [{"path": f"/linux/{kernel}"}]}, "missing": missing(kvmtool="not installed"), "occasion": {}}


def missing(**reasons: str) -> list[dict]:
    return [{"name": name, "reason": reason} for name, reason in reasons.items()]


class Labs(unittest.TestCase):
    """What `bench` does about labs that stand still."""

    def results(self, *statuses: int) -> tuple[dict, int]:
        ends = [subprocess.CompletedProcess("lab", status, '{"kind": "boot"}') for status in statuses]
        with mock.patch.object(kept_results.subprocess, "run", side_effect=ends):
            return bench.lab_results(["boot", "kernel"], 1)

    def test_one_that_stands_still_is_replaced_and_counted(self):
        self.assertEqual(self.results(0), ({"kind": "boot"}, 0))
        self.assertEqual(self.results(kept_results.TIMED_OUT, kept_results.TIMED_OUT, 0), ({"kind": "boot"}, 2))

    def test_patience_ends(self):
        with self.assertRaises(SystemExit):
            self.results(*[kept_results.TIMED_OUT] * kept_results.LABS)

    def test_a_failure_is_not_repeated(self):
        with self.assertRaises(SystemExit):
            self.results(1)

    def test_parts_become_one_measurement(self):
        whole = bench.joined([part("rowhouse", "a", 2e9), part("rowhouse", "b", 1e9), part("qemu-q35", "a", 4e9)])
        self.assertEqual([(one["name"], one["ratios"]["exit"]) for one in whole["contestants"]], [
            ("rowhouse a", {"value": 1}), ("rowhouse b", {"value": 2}), ("qemu-q35 a", {"value": 0.5})])
        self.assertEqual(whole["guest"]["kernels"], [{"path": "/linux/a"}, {"path": "/linux/b"}])
        self.assertEqual(whole["missing"], missing(kvmtool="not installed"))

    def test_who_is_missing_is_told_with_its_own_reason(self):
        """One may be missing with each kernel for another reason, or with one of them alone."""
        parts = [part("rowhouse", "a", 2e9), part("rowhouse", "b", 1e9), part("firecracker", "b", 3e9)]
        parts[0]["missing"] = missing(kvmtool="its time was over", firecracker="boots ELF kernels only", xen="not installed")
        parts[1]["missing"] = missing(kvmtool="boots no ELF kernels", xen="not installed")
        parts[2]["missing"] = []
        self.assertEqual(bench.joined(parts)["missing"], missing(**{
            "kvmtool a": "its time was over", "firecracker a": "boots ELF kernels only", "xen": "not installed",
            "kvmtool b": "boots no ELF kernels"}))

    def test_how_many_stood_still_is_told(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(bench, "WORK", folder), \
                mock.patch.object(bench.subprocess, "run"), \
                mock.patch.object(bench, "lab_results", side_effect=[(part("rowhouse", "a", 2e9), 1), (part("q", "a", 1e9), 2)]):
            bench.in_lab("some", ["boot"], [["--vmm", "rowhouse"], ["--vmm", "q"]])
            with open(f"{folder}/some/results.json", encoding="utf-8") as file:
                self.assertRegex(json.load(file)["occasion"]["label"], "^each .*, measured anew .*: 3 did$")


class Exits(unittest.TestCase):
    """What `bench-exits` makes of a trace."""

    def traced(self, *events: str) -> str:
        return "".join(f"  vcpu0-91  [000] d..1.  5.00000{number}: {event}\n" for number, event in enumerate(events))

    def test_only_what_is_between_the_marks_counts(self):
        left = "kvm_exit: vcpu 0 reason {} rip 0x1 info1 0x0 info2 0x{} intr_info 0x0"
        entry = "kvm_entry: vcpu 0, rip 0x1"
        self.assertEqual(exits.account(self.traced(
            left.format("cpuid", "0"), entry,
            "kvm_pio: pio_write at 0x80 size 1 count 1 val 0x1 ", entry,
            left.format("npf", "fec00010"), entry, left.format("npf", "1000"), entry,
            "kvm_pio: pio_write at 0x80 size 1 count 1 val 0x7b ", entry)), {
                "total_nanoseconds": 6000, "guest_nanoseconds": 4000, "exits": [
                    {"reason": "IO APIC", "count": 1, "nanoseconds": 1000},
                    {"reason": "memory", "count": 1, "nanoseconds": 1000}]})

    def test_a_boot_that_came_to_no_end_is_refused(self):
        with self.assertRaises(ValueError):
            exits.account(self.traced("kvm_pio: pio_write at 0x80 size 1 count 1 val 0x1 "))


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
        with mock.patch.object(kept, "load", lambda name: RESULTS):
            return document.filled(text)

    def test_figures_are_replaced_where_they_stand(self):
        self.assertEqual(self.filled("in <!-- bench: figure x exit rowhouse -->9 s<!-- /bench -->, and"),
                         "in <!-- bench: figure x exit rowhouse -->2.50 s<!-- /bench -->, and")

    def test_ratio_is_to_the_best_of_those_named(self):
        self.assertIn("-->0.62<!--", self.filled("<!-- bench: ratio x exit rowhouse qemu --><!-- /bench -->"))

    def test_repeatability_is_the_largest_difference(self):
        again = {**RESULTS, "contestants": [{**one, "summary": {"exit": {"median": one["summary"]["exit"]["median"] * factor}}}
                                 for one, factor in zip(RESULTS["contestants"], (1.001, 0.98, 1.01))]}
        with mock.patch.object(kept, "load", {"a": RESULTS, "b": again}.get):
            self.assertEqual(document.difference("a", "b", "exit"), "2.00 %")

    def test_repeatability_says_of_whom_nothing_is_known(self):
        few = {**RESULTS, "contestants": RESULTS["contestants"][:2]}
        said = "0.00 % (not of qemu-q35 b: measured once)"
        for pair in ((RESULTS, few), (few, RESULTS)):
            with mock.patch.object(kept, "load", dict(zip("ab", pair)).get):
                self.assertEqual(document.difference("a", "b", "exit"), said)
                with mock.patch.object(promises, "GROUPS", {}), mock.patch.object(promises, "AGAIN", {"it": ("a", "b")}):
                    self.assertIn(f"| it | {said} | at most 1 % | kept |", document.glance())
        nobody = {**RESULTS, "contestants": []}
        with mock.patch.object(kept, "load", {"a": RESULTS, "b": nobody}.get), self.assertRaises(document.Failure):
            document.difference("a", "b", "exit")

    def test_repeatability_of_unlike_programs_says_so(self):
        for commit, words in (({"commit": "abc1234"}, ""), ({"commit": "def5678"}, " (commits abc1234 and def5678)"),
                              ({}, " (commits abc1234 and unknown)")):
            with mock.patch.object(kept, "load", {"a": RESULTS, "b": {**RESULTS, "occasion": commit}}.get):
                self.assertEqual(document.difference("a", "b", "exit"), f"0.00 %{words}")

    def test_goals_that_are_not_compared_are_not_quoted(self):
        run = {"moments_nanoseconds": {"first_byte": 1e6, "exit": 2e6}}
        summary = dict.fromkeys(run["moments_nanoseconds"], dict.fromkeys(("minimum", "median", "p90", "maximum"), 1e6))
        one = {"name": "rowhouse", "runs": [run], "summary": summary, "ratios": {}}
        for line, is_quiet in (("console=ttyS0", False), ("console=ttyS0 quiet", True)):
            some = {"guest": {"command_line": line}, "contestants": [one]}
            with mock.patch.object(kept, "load", lambda name: some):
                self.assertIn("| rowhouse | 1.00 ms |", document.times("x", "exit"))
                if is_quiet:
                    self.assertRaises(kept.Failure, document.times, "x", "first_byte")
                else:
                    self.assertIn("| rowhouse | 1.00 ms |", document.times("x", "first_byte"))

    def used(self, *runs: dict) -> str:
        """What is told of what such runs took, in milliseconds and MiB."""
        def made(run: dict) -> dict:
            times = {f"{part}_nanoseconds": of * 10**6 for part, of in run.items() if part != "peak"}
            peak = {"peak_resident_bytes": run["peak"] << 20} if "peak" in run else {}
            return {"minor_faults": 7, "major_faults": 1, **times, **peak}
        one = {"name": "it", "runs": [made(run) for run in runs]}
        with mock.patch.object(kept, "load", lambda name: {"contestants": [one]}):
            return document.resources("x").splitlines()[2]

    def test_cpu_time_is_divided_where_ticks_tell_it(self):
        for run, cells in (({"user": 400, "system": 60, "guest": 300}, "460 ms | 400 ms | 300 ms | 60.0 ms"),
                           ({"user": 30, "system": 10, "guest": 0}, "40.0 ms | – | – | –"),
                           ({"user": 400, "system": 10}, "410 ms | 400 ms | – | –")):
            self.assertEqual(self.used({**run, "peak": 5}), f"| it | {cells} | 8 | 5.00 MiB |")

    def test_threads_are_told_where_they_are_known(self):
        self.assertEqual(self.used({"user": 3, "system": 4, "vcpu": 5, "device": 2, "peak": 5}),
                         "| it | 7.00 ms | 5.00 ms | 2.00 ms | – | – | – | 8 | 5.00 MiB |")

    def test_memory_is_told_when_every_run_has_it(self):
        run = {"user": 30, "system": 10}
        self.assertTrue(self.used({**run, "peak": 3}, {**run, "peak": 4}).endswith("| 3.50 MiB |"))
        self.assertTrue(self.used({**run, "peak": 3}, run).endswith("| – |"))

    def test_benchmarks_that_fail_hold_to_what_is_promised(self):
        bare, microvm, _ = promises.small_guest()
        self.assertEqual(startup.START_LIMITS, {"bare": bare.limit, "qemu": microvm.limit})
        alone = {"guests": 1, "list_nanoseconds": 1, "start_nanoseconds": 1000, "start_cpu_nanoseconds": 1000,
                 "own_bytes_per_guest": 1000}
        *_, memory, cpu = promises.many_guests()
        for key, limit in (("own_bytes_per_guest", memory.limit), ("start_cpu_nanoseconds", cpu.limit)):
            with contextlib.redirect_stderr(io.StringIO()):
                for excess, good in ((0, True), (1, False)):
                    self.assertEqual(street.holds({**alone, key: round(1000 * limit) + excess}, alone, []), good, key)

    def test_what_is_not_kept_or_not_shown_is_known(self):
        self.assertEqual(promises.unkept(), promises.UNKEPT, "mend it, or own to it in UNKEPT in Tests/Benchmarks/promises.py,"
                         " or take out there what is kept now")

    def test_a_promise_is_kept_with_all_of_its_interval(self):
        def promise(ours: float, limit: float, is_least: bool, *interval: tuple[float, float]) -> promises.Promise:
            return promises.Promise("it", ours, 2, "the other", limit, str, is_least, *interval)
        for made, words in (
                (promise(1, 0.5, False), "**0.50** | at most 0.5 | kept |"),
                (promise(1.1, 0.5, False), "**0.55** | at most 0.5 | not kept |"),
                (promise(1, 0.5, False, (0.48, 0.53)), "**0.50** (0.48 to 0.53) | at most 0.5 | not shown |"),
                (promise(1, 0.49, False, (0.48, 0.53)), "**0.50** (0.48 to 0.53) | at most 0.49 | not shown |"),
                (promise(1, 0.6, False, (0.48, 0.53)), "**0.50** (0.48 to 0.53) | at most 0.6 | kept |"),
                (promise(1, 0.4, False, (0.48, 0.53)), "**0.50** (0.48 to 0.53) | at most 0.4 | not kept |"),
                (promise(4, 2, True), "**2.00** | at least 2 | kept |"),
                (promise(3.9, 2, True), "**1.95** | at least 2 | not kept |"),
                (promise(4, 2, True, (2, 2.1)), "**2.00** (2.00 to 2.10) | at least 2 | kept |"),
                (promise(4, 2, True, (1.9, 2.1)), "**2.00** (1.90 to 2.10) | at least 2 | not shown |"),
                (promise(4, 3, True, (1.9, 2.1)), "**2.00** (1.90 to 2.10) | at least 3 | not kept |")):
            with mock.patch.object(promises, "GROUPS", {"a group": lambda made=made: [made]}), \
                    mock.patch.object(promises, "AGAIN", {}):
                row = document.glance().splitlines()[2]
                self.assertTrue(row.startswith("| it | ") and row.endswith(f" | {words}"), row)
                self.assertEqual(promises.unkept(), {} if made.verdict == verdicts.KEPT else {"it": made.verdict})

    def test_an_interval_is_that_of_the_ratio_beside_the_other(self):
        bare, microvm, _ = promises.small_guest()
        for promise in (bare, microvm):
            ratio = kept.contestant("hello", promise.whose)["ratios"]["first_byte"]
            self.assertEqual(promise.interval, (ratio["low"], ratio["high"]))
            self.assertAlmostEqual(promise.quotient, ratio["value"])
        self.assertEqual({promise.interval for promise in promises.debian()}, {None})

    def test_debian_is_beside_the_fastest_of_all_others(self):
        def with_more(name: str, load=kept.load) -> dict:
            results = load(name)
            more = [{"name": name, "summary": {"exit": {"median": median}}, "ratios": {}}
                    for name, median in (("rowhouse-run b", 1), ("bare", 2), ("kvmtool b", 3), ("qemu-q35 b", 4))]
            return {**results, "contestants": [*results["contestants"], *more, {"name": "kvmtool c", "summary": {}}]}
        with mock.patch.object(kept, "load", with_more):
            self.assertEqual({(promise.whose, promise.theirs) for promise in promises.debian()}, {("kvmtool b", 3)})

    def test_what_is_said_to_be_of_the_second_start_is(self):
        those = [promise for promise in promises.debian() if "from the second start on" in promise.what]
        runs = [kept.contestant(name, f"rowhouse-run vmlinuz-{version}") for name, version in (
            ("debian-6.1", "6.1"), ("debian-6.12", "6.12"), ("debian-6.12-untested", "6.12"))]
        self.assertEqual([promise.ours for promise in those], [one["summary"]["exit"]["median"] for one in runs])
        self.assertEqual({one["kernel_form"] for one in runs}, {"unpacked"})

    def test_the_picture_of_all_says_what_the_table_says(self):
        words = [text.text for text in xml.etree.ElementTree.parse(os.path.join(kept_results.KEPT, "glance.svg")).iter(
            "{http://www.w3.org/2000/svg}text")]
        those = [promise for make in promises.GROUPS.values() for promise in make()]
        said = [[promise.ratio + promise.certainty, promise.beside, promise.bound, promise.verdict]
                for promise in those]
        first = words.index(said[0][0])
        self.assertEqual(words[first:first + 4 * len(said)], sum(said, []))
        for promise in those:
            self.assertIn(promise.what.replace("`", ""), words)

    def test_there_is_no_repeatability_of_different_guests(self):
        for other in ({"kernels": [{"sha256": "l"}]}, {"initrd": {"sha256": "j"}}, {"initrd": None}, {"command_line": "d"},
                      {"kernels": [{"sha256": "k"}, {"sha256": "l"}]}, {"cpus": 2}):
            again = {**RESULTS, "guest": RESULTS["guest"] | other}
            with mock.patch.object(kept, "load", {"a": RESULTS, "b": again}.get), \
                    self.assertRaisesRegex(document.Failure, "not measured with the same guest", msg=str(other)):
                document.difference("a", "b", "exit")

    def test_times_have_three_digits(self):
        for nanoseconds, text in ((1.2345e9, "1.23 s"), (12.345e6, "12.3 ms"), (123.4e6, "123 ms"), (5e3, "5.00 µs"), (0, "0.00 µs")):
            self.assertEqual(document.time(nanoseconds), text)

    def test_what_only_a_measurement_adds_is_not_shown(self):
        self.assertEqual(document.as_typed("bench boot k --label 'a b' --cmdline 'c d' --output /x"),
                         "bench boot k --cmdline 'c d'")

    def test_what_a_guest_is_left_for_is_told_by_vmm(self):
        some = {"contestants": [
            {"name": name, "guest_nanoseconds": 80e6, "total_nanoseconds": 100e6, "exits": [
                {"reason": "cpuid", "count": 4, "nanoseconds": 15e6}, {"reason": "hlt", "count": 1, "nanoseconds": 5e6}]}
            for name in ("rowhouse", "qemu")]}
        with mock.patch.object(kept, "load", lambda name: some):
            rows = document.accounts("x").splitlines()
            self.assertEqual(document.guest_share("x", "rowhouse", "qemu"), "0.80")
        self.assertIn("| CPUID, which KVM answers | 4 | 15.0 ms | 4 | 15.0 ms |", rows)
        self.assertEqual(rows[-2:], ["| all else | 1 | 5.00 ms | 1 | 5.00 ms |", "| together | 5 | 100 ms | 5 | 100 ms |"])

    def test_exits_are_told_by_what_the_vmm_takes_over_them(self):
        one = {"name": "rowhouse", "kvm": {"exits": 9}, "exits": [
            {"name": "CMOS", "reason": "port_read", "address": 0x71, "count": 3, "nanoseconds": 4500}]}
        with mock.patch.object(kept, "load", lambda name: {"contestants": [one]}):
            rows = document.exits("x", "rowhouse").splitlines()
        self.assertEqual(rows[0], "| exit, from start to end | count | in the VMM | why |")
        self.assertEqual(rows[2:], ["| CMOS, `port_read 0x71` | 3 | 4.50 µs | the calendar clock is read |",
                                    "| all to the VMM | 3 | 4.50 µs | of 9 exits that KVM counts |"])

    def test_what_is_not_measured_is_said(self):
        text = document.filled("<!-- bench: figure no-such-name exit rowhouse --><!-- /bench -->")
        self.assertIn("not measured yet: `Tests/Benchmarks/bench no-such-name`", text)

    def test_what_cannot_be_quoted_is_said(self):
        for text in ("<!-- bench: speed x --><!-- /bench -->", "<!-- bench: figure x exit xen --><!-- /bench -->"):
            with self.assertRaises(document.Failure):
                self.filled(text)


if __name__ == "__main__":
    unittest.main()
