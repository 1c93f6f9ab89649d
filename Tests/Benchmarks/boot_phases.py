"""The phases of a boot and the times that are compared, as the results.json of `rowhouse bench boot` has them: what
bench-document tells and bench-report draws."""

import functools
import operator
from statistics import median

import intervals

# KVM makes the machine on one thread while another reads the configuration and loads the image; both begin when the
# process has started, and the guest needs both.
MACHINE, IMAGE = "machine_created", "image_loaded"
TOGETHER = "machine_and_image"
BEGIN = "process_started"

# The moments that phases end at, and what happens before each since the one before, in the words of
# Sources/rowhouse/Bench/Boot/BootMoment.swift.
PHASES = {
    BEGIN: "process start",
    TOGETHER: "KVM set-up, and meanwhile image load",
    "guest_started": "devices and CPUs",
    "kernel_entered": "to kernel entry",
    "first_byte": "to the first console byte",
    "init": "to init",
    "marker": "to the marker",
    "guest_ended": "to the guest's end",
    "torn_down": "tear-down",
    "exit": "to the process's end",
}
# What happens at once in one of them.
PARTS = {
    MACHINE: "KVM set-up",
    IMAGE: "image load",
}
# All moments, in their order in BootMoment.swift.
MOMENTS = [moment for phase in PHASES for moment in (PARTS if phase == TOGETHER else [phase])]
# The times that are taken in the same way of every VMM, and so compared, in the words of ComparedTime.swift there.
GOALS = {
    "first_byte": "From start to the first console byte",
    "init": "From start to init",
    "kernel_to_init": "From kernel entry to init",
    "marker": "From start to the marker",
    "exit": "From start to end",
}
# Those to init, which are compared only where the same thing told it (InitSource.swift there).
TO_INIT = ("init", "kernel_to_init")


def is_quiet(results: dict) -> bool:
    """Whether the guest is a Linux that says nothing unless something is wrong: its first byte is another event under
    each VMM, whatever it is that the kernel misses there, so it is compared with nobody's."""
    return "quiet" in (results["guest"].get("command_line") or "").split()


def compared(results: dict) -> list[str]:
    """The goals that contestants are compared at: those that any has reached in all its runs."""
    return [goal for goal in GOALS if any(goal in one["summary"] for one in results["contestants"])
            and not (goal == "first_byte" and is_quiet(results))]


def is_alike(one: dict, other: dict, goal: str) -> bool:
    """Whether a time was taken of the same event for both."""
    return goal not in TO_INIT or one.get("init_source") == other.get("init_source")


def ratio(first: dict, contestant: dict, goal: str) -> str:
    """The quotient of the first contestant's median and this one's in words; "–" of times to two events."""
    if goal in first["summary"] and not is_alike(first, contestant, goal):
        return intervals.NONE
    return intervals.of_ratio(first, contestant, goal)


def typical_run(contestant: dict) -> dict[str, float]:
    """The moments of the most typical run: those that every run has are together nearest to their medians, each as a
    part of its median; of several such runs it is the first. Only the phases of one run add up to its end: medians of
    each phase would not. The run whose end is the median would not do: what takes longest decides which that is, and
    the rest of it may be as in hardly any other run. BootPhases.swift there chooses the same one."""
    runs = [run["moments_nanoseconds"] for run in contestant["runs"]]
    medians = {moment: median(run[moment] for run in runs) for moment in MOMENTS if all(moment in run for run in runs)}

    def distance(run: dict[str, float]) -> float:
        # Nothing is no part of nothing.
        parts = (abs(run[moment] - middle) / middle for moment, middle in medians.items() if middle > 0)
        # One after the other, as Swift adds them: sum() rounds otherwise from Python 3.12 on.
        return functools.reduce(operator.add, parts, 0.0)

    return min(runs, key=distance)


def moments(results: dict, contestant: dict) -> dict[str, float]:
    """When each phase of that run ends, one after the other, nanoseconds since the start."""
    run = dict(typical_run(contestant))
    if MACHINE in run and IMAGE in run:
        run[TOGETHER] = max(run[MACHINE], run[IMAGE])
    if is_quiet(results):
        run.pop("first_byte", None)
    return dict(sorted(((moment, run[moment]) for moment in PHASES if moment in run), key=lambda one: one[1]))


def side_by_side(contestant: dict) -> dict[str, float]:
    """What KVM's making of the machine and the loading of the image take in that run, each by itself, nanoseconds."""
    run = typical_run(contestant)
    return {part: run[part] - run[BEGIN] for part in PARTS if part in run and BEGIN in run}


def tells_phases(results: dict, contestant: dict) -> bool:
    """Whether it tells more of a boot than what is seen from outside."""
    return TOGETHER in moments(results, contestant)


def told(results: dict) -> set[tuple[str | None, str]]:
    """The phases that are told, each by the moments that it lies between: those of who tells most. What another has
    between two of its moments is the same phase only when it is between the same two."""
    fullest = max((list(moments(results, one)) for one in results["contestants"]), key=len)
    return set(zip([None, *fullest], fullest))
