"""Networks of sines, for signals as functions of their coordinates."""

from collections.abc import Sequence

import keras

from keras_dl.checks import check_count, refusal
from keras_dl.layers import SineDense, SineInitializer
from keras_dl.networks.registry import register


@register()
def siren(
    num_inputs: int = 2,
    num_outputs: int = 1,
    hidden: Sequence[int] = (256, 256, 256, 256),
    omega_0: float = 30.0,
    hidden_omega_0: float = 30.0,
    name: str = "siren",
) -> keras.Model:
    """Builds a network of sines: coordinates to the values of a signal, smooth with all its derivatives.

    One `SineDense` an entry of `hidden` and a linear layer, initialised as in Sitzmann et al. 2020, "Implicit neural
    representations with periodic activation functions", section 3.2. Their image network, three hidden layers of 256
    behind a first one, is the default: 198,401 weights.

    Args:
        num_inputs: Number of coordinates, each best between -1 and 1.
        num_outputs: Number of values at a point.
        hidden: Widths of the sine layers, the first of which takes the coordinates.
        omega_0: Frequency of the first layer's sines: the finest detail that the network begins with.
        hidden_omega_0: Frequency of the others' sines.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `(batch, num_inputs)` to `(batch, num_outputs)`.

    Raises:
        ValueError: If a size is not a positive integer, `hidden` is empty, or a frequency is not positive.

    Example:

    >>> network = siren(num_inputs=3, hidden=(64, 64))
    >>> network(keras.ops.zeros((5, 3))).shape
    TensorShape([5, 1])
    """
    num_outputs = check_count(num_outputs, "num_outputs")
    if not hidden:
        raise refusal("`hidden` should have at least one entry", hidden=hidden)
    inputs = x = keras.Input((check_count(num_inputs, "num_inputs"),), name="x")
    for number, width in enumerate(hidden, start=1):
        first = number == 1
        x = SineDense(width, omega_0 if first else hidden_omega_0, is_first=first, name=f"sine_{number}")(x)
    bound = hidden[-1] ** -0.5
    last = keras.layers.Dense(
        num_outputs,
        kernel_initializer=SineInitializer(hidden_omega_0),
        bias_initializer=keras.initializers.RandomUniform(-bound, bound),
        name="values",
    )
    return keras.Model(inputs, last(x), name=name)
