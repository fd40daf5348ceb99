"""Checks of a variational autoencoder's parts: that encoder, decoder, likelihood and prior fit together."""

import keras

from keras_dl.checks import refusal
from keras_dl.likelihoods import Prior
from keras_dl.models.shapes import input_shape, output_shape
from keras_dl.models.structure import check_network


def sizes(encoder, decoder, posterior, likelihood):
    """What encoder and decoder agree on: the number of latents, and the shape of a sample, `None` if neither says it.

    Raises:
        ValueError: If they do not agree, or the decoder's output does not hold the likelihood's parameters.
    """
    check_network("encoder", encoder)
    check_network("decoder", decoder)
    data, codes = input_shape(encoder, "x"), output_shape(encoder)
    latents, parameters = input_shape(decoder, "latents"), output_shape(decoder)
    per_latent = posterior.parameters_per_value
    if codes is None or len(codes) != 1 or codes[0] % per_latent:
        raise refusal(
            f"encoder should return {per_latent} parameters a latent, shape (batch, {per_latent} * latent_size)",
            f"output shape {codes}",
        )
    size = codes[0] // per_latent
    if latents is not None and latents != (size,):
        raise refusal(
            f"decoder should take {size} latents, as many as the encoder gives parameters of", f"shape {latents}"
        )
    likelihood.check_parameters(data, parameters)
    return size, data


def check_prior(prior, size, data):
    """Gives a prior the model's sizes, or refuses one that is no prior of `keras_dl.likelihoods` or does not fit.

    Args:
        prior: A layer.
        size: Number of latents.
        data: Shape of a sample, or `None`.
    """
    if not isinstance(prior, keras.layers.Layer):
        raise refusal("prior should be a Keras layer, like likelihoods.StandardNormal", prior=prior, error=TypeError)
    if isinstance(prior, Prior):
        prior.fit_to(size, data)
        return
    shape = tuple(prior().event_shape)
    if shape != (size,):
        raise refusal(f"prior should be over {size} latents, event shape ({size},)", f"event shape {shape}")
