"""What was measured, beside what is promised: as lines for a person, as results for programs, and as a document's table."""

import dataclasses

import verdicts
from verdicts import BROKEN, KEPT

from .ratio import Ratio

# Of what nothing is promised.
TOLD = ""


@dataclasses.dataclass
class Row:
    part: str
    what: str
    measured: str
    promise: str
    verdict: str


class Table:
    def __init__(self):
        self.rows: list[Row] = []
        self.part = ""

    def title(self, text: str):
        self.part = text
        print(f"\n{text}", flush=True)

    def line(self, what: str, measured: str, promise: str, holds: bool):
        self.judged(what, measured, promise, KEPT if holds else BROKEN)

    def judged(self, what: str, measured: str, promise: str, verdict: str):
        self.rows.append(Row(self.part, what, measured, promise, verdict))
        mark = "" if verdict in (KEPT, TOLD) else f"   {verdict.upper()}"
        print(f"  {what:<58}{measured:>34}   {promise}{mark}", flush=True)

    def bound(self, what: str, ratio: Ratio, most: float, promise: str):
        """A ratio whose whole interval has to be below a bound; where only a part of it is, nothing is shown."""
        self.judged(what, str(ratio), promise, verdicts.of(ratio.low, ratio.high, most))

    def told(self, what: str, measured: str):
        """Something to compare with, of which nothing is promised."""
        self.judged(what, measured, "", TOLD)

    @property
    def is_good(self) -> bool:
        return all(row.verdict in (KEPT, TOLD) for row in self.rows)


def document(results: dict) -> str:
    """The results as Markdown."""
    host, occasion = results["host"], results["occasion"]
    # Not in results of before it was kept.
    commit = f", at commit {occasion['commit']}" if occasion.get("commit") else ""
    lines = [
        f"Measured on {occasion['date'][:10]} on {host['cpus']} CPUs ({host['cpu_model']}) under Linux {host['kernel']}, with a load"
        f" average of {occasion['load_average']:.1f} before{commit}.",
    ]
    part = None
    for row in results["rows"]:
        if row["part"] != part:
            part = row["part"]
            lines += ["", f"### {part}", "", "| | measured | promised | |", "|---|---|---|---|"]
        lines.append(f"| {row['what']} | {row['measured']} | {row['promise']} | {row['verdict']} |")
    return "\n".join(lines) + "\n"
