"""Searches for hyperparameters: what is searched, the trials, and what they leave behind."""

from keras_dl.search.apart import Apart
from keras_dl.search.folder import SearchFolder
from keras_dl.search.forked import is_possible
from keras_dl.search.goal import Goal
from keras_dl.search.listener import Listener
from keras_dl.search.oracles import TUNERS
from keras_dl.search.plan import Plan
from keras_dl.search.report import Report
from keras_dl.search.search import Search, role, wait_for_chief

__all__ = [
    "TUNERS",
    "Apart",
    "Goal",
    "Listener",
    "Plan",
    "Report",
    "Search",
    "SearchFolder",
    "is_possible",
    "role",
    "wait_for_chief",
]
