"""Two ways of running one guest, compared in slices of the same run."""

import dataclasses
import math
import random
import statistics
from collections.abc import Callable

# Resamples for an interval.
RESAMPLES = 2000
# Of all blocks, at each end: in those something else of the host's took the CPU.
TRIMMED = 0.2


@dataclasses.dataclass
class Ratio:
    """A ratio, and the bootstrap's 95 % interval of it."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{(self.middle - 1) * 100:+.2f} % ({(self.low - 1) * 100:+.2f} to {(self.high - 1) * 100:+.2f})"


def alternate(slice_figure: Callable[[bool], float], blocks: int) -> Ratio:
    """The ratio of a figure in slices with something to that in slices without.

    Each block is without, with, with, without: what drifts over a block, a machine that gets warm or busy, is in both alike.

    slice_figure: measures one slice, with it or without, above 0.
    """
    logarithms = []
    for _ in range(blocks):
        first, second, third, fourth = (math.log(slice_figure(has_it)) for has_it in (False, True, True, False))
        logarithms.append((second + third - first - fourth) / 2)
    return interval(logarithms)


def trimmed_mean(values: list[float]) -> float:
    """The mean of the middle three fifths."""
    values = sorted(values)
    cut = int(len(values) * TRIMMED)
    return statistics.fmean(values[cut:len(values) - cut])


def interval(logarithms: list[float], seed: int = 1) -> Ratio:
    """exp(trimmed mean) of the blocks' logarithms, with the interval in which 95 % of those of resampled blocks are."""
    chance = random.Random(seed)
    means = sorted(trimmed_mean(chance.choices(logarithms, k=len(logarithms))) for _ in range(RESAMPLES))
    low, high = means[int(RESAMPLES * 0.025)], means[int(RESAMPLES * 0.975)]
    return Ratio(math.exp(trimmed_mean(logarithms)), math.exp(low), math.exp(high))
