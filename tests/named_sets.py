"""Real data sets of tests, which are skipped where the files are not at hand."""

import pytest

from keras_dl import data


def load_or_skip(name):
    """What `keras_dl.data.load` gives; skips the test if the files can neither be read nor downloaded."""
    try:
        return data.load(name)
    except OSError as error:
        pytest.skip(f"needs the files of {name}: set KERAS_DL_DATA to the folder that holds them ({str(error)[:80]})")
