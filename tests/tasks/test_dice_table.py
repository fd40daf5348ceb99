"""The means over cases, and what they leave out."""

import numpy as np

from keras_dl.tasks import dice_table


def rows(missed):
    return [
        {"case": str(i), "class": 1, "dice": 0.8 * (i >= missed), "hausdorff_95": 4.0 if i >= missed else np.inf}
        for i in range(10)
    ]


def test_missed_structures_are_counted():
    """A mean distance of 4 with nine of ten missed looks like one of 4 with none missed."""
    for missed in (0, 9, 10):
        found = {name: measure.value for name, measure in dice_table.measures(rows(missed)).items()}
        assert (found["cases_class_1"], found["missed_or_made_up_class_1"]) == (10, missed)
        assert found["hausdorff_95_class_1"] == (4.0 if missed < 10 else None)
