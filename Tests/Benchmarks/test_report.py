"""Checks what the reports of `rowhouse bench boot` show. They are made by the program itself, as its Python is the one that
has matplotlib."""

import html
import json
import os
import subprocess
import tempfile
import unittest
from collections.abc import Callable

import results as kept_results

HERE = os.path.dirname(os.path.realpath(__file__))


def no_change(results: dict) -> None:
    pass


class Reports(unittest.TestCase):
    def report(self, name: str, change: Callable[[dict], None] = no_change) -> tuple[str, str]:
        """The picture and the page of kept results, with something changed, without the picture."""
        with open(f"{kept_results.KEPT}/{name}/results.json", encoding="utf-8") as file:
            results = json.load(file)
        change(results)
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/results.json", "w", encoding="utf-8") as file:
                json.dump(results, file)
            run = subprocess.run([f"{HERE}/bench-report", f"{folder}/results.json"], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, check=False)
            self.assertEqual(run.returncode, 0, run.stdout)
            with open(f"{folder}/report.html", encoding="utf-8") as file:
                page = file.read()
        before, rest = page.split("<svg", 1)
        picture, after = rest.split("</svg>", 1)
        return html.unescape(picture), html.unescape(before + after)

    def test_one_run_has_no_quartiles(self):
        picture, _ = self.report("debian-6.1")
        self.assertIn("From start to end: one run each", picture)
        self.assertNotIn("quartiles", picture)
        self.assertIn("From start to end: every run, quartiles, median", self.report("small-linux")[0])

    def test_nobody_is_compared_with_itself(self):
        def one_vmm(results: dict) -> None:
            results["contestants"] = [one for one in results["contestants"] if one["vmm"] == "rowhouse"]
        self.assertNotIn("From start to init", self.report("debian-6.1")[0])
        # Where there is one VMM only, its kernels are what is compared.
        self.assertIn("From start to init", self.report("debian-6.1", one_vmm)[0])

    def test_the_fastest_are_shown_closer_where_another_leaves_them_no_room(self):
        """Of `hello` to its first byte, and not to its end."""
        picture, _ = self.report("hello")
        self.assertEqual(picture.count("The fastest of them closer, but for the "), 1)
        self.assertEqual(picture.count("rowhouse / it: "), 1)
        self.assertNotIn("closer", self.report("small-linux")[0])

    def test_the_page_tells_where_the_time_goes(self):
        _, page = self.report("small-linux")
        for row in ("<th>CPU time</th><th>of the CPUs' threads</th>", "<th>page faults</th><th>largest process</th>",
                    "<h2>rowhouse, its most typical run</h2>", "<td>KVM set-up, and meanwhile image load</td>", "<td>tear-down</td>",
                    "<td>8250 transmit</td><td>port_write 0x3f8</td>", "<td>a character of the console</td>",
                    "<td>all to the VMM</td><td></td>", " exits that KVM counts</td>"):
            self.assertIn(row, page)
        # QEMU tells neither its phases nor its exits.
        self.assertNotIn("qemu-microvm, its most", page)
        self.assertNotIn("exits of qemu-microvm", page)

    def test_exits_after_the_goal_are_told_as_such(self):
        def until_init(results: dict) -> None:
            results["measurement"]["until"] = "init"
        words = "what came after the goal among them"
        self.assertIn(words, self.report("small-linux", until_init)[1])
        self.assertNotIn(words, self.report("small-linux")[1])


if __name__ == "__main__":
    unittest.main()
