"""What pages of models need to know: how noise is led back to data, how images are prepared for masks."""

import keras
import numpy as np

STEPS = (5, 10, 25, 50)


def trajectory(model: keras.Model) -> dict[str, dict]:
    """Returns the view of a denoiser's steps, for `Task.views`; nothing where it does not denoise standard noise.

    Args:
        model: A `keras_dl.models.Diffusion`, `FlowMatching` or other model with `denoises` and `carries_source`.

    Returns:
        A dict with `"trajectory"`, or an empty one: `value_range` of the data, and `paths` by the number of steps:
        lists of `time`, `alpha` and `sigma` from noise to data.
    """
    if not model.denoises or model.carries_source:
        return {}
    bounds = model.value_range and [float(value) for value in model.value_range]
    paths = {str(steps): _path(model.process, steps) for steps in STEPS}
    return {"trajectory": {"value_range": bounds, "paths": paths}}


def _path(process, steps):
    times = process.times(steps)
    columns = times, process.alpha(times), process.sigma(times)
    columns = [keras.ops.convert_to_numpy(values).tolist() for values in columns]
    return [dict(zip(("time", "alpha", "sigma"), row, strict=True)) for row in zip(*columns, strict=True)]


def masks(plan):
    """Returns the view of a segmentation, for `Task.views`; nothing for volumes, and slices of them.

    Args:
        plan: `keras_dl.data.segmentation.Plan`.

    Returns:
        A dict with `"segment"`, or an empty one: the `shape` of a patch, and what becomes of intensities, as the plan's
        attributes say it.
    """
    if len(plan.spacing) != 2:
        return {}
    facts = {"normalizations": list(plan.normalizations), "inside_nonzero": plan.inside_nonzero}
    facts["intensities"] = [channel._asdict() for channel in plan.intensities]
    return {"segment": facts | {"shape": [*plan.patch_size, len(plan.normalizations)]}}


def middles(cases, sizes, count):
    """Returns the middles of images in the size of a patch, for `Task.examples`; None for volumes and small images.

    Args:
        cases: Sequence of `keras_dl.data.segmentation.Case`.
        sizes: Sizes of a patch.
        count: How many at most.
    """
    images = []
    for index in range(min(count, len(cases))):
        image = cases[index].image
        if image.ndim == 3 and len(sizes) == 2 and image.shape[0] >= sizes[0] and image.shape[1] >= sizes[1]:
            top, left = (image.shape[0] - sizes[0]) // 2, (image.shape[1] - sizes[1]) // 2
            images.append(image[top : top + sizes[0], left : left + sizes[1]])
    return (np.stack(images), None) if images else None
