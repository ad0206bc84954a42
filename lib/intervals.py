"""How far a figure may be from the truth, given how few it was counted from. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z_95 = 1.959963984540054  # standard deviations around the middle of a normal distribution that hold 95 %


@dataclass(frozen=True)
class Interval:
    """Between what the truth lies, in 95 of 100 such cases."""

    low: float
    high: float


def wilson(successes: int, n: int) -> Interval:
    """Return the 95 % interval of a share, 0 to 1 (Wilson 1927, without correction). `n` is at least 1."""
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} of {n} is no share")
    share, z_squared = successes / n, Z_95**2
    middle = (share + z_squared / (2 * n)) / (1 + z_squared / n)
    half = Z_95 / (1 + z_squared / n) * math.sqrt(share * (1 - share) / n + z_squared / (4 * n * n))
    return Interval(
        low=0.0 if successes == 0 else max(0.0, middle - half),
        high=1.0 if successes == n else min(1.0, middle + half),
    )


def median_ranks(n: int) -> tuple[int, int] | None:
    """Return which of `n` sorted values, counted from 1, hold the median between them in at least 95 of 100 cases.

    By the binomial distribution of how many lie below it, approached by the normal one, and rounded outwards. None
    where so few tell nothing.
    """
    low = math.floor(n / 2 - Z_95 * math.sqrt(n) / 2)
    return (low, n + 1 - low) if low >= 1 else None
