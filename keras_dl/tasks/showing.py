"""What pages of models need to know: how noise is led back to data, how images are prepared for masks."""

from typing import Any

import keras
import numpy as np

from keras_dl.data.segmentation.nifti import NiftiSource
from keras_dl.models import diffusion_signatures

MOST = 2**22  # numbers of all the examples of scans on a page, 16 MB
STEPS = (5, 10, 25, 50)


def trajectory(model: keras.Model) -> dict[str, dict]:
    """Returns the view of the way from standard noise to data, for `Task.views`; nothing where it begins elsewhere.

    Args:
        model: A `keras_dl.models.Diffusion`, `FlowMatching`, `ContinuousFlow` or other model with `denoises` and
            `carries_source`.

    Returns:
        A dict with `"trajectory"`, or an empty one: `value_range` of the data, and `paths` by the number of steps:
        lists of `time`, `alpha` and `sigma` from noise to data, which is all that a model that does not denoise needs.
    """
    if model.carries_source:
        return {}
    bounds = model.value_range and [float(value) for value in model.value_range]
    paths = {str(steps): _path(model.process, steps) if model.denoises else _times(steps) for steps in STEPS}
    return {"trajectory": {"value_range": bounds, "paths": paths}}


def velocities(model: keras.Model) -> dict[str, Any]:
    """The `Signature` of a continuous flow's velocity, for `Task.page_signatures`; nothing for models that denoise."""
    return {} if model.denoises else {"velocity": diffusion_signatures.velocity(model)}


def decoded_steps(model: keras.Model) -> dict[str, dict]:
    """The view of what a normalizing flow's bijectors make of latents, one after another, for `Task.views`."""
    return {"trajectory": {"value_range": None, "paths": {}}} if model.has_even_steps else {}


def _times(steps):
    return [{"time": float(time), "alpha": 1.0, "sigma": 1.0} for time in np.linspace(1, 0, steps + 1)]


def _path(process, steps):
    times = process.times(steps)
    columns = times, process.alpha(times), process.sigma(times)
    columns = [keras.ops.convert_to_numpy(values).tolist() for values in columns]
    return [dict(zip(("time", "alpha", "sigma"), row, strict=True)) for row in zip(*columns, strict=True)]


def masks(plan, mirror=True, overlap=0.5):
    """Returns the view of a segmentation, for `Task.views`: how a page prepares images, and goes over them.

    Args:
        plan: `keras_dl.data.segmentation.Plan`.
        mirror: Whether the mirror images of every window are averaged.
        overlap: Least share of a window that its neighbour covers.

    Returns:
        A dict with `"segment"`: the `shape` of a patch with its channels, the `rank` of images, what becomes of them,
        as the plan's attributes say it, and how windows lie.
    """
    facts = plan.to_dict()
    names = ("spacing", "num_classes", "normalizations", "intensities", "inside_nonzero", "slice_axis")
    described = {name: facts[name] for name in names}
    described |= {"shape": [*plan.patch_size, len(plan.normalizations)], "rank": len(plan.spacing)}
    return {"segment": described | {"mirror": bool(mirror), "overlap": overlap}}


def whole(cases, count):
    """Returns a few images of scans as they are, for `Task.examples`, as many of them as a page can load.

    Args:
        cases: Sequence of `keras_dl.data.segmentation.Case`.
        count: How many at most.

    Returns:
        `(images, None, details)`: a list of float32 arrays `(*sizes, channels)`, and of each what a page needs to know
        besides, a dict: its `spacing`, the value of `white`, whether its axes are `oriented` as a body, and whether its
        values are `bytes` of a picture. `None` if the first one is too large.
    """
    images, details, size = [], [], 0
    for index in range(min(count, len(cases))):
        case = cases[index]
        size += case.image.size
        if size > MOST:
            break
        images.append(np.asarray(case.image, "float32"))
        details.append(_details(case, images[-1]))
    return (images, None, details) if images else None


def _details(case, image):
    oriented = isinstance(case.source, NiftiSource)
    pictured = case.source is not None and not oriented
    white = 255.0 if case.source is None else case.source.white
    return {
        "spacing": [float(value) for value in case.spacing],
        "white": np.asarray(white).tolist(),
        "oriented": oriented,
        "bytes": bool(pictured and image.min() >= 0 and image.max() > 1),
    }
