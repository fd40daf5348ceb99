"""Parts shared by models that translate images: differences, scores of patches, refusals."""

import keras
import tensorflow as tf

from keras_dl import objectives
from keras_dl.checks import refusal
from keras_dl.models import shapes
from keras_dl.models.structure import check_network


def per_sample(values):
    """The mean of each sample's values, shape `(batch,)`."""
    values = tf.cast(values, tf.float32)
    return tf.reduce_mean(values, list(range(1, values.shape.rank)))


def distance(images, references):
    """The mean absolute difference of each image, shape `(batch,)`."""
    return per_sample(tf.abs(tf.cast(images, tf.float32) - tf.cast(references, tf.float32)))


def critic_values(objective, real, fake):
    """The critic's loss of each sample, the mean over its patches."""
    return per_sample(objective.critic_loss(tf.cast(real, tf.float32), tf.cast(fake, tf.float32)))


def generator_values(objective, fake, real=None):
    """The generator's loss of each sample, the mean over its patches."""
    real = None if real is None else tf.cast(real, tf.float32)
    return per_sample(objective.generator_loss(tf.cast(fake, tf.float32), real))


def checked_objective(objective, default):
    """Returns an adversarial objective, the default for `None`, or refuses what is none."""
    objective = default if objective is None else objective
    if not isinstance(objective, objectives.Adversarial):
        expected = "objective should be an adversarial one, such as LeastSquares()"
        raise refusal(expected, objective=objective, error=TypeError)
    return objective


def check_translator(name, network):
    """Refuses what does not map images to images; returns the shapes of both."""
    check_network(name, network)
    taken, returned = shapes.input_shape(network, "x"), shapes.output_shape(network)
    if any(shape is None or len(shape) != 3 for shape in (taken, returned)):
        raise refusal(f"{name} should map images to images (height, width, channels)", f"{taken} to {returned}")
    return taken, returned


def check_judges(name, critic, images, source=None):
    """Refuses a critic that does not judge images, beside their source where there is one, patch by patch."""
    check_network(name, critic)
    for key, shape in (("x", images), ("source", source)):
        if shape is None:
            continue
        taken = _input(critic, key, source is not None)
        if taken is None or not fits(shape, taken):
            raise refusal(f"{name} should take {key!r} of shape {shape}", f"{taken}")


def check_taken(name, network, images):
    """Refuses a network that says what it takes, and takes other images."""
    taken = shapes.input_shape(network, "x")
    if taken is not None and not fits(images, taken):
        raise refusal(f"{name} should take images of shape {images}", f"{taken}")


def translated_shape(network, shape):
    """The shape of what a network makes of images of a shape, `(height, width, channels)`."""
    return tuple(network.compute_output_spec(keras.KerasTensor((1, *shape))).shape[1:])


def check_sizes(name, critic, images, source=None):
    """Refuses images that a critic does not take, or so small that one of any sizes has no patch of them to judge.

    Args:
        name: What the critic is called.
        critic: The network.
        images: Shape of the images, `(height, width, channels)`.
        source: Shape of their sources, for a critic of pairs.
    """
    check_judges(name, critic, images, source)
    tensors = [keras.KerasTensor((1, *shape)) for shape in (images, source) if shape is not None]
    inputs = tensors[0] if source is None else dict(zip(("x", "source"), tensors, strict=True))
    try:
        critic.compute_output_spec(inputs)
    except ValueError:
        expected = f"{name} should have a patch to judge: give it fewer layers, or larger images"
        raise refusal(expected, f"images of {images[0]}x{images[1]}") from None


def fits(shape, other):
    """Whether images of one shape may have the other, in which sizes may be unknown."""
    return len(shape) == len(other) and all(a == b or None in (a, b) for a, b in zip(shape, other, strict=True))


def check_images(x, shape, name, value_range):
    """Refuses images of another shape, or outside the values that a network can make."""
    shapes.check_x(x, shape, name)
    if value_range is not None and len(x):
        low, high = float(tf.reduce_min(x)), float(tf.reduce_max(x))
        if low < value_range[0] - 1e-6 or high > value_range[1] + 1e-6:
            expected = f"{name} should lie in [{value_range[0]:g}, {value_range[1]:g}], what the network's end can make"
            raise refusal(expected, f"values from {low:g} to {high:g}")


def check_levels(x, value_range, name="x"):
    """Refuses images far beyond the values of those that were learned; resampling may lead a little beyond."""
    if value_range is None or shapes.is_symbolic(x) or not len(x):
        return
    high = float(tf.reduce_max(x))
    if high > value_range[1] + 1:
        expected = f"{name} should lie in [{value_range[0]:g}, {value_range[1]:g}], as the images that are learned"
        raise refusal(expected, f"values to {high:g}")


def serialized(model, names):
    """Parts of a model as its configuration holds them."""
    return {name: keras.saving.serialize_keras_object(getattr(model, name)) for name in names}


def deserialized(config):
    """A configuration with its parts."""
    read = keras.saving.deserialize_keras_object
    return {name: read(value) if isinstance(value, dict) else value for name, value in config.items()}


def _input(critic, key, pairs):
    taken = getattr(critic, "input", None)
    if pairs != isinstance(taken, dict) or (pairs and key not in taken):
        return None
    return tuple((taken[key] if pairs else taken).shape[1:])
