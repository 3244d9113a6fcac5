"""How often a row is drawn for a step of training with noise."""


def sampling_rate(rows: int, lot: int) -> float:
    """The probability with which each of `rows` rows is drawn, on its own, for a step that expects `lot` of them.

    Abadi et al. 2016, "Deep Learning with Differential Privacy", section 3.1 (their q = L / N). 1 if there are fewer
    rows than that. Raises ValueError unless both are positive.
    """
    if rows < 1 or lot < 1:
        raise ValueError("there must be a row, and a step must expect one")
    return min(1.0, lot / rows)
