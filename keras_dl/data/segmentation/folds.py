"""Cross-validation by names, by groups of names such as patients, or by folds that a file says."""

import csv
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from sklearn.model_selection import KFold

from keras_dl.checks import refusal
from keras_dl.data.segmentation.problems import listed
from keras_dl.types import PathLike

HEADERS = ("name", "case", "image", "id")
NUM_FOLDS = 5


def fold(
    names: Sequence[str], number: int, num_folds: int = NUM_FOLDS, seed: int = 12345, groups: dict | list | None = None
) -> tuple[list, list]:
    """Returns the names that fold `number` trains on, and those that it leaves out for validation.

    Every name is left out in one fold, together with all others of its group. With the defaults these are nnU-Net's
    folds.

    Args:
        names: Names of the cases.
        number: Integer from 0 to `num_folds - 1`.
        num_folds: Number of folds.
        seed: Of the shuffling.
        groups: Dict from each name to its group, as its patient; or the folds themselves, a list of dicts with the
            names `train` and `val`, as in nnU-Net's `splits_final.json`; see `read_groups`.

    Returns:
        `(training, validation)`: two sorted lists.

    Raises:
        ValueError: If there are fewer names or groups than folds, two names are equal, there is no such fold, or groups
            are not of these names.

    Example:

    >>> training, validation = fold("abcdefghij", 0)
    >>> len(training), len(validation), sorted(training + validation) == list("abcdefghij")
    (8, 2, True)
    >>> fold(["p1_a", "p1_b", "p2_a", "p3_a"], 0, num_folds=3, groups={"p1_a": 1, "p1_b": 1, "p2_a": 2, "p3_a": 3})
    (['p2_a', 'p3_a'], ['p1_a', 'p1_b'])
    """
    names = sorted(names)
    if isinstance(groups, list):
        return _given(names, number, num_folds, groups)
    if groups is not None and set(groups) != set(names):
        strangers = sorted(map(str, set(groups) ^ set(names)))
        raise refusal("`groups` should hold a group for each case and no other", f"another set by {listed(strangers)}")
    if groups is None:
        unit_of, units, what = {name: name for name in names}, names, "names"
    else:
        unit_of = {name: str(groups[name]) for name in names}
        units, what = sorted(set(unit_of.values())), "groups"
    if len(set(names)) != len(names) or not 2 <= num_folds <= len(units) or number not in range(num_folds):
        raise refusal(
            f"there should be at least {num_folds} different {what}, and a fold from 0 to {num_folds - 1}",
            f"{len(units)} {what}, {len(set(units))} of them different, and fold {number!r}",
        )
    splits = KFold(num_folds, shuffle=True, random_state=seed).split(units)
    left_out = {units[i] for i in list(splits)[number][1]}
    validation = [name for name in names if unit_of[name] in left_out]
    return [name for name in names if name not in set(validation)], validation


def count_folds(names: Sequence[str], groups: dict | list | None = None) -> int:
    """Returns how many folds `divide` makes: those of a file, else five, fewer if there are fewer groups, or one.

    Args:
        names: Names of the cases.
        groups: See `fold`.

    Example:

    >>> count_folds("abcdefgh"), count_folds("abc"), count_folds("abcd", {"a": 1, "b": 1, "c": 2, "d": 3})
    (5, 1, 3)
    """
    if isinstance(groups, list):
        return len(groups)
    if groups is not None:
        return min(NUM_FOLDS, len(set(map(str, groups.values()))))
    return NUM_FOLDS if len(names) >= NUM_FOLDS else 1


def divide(names: Sequence[str], number: int, groups: dict | list | None = None) -> tuple[list, list]:
    """Returns what fold `number` trains on and what it is evaluated on, however few cases or groups there are.

    Fewer than five cases are all trained on, and so are those of a single group; two to four groups make as many folds.

    Args:
        names: Names of the cases.
        number: Integer from 0, below `count_folds(names, groups)`.
        groups: See `fold`.

    Returns:
        `(training, evaluated)`: two sorted lists, the same if all are trained on.

    Raises:
        ValueError: If there is no such fold, or groups are not of these names.

    Example:

    >>> divide(["p1_a", "p1_b", "p2_a"], 0, {"p1_a": 1, "p1_b": 1, "p2_a": 2})
    (['p1_a', 'p1_b'], ['p2_a'])
    >>> divide("abc", 0)
    (['a', 'b', 'c'], ['a', 'b', 'c'])
    """
    count = count_folds(names, groups)
    few = count == 1 and not isinstance(groups, list)
    if few and number == 0:
        return sorted(names), sorted(names)
    return fold(names, number, NUM_FOLDS if few else count, groups=groups)


def read_groups(source: PathLike, names: Sequence) -> dict | list:
    """Reads the groups of cases, for `fold`.

    Args:
        source: A file: CSV with a name and its group in each line, JSON of such a dict, or nnU-Net's
            `splits_final.json`. Or a regular expression for the beginning of names: what it matches, or its first
            bracket, is the group, as `"[^_]+"` for what stands before the first underscore.
        names: Names of the cases.

    Returns:
        A dict from name to group, or a list of folds.

    Raises:
        ValueError: If a name has no group, or the source is not understood.

    Example:

    >>> read_groups("[^_]+", ["p1_a", "p1_b", "p2_a"])
    {'p1_a': 'p1', 'p1_b': 'p1', 'p2_a': 'p2'}
    """
    path = Path(source)
    if not os.path.isfile(path):  # a long expression is no name of a file
        return _matched(str(source), names)
    try:
        text = path.read_text(encoding="utf-8-sig")
        groups = json.loads(text) if path.suffix == ".json" else _lines(text)
    except (ValueError, UnicodeDecodeError) as error:
        raise refusal(f"{path} should be JSON or lines `name,group`", error) from error
    if isinstance(groups, list):
        if not all(isinstance(one, dict) and {"train", "val"} <= set(one) for one in groups):
            raise refusal(f"{path} should hold folds {{train, val}}", f"{listed(map(str, groups))}")
        return [{part: sorted(map(str, one[part])) for part in ("train", "val")} for one in groups]
    missing = [name for name in names if name not in groups]
    if missing:
        raise refusal(f"{path} should hold a group for each case", f"none for {listed(missing)}")
    return {name: str(groups[name]) for name in names}


def _given(names, number, num_folds, folds):
    if len(folds) != num_folds or number not in range(num_folds):
        raise refusal(f"there should be {num_folds} folds", f"{len(folds)}, and fold {number!r}")
    training, validation = folds[number]["train"], folds[number]["val"]
    strangers = sorted({*training, *validation} - set(names))
    both = sorted(set(training) & set(validation))
    if strangers or both or not training or not validation:
        faults = [f"no cases {listed(strangers)}"] if strangers else []
        faults += [f"{listed(both)} in both parts"] if both else []
        raise refusal("a fold should be two parts of the cases", f"{'; '.join(faults) or 'an empty part'}")
    return sorted(training), sorted(validation)


def _matched(pattern, names):
    try:
        matches = {name: re.match(pattern, name) for name in names}
    except re.error as error:
        raise refusal("`groups` should be a file or a regular expression", f"{pattern!r}, {error}") from error
    missing = [name for name, match in matches.items() if match is None]
    if missing:
        raise refusal(
            "`groups` should be a file, or match the beginning of every name",
            f"{pattern!r}, which does not match {listed(missing)}",
        )
    return {name: match[min(match.re.groups, 1)] for name, match in matches.items()}


def _lines(text):
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if row]
    wrong = [row for row in rows if len(row) != 2]
    if wrong:
        raise ValueError(f"{','.join(wrong[0])}, which has {len(wrong[0])} entries")
    rows = rows[1:] if rows and rows[0][0].lower() in HEADERS else rows
    names = [name for name, _ in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{listed(twice)} twice")
    return dict(rows)
