"""Named sets of scans with masks."""

import difflib
import os
from collections.abc import Sequence
from pathlib import Path

from keras_dl.checks import refusal
from keras_dl.data.segmentation.blobs import Blobs
from keras_dl.data.segmentation.folder import open_folder

EMBEDDED = {"blobs": 2, "blobs3d": 3}
NAMES = ("blobs", "blobs3d", "isbi2012", "msd_hippocampus")


def load(name: str) -> Sequence:
    """Opens a set of scans by name.

    | name | cases | sizes | classes |
    |---|---:|---|---|
    | `blobs` | 30 | 64x72 | background, blob, core; made up, no files needed |
    | `blobs3d` | 20 | 24x28x20 | the same |
    | `isbi2012` | 30 | 512x512 | membrane, other (Cardona et al., 2010) |
    | `msd_hippocampus` | 260 | about 35x50x36, 1 mm | background, anterior, posterior (Antonelli et al., 2022) |

    The last two are read from `$KERAS_DL_DATA/<name>/`, as `open_folder` reads folders.

    Args:
        name: One of the names above.

    Returns:
        A sequence of `Case`s with `names`, `num_classes`, `label_values`, `modalities` and `select(names)`.

    Raises:
        ValueError: For an unknown name, or if files are not what they should be.
        FileNotFoundError: If there are no such files.

    Example:

    >>> cases = load("blobs3d")
    >>> len(cases), cases.num_classes, cases[3].image.shape
    (20, 3, (24, 28, 20, 1))
    """
    if name not in NAMES:
        near = difflib.get_close_matches(str(name), NAMES) or NAMES
        raise refusal(f"`name` should be that of a set of scans; the nearest: {', '.join(near)}", f"{name!r}")
    if name in EMBEDDED:
        return Blobs(EMBEDDED[name])
    root = os.environ.get("KERAS_DL_DATA")
    if not root:
        raise refusal(
            f"the environment variable KERAS_DL_DATA should name a folder with {name}/",
            "it is not set",
            error=FileNotFoundError,
        )
    return open_folder(Path(root) / name)
