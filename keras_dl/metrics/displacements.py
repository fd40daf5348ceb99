"""Displacements of images: smooth random ones, shifts and turns."""

import numpy as np
from scipy import ndimage


def displacement_field(size, strength, smoothness, rng):
    """Returns a random displacement `(2, height, width)` in pixels, smooth, with `max |grad tau| = strength`."""
    field = np.stack([ndimage.gaussian_filter(rng.standard_normal(size), smoothness, mode="wrap") for _ in range(2)])
    return field * (strength / gradient_norm(field))


def gradient_norm(field):
    """Returns the largest operator norm of a displacement field's Jacobian, by central differences."""
    jacobian = np.stack([np.stack(np.gradient(component), -1) for component in field], -2)
    return np.linalg.norm(jacobian, ord=2, axis=(-2, -1)).max()


def deform(images, field):
    """Returns `x(u - tau(u))` of each image by cubic splines, with the nearest pixel beyond the borders."""
    grid = np.mgrid[: images.shape[1], : images.shape[2]] - field
    deformed = np.empty_like(images)
    for image, channel in np.ndindex(images.shape[0], images.shape[3]):
        plane = images[image, :, :, channel]
        deformed[image, :, :, channel] = ndimage.map_coordinates(plane, grid, order=3, mode="nearest")
    return deformed


def roll(maps, pixels, axis):
    """Moves maps along an axis, around the border, linear between pixels."""
    whole = int(np.floor(pixels))
    share = pixels - whole
    return (1 - share) * np.roll(maps, whole, axis) + share * np.roll(maps, whole + 1, axis)


def rotate(maps, angle):
    """Turns square maps counterclockwise."""
    if angle % 90 == 0:
        return np.rot90(maps, int(angle // 90), axes=(1, 2))
    return ndimage.rotate(maps, angle, axes=(2, 1), reshape=False, order=3, mode="nearest")
