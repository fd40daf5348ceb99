"""What models that enlarge images offer: images of any size, in tiles, and averages over turned images."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_flag, check_no_levels, refusal
from keras_dl.data.checks import as_array
from keras_dl.data.images.patches import turned, turned_back
from keras_dl.models import shapes, tiling
from keras_dl.types import Tensor


class Enlarging:
    """The part of super-resolution models that is used: `upscale`, by the network that `enlarger` names."""

    #: Name of the network that enlarges.
    enlarger = "network"
    # Of the model.
    as_graph: Callable
    averaged: Callable

    @property
    def scale(self) -> int:
        """By how much images are enlarged."""
        return tiling.scale_of(getattr(self, self.enlarger))

    @property
    def channels(self) -> int:
        """How many channels enlarged images have."""
        return shapes.output_shape(getattr(self, self.enlarger))[-1]

    def upscale(
        self, x: Tensor, tile: Any = None, overlap: Any = None, ensemble: bool = False, out: Tensor | None = None
    ) -> np.ndarray:
        """Enlarges images of any size.

        What `export` writes takes whole images of any size; large ones its client cuts, with
        `keras_dl.models.tiling.tiles(size, tile, overlap)` of both axes and an overlap of `tiling.reach(network)`.

        Args:
            x: Images `(rows, height, width, channels)` or one image `(height, width, channels)`, in [0, 1]; an array,
                a list of images of one size, or a memory map of which a window at a time is read.
            tile: Sides of tiles in pixels of `x`: memory then does not grow with the image, but for `out`. `None` for
                whole images.
            overlap: Pixels beyond a tile that its windows see. `None` for as many as the network reaches, which makes
                the result that of whole images; fewer are faster.
            ensemble: Whether the images of the eight turned and mirrored versions are averaged (Lim et al. 2017,
                section 3.4): a little better, in eight times the time.
            out: Array or memory map of floats that takes the result; `None` for a new array.

        Returns:
            Float32 array `(rows, scale height, scale width, channels)`, or of one image, as `x` is: `out`, if given.

        Raises:
            ValueError: If images are of the wrong shape or of several, not finite, or pixels of 0 to 255, a tile is no
                positive integer, or `out` has another shape.
            TypeError: If `out` is no array of floats.
        """
        check_flag(ensemble, "ensemble")
        network = getattr(self, self.enlarger)
        x = _of_one_size(x)
        alone = len(x.shape) == 3
        x = x[None] if alone else x
        shapes.check_x(x, shapes.input_shape(network, "x"))
        if overlap is None:
            overlap = 0 if tile is None else tiling.reach(network)
        shape = (len(x), *(self.scale * n for n in x.shape[1:3]), shapes.output_shape(network)[-1])
        if out is not None:
            _check_out(out, shape[1:] if alone else shape)
        target = np.empty(shape, "float32") if out is None else out[None] if alone else out
        function = self._ensemble if ensemble else self._enlarged
        tiling.tiled(function, x, self.scale, max(x.shape[1:3]) if tile is None else tile, overlap, target)
        if out is not None:
            return out
        return target[0] if alone else target

    @staticmethod
    def check_levels(small: Tensor, large: Tensor) -> None:
        """Refuses pairs of images of 0 to 255."""
        for x, name in ((small, "small images"), (large, "large images")):
            check_no_levels(x, name)

    def check_inputs(self, inputs: Tensor) -> None:
        """Refuses images that `predict` does not take: of another shape, or of 0 to 255."""
        shapes.check_x(inputs, shapes.input_shape(getattr(self, self.enlarger), "x"))
        check_no_levels(inputs, "x")

    def _ensemble(self, x):
        versions = (turned_back(self._enlarged(turned(x, way)), way) for way in range(8))
        return sum(versions) / 8.0

    def _enlarged(self, x):
        check_no_levels(x, "x")
        x = shapes.as_rows(np.ascontiguousarray(x), None)
        return keras.ops.convert_to_numpy(self.as_graph(self._enlarge)(x))

    def _enlarge(self, x):
        return tf.cast(self.averaged(self.enlarger)(x, training=False), tf.float32)


def _check_out(out, shape):
    """Refuses what does not take enlarged images; whole numbers would cut them to 0 and 1."""
    if not isinstance(out, np.ndarray) or out.dtype.kind != "f":
        received = str(getattr(out, "dtype", type(out).__name__))
        raise refusal("`out` should be an array of floats", received, error=TypeError)
    if out.shape != shape:
        raise refusal(f"`out` should have shape {shape}", f"{out.shape}")


def _of_one_size(x):
    """An array of images; what is none, such as a list, as one."""
    if hasattr(x, "shape"):
        return x
    shapes_of = sorted({as_array(image, "x").shape for image in x}) if isinstance(x, (list, tuple)) else []
    if len(shapes_of) > 1:
        raise refusal("x should be images of one size: enlarge others one by one", f"shapes {shapes_of}")
    return as_array(x, "x")
