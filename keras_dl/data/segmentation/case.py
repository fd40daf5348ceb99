"""One image with its labels."""

from typing import NamedTuple

import numpy as np


class Case(NamedTuple):
    """One image with its labels.

    Attributes:
        image: Float32 array `(*sizes, channels)`.
        labels: Integer array `(*sizes)`, or `None`.
        spacing: Distance between neighbouring pixels, one an axis (in mm for medical images).
        name: What error messages and written predictions call it.
        source: What is needed to write predictions back where it was read from; `None` for arrays.
    """

    image: np.ndarray
    labels: np.ndarray | None
    spacing: tuple
    name: str
    source: object = None
