"""Whether what was measured keeps what is promised: one rule and one set of words for all benchmarks."""

KEPT, BROKEN, UNSHOWN = "kept", "not kept", "not shown"


def of(low: float, high: float, limit: float, is_least: bool = False) -> str:
    """What an interval says of a limit: all of it has to be on the right side, and where only a part is, nothing is shown.

    low, high: the interval's ends; of one figure alone, that one twice.
    is_least: whether it is to be at least the limit, and not at most.
    """
    if is_least:
        low, high, limit = -high, -low, -limit
    return KEPT if high <= limit else BROKEN if low > limit else UNSHOWN
