"""Threads of the tests; which cases of a grid (marker `grid`) and which share of the files run, and in which order."""

import collections
import itertools
import os
import zlib

import pytest

# Else threads decide in which order more than two values are added, and weights may differ by rounding from run to run.
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config, items):
    mark_grids(items)
    for item in items:
        if item.get_closest_marker("soak"):  # a soak test among the cases of a full one
            item.own_markers = [mark for mark in item.own_markers if mark.name != "full"]
    result = yield  # here `-m` chooses
    if config.getoption("share"):
        leave_others(config, items, *map(int, config.getoption("share").split("/")))
    slowest_first(items)
    return result


def mark_grids(items):
    """Marks as `full` the cases of a grid that its marker does not name, or that its pairs do not need."""
    grids = collections.defaultdict(list)
    for item in items:
        if item.get_closest_marker("grid"):
            grids[item.nodeid.split("[")[0]].append(item)
    for cases in grids.values():
        named = cases[0].get_closest_marker("grid").args
        chosen = [case for case in cases if case.callspec.id in named] if named else pairwise(cases)
        for case in cases:
            if chosen and case not in chosen:  # a single case that was asked for by its name runs
                case.add_marker(pytest.mark.full)


def leave_others(config, items, number, shares):
    """Leaves the tests of the files of one share; a file is always in the same."""
    share_of = {path: zlib.crc32(path.name.encode()) % shares + 1 for path in {item.path for item in items}}
    config.hook.pytest_deselected(items=[item for item in items if share_of[item.path] != number])
    items[:] = [item for item in items if share_of[item.path] == number]


def slowest_first(items):
    """Sorts files by how many slow tests each has, so that no process waits at the end for another's long file."""
    slow = collections.Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


def pairwise(cases):
    """Returns few cases in which every two values of two parameters stand together once at least: greedily."""
    # A value is the same object in all cases that have it.
    values = {case: sorted((name, id(value)) for name, value in case.callspec.params.items()) for case in cases}
    pairs = {case: set(itertools.combinations(values[case], 2)) for case in cases}
    missing, chosen = set().union(*pairs.values()), []
    while missing:
        best = max(cases, key=lambda case: len(pairs[case] & missing))
        chosen.append(best)
        missing -= pairs[best]
    return chosen
