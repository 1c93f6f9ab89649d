"""Checks the pictures of benchmarks: that they are what their results give, and whole. They are drawn by the programs
themselves, as their Python is the one that has matplotlib."""

import glob
import json
import os
import shutil
import subprocess
import tempfile
import unittest

import results as kept_results

HERE = os.path.dirname(os.path.realpath(__file__))


class Pictures(unittest.TestCase):
    def drawn(self, program: str, *arguments: str) -> subprocess.CompletedProcess:
        run = subprocess.run([os.path.join(HERE, program), *arguments], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False)
        if "matplotlib is missing" in run.stdout:
            self.fail(run.stdout.strip())
        return run

    def test_they_are_what_the_results_give(self):
        kept = sorted(glob.glob(f"{kept_results.KEPT}/*/report.svg"))
        check = self.drawn("bench-report", "--check", *(f"{os.path.dirname(path)}/results.json" for path in kept))
        self.assertEqual(check.returncode, 0, f"run Tests/Benchmarks/bench-report for each:\n{check.stdout}")

    def test_the_picture_of_all_is_too(self):
        check = self.drawn("bench-glance", "--check")
        self.assertEqual(check.returncode, 0, f"run Tests/Benchmarks/bench-glance:\n{check.stdout}")

    def test_text_that_runs_out_of_a_picture_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            path = shutil.copy(f"{kept_results.KEPT}/small-linux/results.json", folder)
            with open(path, encoding="utf-8") as file:
                results = json.load(file)
            for name, status in (("a", 0), ("a" * 100, 1)):
                results["contestants"][0]["name"] = name
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(results, file)
                self.assertEqual(self.drawn("bench-report", path).returncode, 0)
                check = self.drawn("bench-report", "--check", path)
                self.assertEqual(check.returncode, status, check.stdout)
                self.assertEqual(f"runs out of the picture: {name}" in check.stdout, status == 1)

    def test_what_fails_leaves_what_was_there(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{kept_results.KEPT}/density/results.json", encoding="utf-8") as file:
                results = json.load(file)
            # Wanted for the page, after the pictures have been drawn.
            del results["missing"]
            for name, text in (("results.json", json.dumps(results)), ("report.svg", "old"), ("report.png", "old")):
                with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                    file.write(text)
            self.assertNotEqual(self.drawn("bench-report", f"{folder}/results.json").returncode, 0)
            self.assertEqual(sorted(os.listdir(folder)), ["report.png", "report.svg", "results.json"])
            for name in ("report.svg", "report.png"):
                with open(f"{folder}/{name}", "rb") as file:
                    self.assertEqual(file.read(), b"old")

    def test_another_picture_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("results.json", "report.svg"):
                shutil.copy(f"{kept_results.KEPT}/density/{name}", folder)
            with open(f"{folder}/report.svg", "a", encoding="utf-8") as file:
                file.write(" ")
            self.assertIn("the results give another picture",
                          self.drawn("bench-report", "--check", f"{folder}/results.json").stdout)


if __name__ == "__main__":
    unittest.main()
