"""Encoders and decoders of dense layers, for data of any shape."""

import math
from collections.abc import Sequence

import keras
import numpy as np

from keras_dl.checks import check_shape, refusal
from keras_dl.networks import condition_inputs
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape, Tensor


@register(input_shape=check_shape)
def mlp_encoder(
    input_shape: Shape,
    latent_size: int,
    hidden: Sequence[int] = (400, 400),
    activation: Activation | None = "relu",
    num_classes: int | None = None,
    condition_shape: Shape | None = None,
    parameters_per_latent: int = 2,
    name: str = "mlp_encoder",
) -> keras.Model:
    """Builds an encoder of dense layers: data to the parameters of a distribution over latents.

    Flatten, one dense layer an entry of `hidden`, and a linear layer, as in Kingma & Welling, "Auto-Encoding
    Variational Bayes", 2014, appendix C. A condition is concatenated with the flattened data.

    Args:
        input_shape: Shape of a sample, without the batch axis.
        latent_size: Number of latents.
        hidden: Widths of the hidden layers.
        activation: Activation of the hidden layers; `"glu"` makes them gated linear units.
        num_classes: For a conditional encoder given labels: the number of classes.
        condition_shape: For a conditional encoder given vectors: their shape.
        parameters_per_latent: 2 for a Gaussian posterior, `[loc, log_scale]`; 1 for a deterministic code.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from data `(batch, *input_shape)`, or from a dict `{"x": ..., "condition": ...}`
        if it is conditional, to `(batch, parameters_per_latent * latent_size)`. Labels are integers of shape
        `(batch,)`.

    Raises:
        ValueError: If a size is not a positive integer, or both kinds of condition are asked for.

    Example:

    >>> encoder = mlp_encoder((8, 8, 1), latent_size=4, hidden=(16,))
    >>> encoder(keras.ops.zeros((3, 8, 8, 1))).shape
    TensorShape([3, 8])
    """
    inputs, x, condition = condition_inputs.inputs("x", input_shape, num_classes, condition_shape)
    x = condition_inputs.concatenate(keras.layers.Flatten(name="flatten")(x), condition)
    x = hidden_layers(x, hidden, activation)
    x = keras.layers.Dense(parameters_per_latent * latent_size, name="parameters")(x)
    return keras.Model(inputs, x, name=name)


@register(output_shape=check_shape)
def mlp_decoder(
    latent_size: int,
    output_shape: Shape,
    hidden: Sequence[int] = (400, 400),
    activation: Activation | None = "relu",
    parameters_per_value: int = 1,
    num_classes: int | None = None,
    condition_shape: Shape | None = None,
    output_bias: Tensor | None = None,
    name: str = "mlp_decoder",
) -> keras.Model:
    """Builds a decoder of dense layers: latents to the parameters of a distribution over data.

    One dense layer an entry of `hidden` and a linear layer, as in Kingma & Welling, "Auto-Encoding Variational Bayes",
    2014, appendix C. A condition is concatenated with the latents.

    Args:
        latent_size: Number of latents.
        output_shape: Shape of a sample, without the batch axis.
        hidden: Widths of the hidden layers.
        activation: Activation of the hidden layers; `"glu"` makes them gated linear units.
        parameters_per_value: How many parameters the likelihood needs for every value
            (`keras_dl.likelihoods.Likelihood.parameters_per_value`).
        num_classes: For a conditional decoder given labels: the number of classes.
        condition_shape: For a conditional decoder given vectors: their shape.
        output_bias: Initial bias of the outputs: a number, or an array that broadcasts to the outputs' shape, such as
            the logits of the mean training image (Burda et al., "Importance Weighted Autoencoders", 2016). `None` is
            zero.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from latents `(batch, latent_size)`, or from a dict
        `{"latents": ..., "condition": ...}` if it is conditional, to
        `(batch, *output_shape[:-1], output_shape[-1] * parameters_per_value)`. Labels are integers of shape `(batch,)`.

    Raises:
        ValueError: If a size is not a positive integer, both kinds of condition are asked for, or `output_bias` has
            another shape or is not finite.

    Example:

    >>> decoder = mlp_decoder(4, (8, 8, 1), hidden=(16,), num_classes=10)
    >>> decoder({"latents": keras.ops.zeros((3, 4)), "condition": keras.ops.array([0, 1, 9])}).shape
    TensorShape([3, 8, 8, 1])
    """
    shape = (*output_shape[:-1], output_shape[-1] * parameters_per_value)
    bias = _bias_initializer(output_bias, shape)
    inputs, x, condition = condition_inputs.inputs("latents", (latent_size,), num_classes, condition_shape)
    x = hidden_layers(condition_inputs.concatenate(x, condition), hidden, activation)
    x = keras.layers.Dense(math.prod(shape), bias_initializer=bias, name="parameters")(x)
    return keras.Model(inputs, keras.layers.Reshape(shape, name="reshape")(x), name=name)


def hidden_layers(x, widths, activation):
    """Applies one dense layer an entry of `widths`, named `hidden_1`, `hidden_2` and so on.

    With `activation="glu"` the layers are gated linear units, `(W x + b) * sigmoid(V x + c)` (Dauphin et al. 2017,
    "Language modeling with gated convolutional networks"): each has twice as many weights.
    """
    gated = activation == "glu"
    for number, width in enumerate(widths, start=1):
        units, used = (2 * width, None) if gated else (width, activation)
        x = keras.layers.Dense(units, activation=used, name=f"hidden_{number}")(x)
        x = keras.ops.nn.glu(x) if gated else x
    return x


def _bias_initializer(bias, shape):
    if bias is None:
        return "zeros"
    try:
        values = np.broadcast_to(np.asarray(bias, dtype="float32"), shape)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if not np.isfinite(values).all():
        raise refusal(
            f"`output_bias` should be None, a finite number or a finite array that broadcasts to {shape}",
            output_bias=bias,
        )
    return keras.initializers.Constant(values.ravel())
