"""Cross-validation by names."""


def fold(names, number, num_folds=5, seed=12345):
    """Returns the names that fold `number` trains on, and those that it leaves out for validation.

    Every name is left out in one fold. With the defaults these are nnU-Net's folds.

    Args:
        names: Names of the cases.
        number: Integer from 0 to `num_folds - 1`.
        num_folds: Number of folds.
        seed: Of the shuffling.

    Returns:
        `(training, validation)`: two sorted lists.

    Raises:
        ValueError: If there are fewer names than folds, two are equal, or there is no such fold.

    Example:

    >>> training, validation = fold("abcdefghij", 0)
    >>> len(training), len(validation), sorted(training + validation) == list("abcdefghij")
    (8, 2, True)
    """
    names = sorted(names)
    if len(set(names)) != len(names) or not 2 <= num_folds <= len(names) or number not in range(num_folds):
        raise ValueError(
            f"Expected at least {num_folds} different names and a fold from 0 to {num_folds - 1}. "
            f"Received: {len(names)} names, {len(set(names))} of them different, and fold {number!r}"
        )
    from sklearn.model_selection import KFold

    splits = KFold(num_folds, shuffle=True, random_state=seed).split(names)
    training, validation = list(splits)[number]
    return [names[i] for i in training], [names[i] for i in validation]
