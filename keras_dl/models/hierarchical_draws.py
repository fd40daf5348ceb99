"""How a hierarchical autoencoder chooses the latents of each group, on the way from the first to the last."""

import math

import tensorflow as tf


class PosteriorDraws:
    r"""Draws $z_l \sim q(z_l | x, z_{<l})$, and remembers what each group costs.

    A flow makes $z_l = f(z_0)$ of a draw from the normal: $\log q(z_l) = \log q_0(z_0) - \log|\det f'(z_0)|$.

    Args:
        model: The `HierarchicalVAE`.
        noise: List of standard normals, a tensor per group.
        flows: List of bijectors, one per group, or empty.
        training: Whether the flows are being trained.

    Attributes:
        rates: List of tensors `(batch,)`: the KL divergence in closed form, or with flows $\log q(z_l) - \log p(z_l)$.
        log_ratios: List of tensors `(batch,)`: $\log p(z_l) - \log q(z_l)$ of the draws.
    """

    def __init__(self, model, noise, flows=(), training=False):
        self.normals, self.groups = model.normals, model.decoder.groups
        self.noise, self.flows, self.training = noise, flows, training
        self.rates, self.log_ratios = [], []

    def choose(self, index, prior, posterior):
        """The group's latents; see `networks.TopDown.descend`."""
        p = self.normals.prior(prior)
        q = self.normals.posterior(posterior, prior, self.groups[index].prior is None)
        z = before = q.draw(self.noise[index])
        log_q = q.log_prob(before)
        if self.flows:
            z, log_det = flowed(self.flows[index], before, self.training)
            log_q -= log_det
        self.log_ratios.append(p.log_prob(z) - log_q)
        self.rates.append(-self.log_ratios[-1] if self.flows else q.kl_divergence(p))
        return z


class Means:
    """Takes the posterior's means of some groups, and the prior's draws at a temperature of the others.

    Args:
        model: The `HierarchicalVAE`.
        keep: Set of the numbers of groups that take the posterior.
        flows: List of bijectors, one per group, or empty.
        noise: List of standard normals, a tensor per group; `None` for the prior's means.
        temperature: Factor of the prior's standard deviations.

    Attributes:
        latents: List of the latents chosen, a tensor per group.
    """

    def __init__(self, model, keep=(), flows=(), noise=None, temperature=1.0):
        self.normals, self.groups = model.normals, model.decoder.groups
        self.keep, self.flows, self.noise, self.temperature = keep, flows, noise, temperature
        self.latents = []

    def choose(self, index, prior, posterior):
        """The group's latents; see `networks.TopDown.descend`."""
        if index in self.keep:
            z = self.normals.posterior(posterior, prior, self.groups[index].prior is None).loc
            z = flowed(self.flows[index], z)[0] if self.flows else z
        else:
            p = self.normals.prior(prior)
            z = p.loc if self.noise is None else p.draw(self.noise[index], self.temperature)
        self.latents.append(z)
        return z


class Chosen:
    """Takes latents as they are.

    Args:
        latents: List of tensors, one per group.
    """

    def __init__(self, latents):
        self.latents = latents

    def choose(self, index, prior, posterior):
        """The group's latents; see `networks.TopDown.descend`."""
        return self.latents[index]


def flowed(flow, z, training=False):
    """What a bijector of vectors makes of a group's latents, and the log-determinant."""
    shape = tf.shape(z)
    flat, log_det = flow.forward_and_log_det(_vectors(z), None, training)
    return tf.ensure_shape(tf.reshape(flat, shape), z.shape), log_det


def _vectors(z):
    return tf.reshape(z, [-1, math.prod(z.shape[1:])])
