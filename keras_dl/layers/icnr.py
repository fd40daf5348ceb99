"""The start of kernels before sub-pixel upsampling (Aitken et al., 2017)."""

from typing import Any

import keras
from keras import ops

from keras_dl.checks import check_count, refusal
from keras_dl.types import Initializer, Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class ICNR(keras.initializers.Initializer):
    """Kernels of which the `r^2` outputs of each pixel start alike, so that `PixelShuffle` starts as nearest neighbour.

    Drawn independently, the sub-kernels leave a checkerboard in the enlarged image (Aitken et al., 2017, "Checkerboard
    artifact free sub-pixel convolution", section 3.1).

    Args:
        upscale_factor: Int, r of the `PixelShuffle` that follows.
        initializer: Keras initializer that draws one sub-kernel.

    Returns:
        A tensor of the shape asked for, whose last axis are the outputs, `r^2 C`.

    Raises:
        ValueError: If `r^2` does not divide the outputs.

    Example:

    >>> kernel = ICNR(2, "he_normal")((3, 3, 8, 12))
    >>> bool(keras.ops.all(kernel[..., :3] == kernel[..., 3:6]))
    True
    """

    def __init__(self, upscale_factor: int, initializer: Initializer = "he_normal"):
        self.upscale_factor = check_count(upscale_factor, "upscale_factor")
        self.initializer = keras.initializers.get(initializer)

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        copies = self.upscale_factor**2
        if shape[-1] % copies:
            raise refusal(f"The outputs should be a multiple of upscale_factor^2 = {copies}", shape=tuple(shape))
        kernel = self.initializer((*shape[:-1], shape[-1] // copies), dtype=dtype)
        return ops.tile(kernel, (*[1] * (len(shape) - 1), copies))

    def get_config(self) -> dict[str, Any]:
        initializer = keras.initializers.serialize(self.initializer)
        return {"upscale_factor": self.upscale_factor, "initializer": initializer}
