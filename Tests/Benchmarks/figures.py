"""Figures as documents and pictures show them."""


def time(nanoseconds: float) -> str:
    """Three digits that count, and the unit in which they are read most easily."""
    unit, size = next(((unit, size) for unit, size in (("s", 1e9), ("ms", 1e6)) if nanoseconds >= size), ("µs", 1e3))
    value = nanoseconds / size
    return f"{value:.{max(0, 3 - len(str(int(value))))}f} {unit}"


def mebibytes(count: float) -> str:
    return f"{count / (1 << 20):.2f} MiB"


def percent(part: float) -> str:
    return f"{100 * part:.2f} %"
