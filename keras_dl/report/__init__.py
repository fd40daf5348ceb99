"""Reports: one HTML file of one run or several, read off their folders without TensorFlow.

Programs load this package by itself, so it imports nothing else of ours, by whatever name it is called.
"""

from . import markup, tables
from .page import page
from .records import Record, read

__all__ = ["Record", "markup", "page", "read", "tables"]
