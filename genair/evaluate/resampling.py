"""How sure a mean over users is: bootstrap intervals, and a randomisation test of a mean difference.

Both resample users without a loop. Users of equal values are one case, so a bootstrap sample is a multinomial
draw of how often each case comes (zeros, most of them, are drawn last and add nothing); a random exchange of
two models' values of a user is a random sign.

The test is Fisher's for pairs: under the null hypothesis either model could have had either value, and p is
the share of sign patterns whose mean difference is at least as large. It tests the mean, which is what is
reported; Wilcoxon's looks at the ranks of differences, and can contradict it (Smucker, Allan & Carterette,
CIKM 2007).
"""

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

RESAMPLES = 10_000
PATTERNS = 9999
LEVEL = 0.95
_BLOCK = 1 << 22  # signs at once
_ROUNDING = 1e-12  # sums of the same numbers in another order differ by less


def intervals(values: Values, rng: np.random.Generator) -> Values:
    """Return 95 % percentile bootstrap intervals of the means over users, shape (2, measures): low and high.

    Args:
        values: one row a user, shape (users, measures).
        rng: of the resampling.
    """
    moved = values[values.any(axis=1)]
    cases, counts = np.unique(moved, axis=0, return_counts=True)
    chances = np.append(counts, len(values) - len(moved)) / len(values)
    draws = rng.multinomial(len(values), chances, size=RESAMPLES)[:, :-1]
    tails = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    found: Values = np.quantile(draws @ cases / len(values), tails, axis=0)
    return found


def p_values(differences: Values, rng: np.random.Generator) -> Values:
    """Return two-sided p of the hypothesis that each mean difference is nothing, shape (measures,).

    With 9,999 sign patterns, the observed one counted too, no p is below 0.0001.

    Args:
        differences: one row a user, shape (users, measures).
        rng: of the signs.
    """
    moved = differences[differences.any(axis=1)]
    observed = np.abs(moved.sum(axis=0)) * (1 - _ROUNDING)
    as_large: Values = np.ones_like(observed)
    size = max(1, _BLOCK // max(1, len(moved)))
    for start in range(0, PATTERNS, size):
        shape = min(size, PATTERNS - start), len(moved)
        signs = rng.integers(2, size=shape, dtype=np.int8) * 2.0 - 1.0
        as_large += (np.abs(signs @ moved) >= observed).sum(axis=0)
    return as_large / (PATTERNS + 1)
