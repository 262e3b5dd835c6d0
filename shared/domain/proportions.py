"""What a count of failures says of their true rate: the exact bounds of Clopper and Pearson, one-sided.

A bound is wrong for at most one in twenty such counts, however few the trials.
"""

ERROR = 0.05
"""How often a bound may be wrong: 0.05 is a bound of 95 %."""


def upper_bound(failures: int, trials: int, error: float = ERROR) -> float:
    """The rate, a fraction, that the true one lies below; 1 where nothing was tried."""
    return 1.0 if failures >= trials else _beta_quantile(failures + 1, trials - failures, 1 - error)


def lower_bound(failures: int, trials: int, error: float = ERROR) -> float:
    """The rate, a fraction, that the true one lies above; 0 where nothing failed."""
    return 0.0 if failures == 0 else _beta_quantile(failures, trials - failures + 1, error)


def successes_needed(failures: int, trials: int, below: float) -> int:
    """How many more trials without a failure bring the upper bound below a rate; 0 where it is there.

    Args:
        failures: So far, of `trials`.
        trials: So far.
        below: The rate, a fraction above 0.
    """
    if upper_bound(failures, trials) < below:
        return 0
    enough = 1
    while upper_bound(failures, trials + enough) >= below:
        enough *= 2
    too_few = enough // 2
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if upper_bound(failures, trials + middle) < below:
            enough = middle
        else:
            too_few = middle
    return enough


def _beta_quantile(a: int, b: int, probability: float) -> float:
    # As scipy.stats.beta.ppf. Here, because every command would wait for the import, and few ask for a bound.
    from scipy.special import betaincinv

    return float(betaincinv(a, b, probability))
