"""Data that stay on disk: columns of samples that are read row by row, and what opens them (`opening.open`)."""

from keras_dl.data.disk.column import Column, DataError, glimpse, rows_of

__all__ = ["Column", "DataError", "glimpse", "rows_of"]
