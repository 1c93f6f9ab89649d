"""The phases and the times that documents and pictures tell, from runs made up here."""

import re
import unittest

import boot_phases
import intervals
import results as kept_results

SOURCES = f"{kept_results.ROOT}/Sources/rowhouse/Bench"


def results(command_line: str | None, *runs: dict) -> dict:
    """A boot of one contestant; times in nanoseconds since the start."""
    contestant = {"runs": [{"moments_nanoseconds": run} for run in runs]}
    return {"guest": {"command_line": command_line}, "contestants": [contestant]}


class BootPhases(unittest.TestCase):
    # KVM is later in the first run, the image in the others.
    RUNS = ({"process_started": 100, "machine_created": 900, "image_loaded": 300, "guest_started": 950, "exit": 2000},
            {"process_started": 200, "machine_created": 400, "image_loaded": 1100, "guest_started": 1150, "exit": 2200},
            {"process_started": 100, "machine_created": 500, "image_loaded": 1000, "guest_started": 1060, "exit": 3000})

    def test_what_runs_at_once_is_one_phase_to_the_later_end(self):
        for runs, told in ((self.RUNS[:1], (100, 900, 950, 2000)), (self.RUNS, (100, 1000, 1060, 3000))):
            found = results("", *runs)
            moments = boot_phases.moments(found, found["contestants"][0])
            names = ("process_started", "machine_and_image", "guest_started", "exit")
            self.assertEqual(list(moments.items()), list(zip(names, told)))

    def test_each_has_its_own_time_since_the_process_started(self):
        parts = boot_phases.side_by_side(results("", *self.RUNS)["contestants"][0])
        self.assertEqual(parts, {"machine_created": 400, "image_loaded": 900})

    def test_phases_of_runs_of_two_kinds_are_those_of_one_run(self):
        """Half of the guests end late and half of the machines are torn down slowly, in no run both: the difference of
        the medians of the two would be a tear-down that no run has, with parts larger than the whole."""
        kinds = [{"guest_ended": 10, "torn_down": 30, "exit": 31}, {"guest_ended": 28, "torn_down": 29, "exit": 32}]
        for runs, one in ((kinds, kinds[0]), ([*kinds, kinds[1]], kinds[1]), ([kinds[0], *kinds], kinds[0])):
            found = results("", *runs)
            self.assertEqual(boot_phases.moments(found, found["contestants"][0]), one)

    def test_the_run_is_the_most_typical_one(self):
        """The run with the median of all ends has the slowest start. BootPhasesTests.swift has the same cases."""
        times = [(10, 100), (11, 99), (40, 101), (12, 102), (11, 103)]
        # The second and the last are equally far; of an even number the medians are between two runs.
        for those, end in ((times, 99), (times[::-1], 103), (times[1:], 102)):
            runs = ({"machine_created": 0, "image_loaded": 0, "first_byte": byte, "exit": last} for byte, last in those)
            self.assertEqual(boot_phases.typical_run(results("", *runs)["contestants"][0])["exit"], end)

    def test_only_what_every_run_has_is_looked_at(self):
        runs = ({"first_byte": 19, "exit": 20}, {"first_byte": 5, "exit": 10}, {"exit": 30})
        self.assertEqual(boot_phases.typical_run(results("", *runs)["contestants"][0]), runs[0])

    def test_a_quiet_linux_has_no_first_byte(self):
        run = {"first_byte": 5, "exit": 9}
        for line, moments in (("console=ttyS0 quiet", {"exit": 9}), ("console=ttyS0 quietly", run), (None, run)):
            found = results(line, run)
            found["contestants"][0]["summary"] = dict.fromkeys(run)
            self.assertEqual(boot_phases.moments(found, found["contestants"][0]), moments)
            self.assertEqual(boot_phases.compared(found), list(moments))

    def test_a_phase_is_told_by_both_of_its_ends(self):
        found = results("", self.RUNS[0] | {"kernel_entered": 960, "init": 1500})
        found["contestants"] += results("", {"kernel_entered": 700, "init": 1300, "exit": 4000})["contestants"]
        told = boot_phases.told(found)
        self.assertIn(("kernel_entered", "init"), told)
        # What the second has before and after is more than the first has there, or another thing.
        self.assertNotIn((None, "kernel_entered"), told)
        self.assertIn(("init", "exit"), told)
        self.assertEqual([boot_phases.tells_phases(found, one) for one in found["contestants"]], [True, False])
        found["contestants"][0]["runs"][0]["moments_nanoseconds"]["guest_ended"] = 1900
        self.assertNotIn(("init", "exit"), boot_phases.told(found))


class Words(unittest.TestCase):
    """There is one vocabulary, that of the tables of `rowhouse bench`."""

    def words(self, path: str) -> dict[str, str]:
        """The texts of a Swift enumeration's cases, by their raw values."""
        with open(f"{SOURCES}/{path}", encoding="utf-8") as file:
            text = file.read()
        # Those without a text of their own in the list have their name as a raw value.
        raw = {name: value or name for name, value in re.findall(r'^  case (\w+)(?: = "(\w+)")?$', text, re.M)}
        return {raw[name]: words for name, words in re.findall(r'^    case \.(\w+): "(.+)"$', text, re.M)}

    def test_of_phases(self):
        told = self.words("Boot/BootMoment.swift")
        self.assertEqual(told, {**{moment: words for moment, words in boot_phases.PHASES.items()
                                   if moment != boot_phases.TOGETHER}, **boot_phases.PARTS})
        with open(f"{SOURCES}/Boot/BootPhases.swift", encoding="utf-8") as file:
            self.assertIn(f'"{boot_phases.PHASES[boot_phases.TOGETHER]}"', file.read())

    def test_of_goals(self):
        self.assertEqual(self.words("Boot/ComparedTime.swift"), boot_phases.GOALS)

    def test_moments_are_added_in_one_order(self):
        """In another one their sum may be rounded to another, and another run be the most typical."""
        self.assertEqual(boot_phases.MOMENTS, list(self.words("Boot/BootMoment.swift")))


class Ratios(unittest.TestCase):
    def test_times_to_init_are_compared_with_their_like(self):
        def ratio(goal: str, *sources: str | None) -> str:
            first, other = ({"runs": [{}], "summary": {goal: {}}, "ratios": {goal: {"value": 0.5}},
                             **({"init_source": source} if source else {})} for source in sources)
            return boot_phases.ratio(first, other, goal)

        for goal in ("init", "kernel_to_init"):
            self.assertEqual(ratio(goal, "mark", "line"), "–")
            self.assertEqual(ratio(goal, "line", "line"), "0.500")
            # Files of before it was written down.
            self.assertEqual(ratio(goal, None, None), "0.500")
        self.assertEqual(ratio("exit", "mark", "line"), "0.500")


class Intervals(unittest.TestCase):
    def contestant(self, runs: int, **ratio: float) -> dict:
        return {"runs": [{}] * runs, "ratios": {"exit": {"value": 0.5, **ratio}},
                "summary": {"exit": {"median": 2, "median_low": 1, "median_high": 3}}}

    def test_five_runs_have_one(self):
        one, other = self.contestant(5, low=0.4, high=0.6), self.contestant(5, low=0.4, high=0.6)
        self.assertEqual(intervals.of_median(one, "exit", str), "1 to 3")
        self.assertEqual(intervals.of_ratio(one, other, "exit"), "0.500 (0.400 to 0.600)")
        self.assertEqual(intervals.of_ratio(one, one, "exit"), "")

    def test_fewer_have_none_though_a_file_says_so(self):
        one, other = self.contestant(5, low=0.4, high=0.6), self.contestant(4, low=0.4, high=0.6)
        self.assertEqual(intervals.of_median(other, "exit", str), "–")
        for first, second in ((one, other), (other, one)):
            self.assertEqual(intervals.of_ratio(first, second, "exit"), "0.500")

    def test_files_need_not_have_one(self):
        one, other = self.contestant(5), self.contestant(5)
        del other["summary"]["exit"]["median_low"]
        self.assertEqual(intervals.of_median(other, "exit", str), "–")
        self.assertEqual(intervals.of_ratio(one, other, "exit"), "0.500")


if __name__ == "__main__":
    unittest.main()
