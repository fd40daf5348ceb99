"""Generators and critics of dense layers, for data of any shape."""

import math
from collections.abc import Sequence

import keras

from keras_dl.checks import check_shape
from keras_dl.networks import condition_inputs, critic_parts
from keras_dl.networks.mlp import hidden_layers
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape


@register(output_shape=check_shape)
def mlp_generator(
    latent_size: int,
    output_shape: Shape,
    hidden: Sequence[int] = (256, 256),
    activation: Activation | None = "relu",
    output_activation: Activation | None = "sigmoid",
    num_classes: int | Sequence[int] | None = None,
    condition_shape: Shape | None = None,
    name: str = "mlp_generator",
) -> keras.Model:
    """Builds a generator of dense layers: latents to data.

    One dense layer an entry of `hidden` and a last one. A condition is concatenated with the latents.

    Args:
        latent_size: Number of latents.
        output_shape: Shape of a sample, without the batch axis.
        hidden: Widths of the hidden layers.
        activation: Activation of the hidden layers.
        output_activation: `"sigmoid"` for data in [0, 1], as `keras_dl.data.load` gives them, `"tanh"` for data in
            [-1, 1], `None` for any numbers.
        num_classes: For a conditional generator given labels: the number of classes; for one given several attributes:
            a sequence with the number of classes of each, or `None` for a continuous one.
        condition_shape: For a conditional generator given vectors: their shape.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from latents `(batch, latent_size)`, or from a dict
        `{"latents": ..., "condition": ...}` if it is conditional, to float32 data `(batch, *output_shape)`.

    Raises:
        ValueError: If a size is not a positive integer, or both kinds of condition are asked for.

    Example:

    >>> generator = mlp_generator(4, (8, 8, 1), hidden=(16,))
    >>> generator(keras.ops.zeros((3, 4))).shape
    TensorShape([3, 8, 8, 1])
    """
    inputs, x, condition = condition_inputs.inputs("latents", (latent_size,), num_classes, condition_shape)
    x = hidden_layers(condition_inputs.concatenate(x, condition), hidden, activation)
    x = keras.layers.Dense(math.prod(output_shape), name="values")(x)
    x = keras.layers.Reshape(output_shape, name="reshape")(x)
    return keras.Model(inputs, as_data(x, output_activation), name=name)


@register(input_shape=check_shape)
def mlp_critic(
    input_shape: Shape,
    hidden: Sequence[int] = (256, 256),
    activation: Activation | None = "leaky_relu",
    dropout: float = 0.0,
    projection: bool = False,
    spectral_norm: bool = False,
    num_outputs: int = 1,
    num_classes: int | Sequence[int] | None = None,
    condition_shape: Shape | None = None,
    name: str = "mlp_critic",
) -> keras.Model:
    """Builds a critic of dense layers: data to a linear score, the logit of being real or a Wasserstein critic's value.

    Flatten, one dense layer an entry of `hidden`, and a linear layer named `score`. A condition is concatenated with
    the flattened data, or projected on the last hidden layer.

    Args:
        input_shape: Shape of a sample, without the batch axis.
        hidden: Widths of the hidden layers.
        activation: Activation of the hidden layers; `"leaky_relu"` is Keras', of slope 0.2.
        dropout: Share of hidden units dropped in training (for `objectives.ConsistencyTerm`).
        projection: Whether a condition is projected on the features (Miyato & Koyama 2018) and not concatenated.
        spectral_norm: Whether each layer is divided by its largest singular value (Miyato et al. 2018).
        num_outputs: 1, or more for a network that also or only predicts attributes
            (`objectives.Attributes.num_outputs`).
        num_classes: For a conditional critic given labels: the number of classes; for one given several attributes: a
            sequence with the number of classes of each, or `None` for a continuous one.
        condition_shape: For a conditional critic given vectors: their shape.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from data `(batch, *input_shape)`, or from a dict `{"x": ..., "condition": ...}`
        if it is conditional, to scores `(batch, num_outputs)`.

    Raises:
        ValueError: If a size is not a positive integer, both kinds of condition are asked for, or `projection` without
            a condition or with several outputs.

    Example:

    >>> critic = mlp_critic((8, 8, 1), hidden=(16,), num_classes=10, projection=True)
    >>> critic({"x": keras.ops.zeros((3, 8, 8, 1)), "condition": keras.ops.array([0, 1, 9])}).shape
    TensorShape([3, 1])
    """
    inputs, x, condition = condition_inputs.inputs("x", input_shape, num_classes, condition_shape)
    x = keras.layers.Flatten(name="flatten")(x)
    if not projection:
        x = condition_inputs.concatenate(x, condition)
    for number, width in enumerate(hidden, start=1):
        x = critic_parts.dense(width, spectral_norm, f"hidden_{number}")(x)
        x = keras.layers.Activation(activation, name=f"activation_{number}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"dropout_{number}")(x)
    scores = critic_parts.score(x, condition, num_outputs, projection, spectral_norm)
    return keras.Model(inputs, scores, name=name)


def as_data(x, activation):
    """Applies a generator's last activation, in float32 whatever the policy."""
    return keras.layers.Activation(activation or "linear", dtype="float32", name="x")(x)
