"""The random changes that published segmentation systems train with."""

from keras_dl.checks import refusal
from keras_dl.data import augment
from keras_dl.data.segmentation.plan import Plan

AUGMENTATIONS = ("none", "flips", "elastic", "nnunet")


def augmentation(name: str, plan: Plan, flips: bool = True) -> list:
    """Returns the random changes of a published system, for patches of a plan.

    - `"flips"`: along each axis of the patch.
    - `"elastic"`: U-Net's (Ronneberger et al., 2015): smooth deformations by a grid of random shifts with a standard
      deviation of 10 pixels if the patch has 256, turns, shifts and changes of the grey values; and flips.
    - `"nnunet"`: nnU-Net's (Isensee et al., 2021, supplementary note 4): turns and scaling, each patch with
      probability 0.2, noise, blur, brightness, contrast, loss of resolution and gamma, and flips. All channels of a
      patch change alike, and what turns into it is its own mirror image and not the scan around it.

    Turns and deformations stay in `plan.axes_in_plane`; in a volume of flat patches slices keep their places.

    Args:
        name: `"none"`, `"flips"`, `"elastic"` or `"nnunet"`.
        plan: A `Plan`.
        flips: Whether patches are mirrored too; without it, left is told from right, and front from back.

    Returns:
        A list of objects of `keras_dl.data.augment`, for `keras_dl.data.augment.augment`.

    Raises:
        ValueError: If the name is none of these.

    Example:

    >>> from keras_dl.data.segmentation import Fingerprint, plan
    >>> network_plan = plan(Fingerprint(((1.0, 1.0),), ((64, 64),), num_classes=2))
    >>> [type(change).__name__ for change in augmentation("nnunet", network_plan)]
    ['Affine', 'Affine', 'Noise', 'Blur', 'Intensity', 'Contrast', 'LowResolution', 'Gamma', 'Flip']
    """
    if name not in AUGMENTATIONS:
        raise refusal(f"`name` should be one of {', '.join(AUGMENTATIONS)}", name=name)
    if name == "none":
        return []
    mirrored = [augment.Flip(axes=tuple(range(len(plan.patch_size))))] if flips else []
    return {"flips": _nothing, "elastic": _elastic, "nnunet": _nnunet}[name](plan) + mirrored


def _nothing(plan):
    return []


def _elastic(plan):
    edge = max(plan.patch_size[axis] for axis in plan.axes_in_plane)
    turn = {"rotation": 15.0, "translation": 0.05, "planes": _planes(plan), "fill_mode": "reflect"}
    bend = [augment.Elastic(10.0 * edge / 256)] if len(plan.axes_in_plane) == len(plan.patch_size) else []
    return [*bend, augment.Affine(**turn), augment.Intensity(factor=0.1, shift=0.1), augment.Contrast(0.2)]


def _nnunet(plan):
    # Whole turns if only one plane is turned: images, slices, and volumes of flat patches.
    degrees = 180.0 if len(plan.axes_in_plane) == 2 else 30.0
    moved = {"planes": _planes(plan), "fill_mode": "reflect", "probability": 0.2}
    return [
        augment.Affine(rotation=degrees, **moved),
        augment.Affine(scale=(0.7, 1.4), **moved),
        augment.Noise((0.0, 0.3), probability=0.1),
        augment.Blur((0.5, 1.0), probability=0.2),
        augment.Intensity(factor=(0.75, 1.25), probability=0.15),
        augment.Contrast((0.75, 1.25), probability=0.15),
        augment.LowResolution((0.5, 1.0), plan.axes_in_plane, probability=0.25),
        augment.Gamma((0.7, 1.5), probability=0.3),
    ]


def _planes(plan):
    axes = plan.axes_in_plane
    return [(a, b) for i, a in enumerate(axes) for b in axes[i + 1 :]]
