"""Intervals against published values, and what must hold for every share and every number of values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.intervals import median_ranks, wilson

SHARES = st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


# Newcombe 1998, Statistics in Medicine 17:857, Table I, method 3.
@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_values(successes: int, n: int, low: float, high: float) -> None:
    found = wilson(successes, n)

    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(SHARES)
def test_an_interval_lies_around_its_share_and_within_0_and_1(counted: tuple[int, int]) -> None:
    successes, n = counted

    found = wilson(successes, n)

    assert 0 <= found.low <= successes / n <= found.high <= 1


@given(SHARES)
def test_successes_and_failures_mirror_each_other(counted: tuple[int, int]) -> None:
    successes, n = counted

    one, other = wilson(successes, n), wilson(n - successes, n)

    assert one.low == pytest.approx(1 - other.high, abs=1e-12)


@given(SHARES)
def test_more_of_the_same_makes_it_narrower(counted: tuple[int, int]) -> None:
    successes, n = counted

    few, many = wilson(successes, n), wilson(10 * successes, 10 * n)

    assert many.high - many.low < few.high - few.low


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (2, 1), (-1, 5)])
def test_what_is_no_share_is_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(successes, n)


def test_the_median_lies_between_the_ranks_in_at_least_95_of_100_cases() -> None:
    ranks = {n: found for n in range(1, 400) if (found := median_ranks(n)) is not None}

    # By the binomial distribution itself: fewer than `low` of the values lie below the median, or above it.
    missed = {n: 2 * sum(math.comb(n, below) for below in range(low)) / 2**n for n, (low, _) in ranks.items()}

    assert max(missed.values()) <= 0.05
    assert set(range(10, 400)) <= set(ranks)
    assert all(low + high == n + 1 for n, (low, high) in ranks.items())


@pytest.mark.parametrize("n", [0, 1, 3])
def test_too_few_values_have_no_interval(n: int) -> None:
    assert median_ranks(n) is None
