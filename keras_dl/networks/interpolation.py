"""Networks between two networks of one architecture."""

import keras

from keras_dl.checks import check_number, refusal


def interpolate(network: keras.Model, other: keras.Model, share: float) -> keras.Model:
    r"""Returns a network whose weights lie between those of two, $(1 - \alpha) \theta + \alpha \theta'$.

    Between a network that was trained for pixels and the same one after adversarial training lie images that are sharp
    and yet near (Wang et al. 2018, section 3.4).

    Args:
        network, other: Keras models of one architecture.
        share: $\alpha$, the other's share, from 0 to 1.

    Returns:
        A new model.

    Raises:
        ValueError: If their layers differ in more than names and starts, or the share is out of range.

    Example:

    >>> a, b = (keras_dl.networks.espcn((8, 8, 1), 2, (2,), (3, 3)) for _ in range(2))
    >>> between = interpolate(a, b, 0.25).get_weights()[0]
    >>> bool(np.allclose(between, 0.75 * a.get_weights()[0] + 0.25 * b.get_weights()[0]))
    True
    """
    check_number(share, "share", least=0, most=1)
    weights, others = network.get_weights(), other.get_weights()
    if [w.shape for w in weights] != [w.shape for w in others] or _layers(network) != _layers(other):
        raise refusal("Both networks should be of one architecture", f"{network.name} and {other.name}")
    between = keras.models.clone_model(network)
    if not network.trainable:  # averaged weights are not, and a clone of theirs says that it is: only a change thaws it
        between.trainable = False
        between.trainable = True
    between.set_weights([(1 - share) * a + share * b for a, b in zip(weights, others, strict=True)])
    return between


def _layers(network):
    """What a network's layers compute: networks may differ in it though their weights have the same shapes."""
    training = ("initializer", "regularizer")
    ignored = ("name", "dtype", "trainable", "seed", "batch_shape")
    layers = []
    for layer in network._flatten_layers(include_self=False):
        config = {} if isinstance(layer, keras.Model) else layer.get_config()
        config = {name: config[name] for name in config if name not in ignored and not name.endswith(training)}
        layers.append((type(layer), repr(config)))
    return layers
