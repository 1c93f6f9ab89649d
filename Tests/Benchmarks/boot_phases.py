"""The phases of a boot and the times that are compared, as the results.json of `rowhouse bench boot` has them: what
bench-document tells and bench-report draws."""

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
# The times that are taken in the same way of every VMM, and so compared, in the words of ComparedTime.swift there.
GOALS = {
    "first_byte": "From start to the first console byte",
    "init": "From start to init",
    "kernel_to_init": "From kernel entry to init",
    "marker": "From start to the marker",
    "exit": "From start to end",
}
# What a run is measured to, and so its last moment.
ENDS = ("exit", "marker", "init")


def is_quiet(results: dict) -> bool:
    """Whether the guest is a Linux that says nothing unless something is wrong: its first byte is another event under
    each VMM, whatever it is that the kernel misses there, so it is compared with nobody's."""
    return "quiet" in (results["guest"].get("command_line") or "").split()


def compared(results: dict) -> list[str]:
    """The goals that contestants are compared at: those that any has reached in all its runs."""
    return [goal for goal in GOALS if any(goal in one["summary"] for one in results["contestants"])
            and not (goal == "first_byte" and is_quiet(results))]


def median_run(contestant: dict) -> dict[str, float]:
    """The moments of the run whose end is the median; with an even number of runs, of the earlier of the two in the
    middle. Only the phases of one run add up to its end: medians of each phase would not."""
    runs = [run["moments_nanoseconds"] for run in contestant["runs"]]
    end = next(moment for moment in ENDS if all(moment in run for run in runs))
    return sorted(runs, key=lambda run: run[end])[(len(runs) - 1) // 2]


def moments(results: dict, contestant: dict) -> dict[str, float]:
    """When each phase of that run ends, one after the other, nanoseconds since the start."""
    run = dict(median_run(contestant))
    if MACHINE in run and IMAGE in run:
        run[TOGETHER] = max(run[MACHINE], run[IMAGE])
    if is_quiet(results):
        run.pop("first_byte", None)
    return dict(sorted(((moment, run[moment]) for moment in PHASES if moment in run), key=lambda one: one[1]))


def side_by_side(contestant: dict) -> dict[str, float]:
    """What KVM's making of the machine and the loading of the image take in that run, each by itself, nanoseconds."""
    run = median_run(contestant)
    return {part: run[part] - run[BEGIN] for part in PARTS if part in run and BEGIN in run}


def tells_phases(results: dict, contestant: dict) -> bool:
    """Whether it tells more of a boot than what is seen from outside."""
    return TOGETHER in moments(results, contestant)


def told(results: dict) -> set[tuple[str | None, str]]:
    """The phases that are told, each by the moments that it lies between: those of who tells most. What another has
    between two of its moments is the same phase only when it is between the same two."""
    fullest = max((list(moments(results, one)) for one in results["contestants"]), key=len)
    return set(zip([None, *fullest], fullest))
