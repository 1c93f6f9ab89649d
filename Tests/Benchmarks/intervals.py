"""The 95 % intervals of a results.json in words, where there are enough runs for one."""

from collections.abc import Callable

# As Bootstrap.fewestRuns in Sources/rowhouse/Bench/Statistics: of fewer runs a bootstrap's interval holds the true
# median less often than it says. Files of before that was heeded have one nevertheless.
FEWEST_RUNS = 5
NONE = "–"


def of_median(contestant: dict, goal: str, show: Callable[[float], str]) -> str:
    summary = contestant["summary"][goal]
    if len(contestant["runs"]) < FEWEST_RUNS or "median_low" not in summary:
        return NONE
    return f"{show(summary['median_low'])} to {show(summary['median_high'])}"


def of_ratio(first: dict, contestant: dict, goal: str) -> str:
    """The quotient of the first contestant's median and this one's, with its interval."""
    if contestant is first or goal not in contestant["ratios"]:
        return ""
    ratio = contestant["ratios"][goal]
    if min(len(one["runs"]) for one in (first, contestant)) < FEWEST_RUNS or "low" not in ratio:
        return f"{ratio['value']:.3f}"
    return f"{ratio['value']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f})"
