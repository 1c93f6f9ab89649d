"""The phases that documents and pictures tell, from runs made up here."""

import unittest

import boot_phases


def results(command_line: str, *runs: dict) -> dict:
    """A boot of one contestant; times in nanoseconds since the start."""
    return {"guest": {"command_line": command_line}, "contestants": [{"runs": [{"moments_nanoseconds": run} for run in runs]}]}


class BootPhases(unittest.TestCase):
    # KVM is later in the first run, the image in the second: by the medians alone KVM would be first, and by 50.
    RUNS = ({"process_started": 100, "machine_created": 900, "image_loaded": 300, "guest_started": 950, "exit": 2000},
            {"process_started": 100, "machine_created": 400, "image_loaded": 1100, "guest_started": 1150, "exit": 2200})

    def test_what_runs_at_once_is_one_phase_to_the_later_end(self):
        found = results("", *self.RUNS)
        moments = boot_phases.moments(found, found["contestants"][0])
        self.assertEqual(moments, {"process_started": 100, "machine_and_image": 1000, "guest_started": 1050, "exit": 2100})
        self.assertEqual(list(moments), ["process_started", "machine_and_image", "guest_started", "exit"])

    def test_each_has_its_own_time_since_the_process_started(self):
        parts = boot_phases.side_by_side(results("", *self.RUNS)["contestants"][0])
        self.assertEqual(parts, {"machine_created": 550, "image_loaded": 600})

    def test_what_one_run_has_not_is_told_of_none(self):
        found = results("", {"first_byte": 5, "exit": 9}, {"exit": 7})
        self.assertEqual(boot_phases.moments(found, found["contestants"][0]), {"exit": 8})
        self.assertEqual(boot_phases.side_by_side(found["contestants"][0]), {})

    def test_a_quiet_linux_has_no_first_byte(self):
        run = {"first_byte": 5, "exit": 9}
        for line, moments in (("console=ttyS0 quiet", {"exit": 9}), ("console=ttyS0 quietly", run), (None, run)):
            found = results(line, run)
            self.assertEqual(boot_phases.moments(found, found["contestants"][0]), moments)


if __name__ == "__main__":
    unittest.main()
