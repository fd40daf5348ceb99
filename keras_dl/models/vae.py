"""Variational autoencoders."""

import keras
import tensorflow as tf

from keras_dl import likelihoods
from keras_dl.checks import check_count, refusal
from keras_dl.models import monte_carlo, shapes, vae_checks, vae_signatures
from keras_dl.models.base import Draw, ObjectiveModel, Update, conditions
from keras_dl.models.endings import check_parameters
from keras_dl.objectives import ELBO


@keras.saving.register_keras_serializable(package="keras_dl")
class VAE(ObjectiveModel):
    r"""Variational autoencoder (Kingma & Welling 2014, "Auto-encoding variational Bayes").

    A decoder gives $p_\theta(x | z)$ with $z \sim p(z)$, an encoder the approximate posterior $q_\phi(z | x)$; both
    are trained to maximise the evidence lower bound, in nats a sample:

    $$\mathcal{L}(x) = \mathbb{E}_{q_\phi(z|x)}[\log p_\theta(x | z)] - \beta D_{KL}(q_\phi(z | x) \| p(z))$$

    Data are `x`, or `(x, condition)` where the networks are conditional (see `ConditionalVAE`). `fit` tracks `loss`,
    `elbo`, `rate` (the KL divergence) and `distortion` (minus the log-likelihood).

    Args:
        encoder: Built Keras model from `x` to the posterior's parameters, `(batch, 2 * latent_size)` for the Gaussian
            `[loc, log_scale]`. A conditional one takes `{"x": ..., "condition": ...}`.
        decoder: Built Keras model from latents `(batch, latent_size)` to the likelihood's parameters: logits for
            `"bernoulli"`, so without a last sigmoid. A conditional one takes `{"latents": ..., "condition": ...}`.
        likelihood: A `keras_dl.likelihoods.Likelihood`, or its name (`"bernoulli"`, `"gaussian"`,
            `"discretized_logistic"`).
        beta: Weight of the rate, a number or a schedule of the step (`keras_dl.objectives.Linear` and others).
        kl: `"analytic"` or `"monte_carlo"`.
        num_samples: Latents drawn a sample in training.
        free_bits: Nats a latent dimension below which the rate is not pushed.
        objective: An objective in place of `ELBO(beta, num_samples, kl, free_bits)`, such as `IWAE(50)`.
        posterior: Likelihood object that reads the encoder's output; `None` means `likelihoods.Gaussian()`.
        prior: Prior over latents, such as `likelihoods.MixturePrior(10)` or `VampPrior(500)`; `None` means
            `likelihoods.StandardNormal`.
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of averaged weights, used by everything but training and `evaluate`; `None` for none.
        name: Name of the model.

    Raises:
        ValueError: If encoder, decoder, likelihood and prior do not fit together.

    Example:

    >>> (x, _), _ = keras_dl.data.load("digits")
    >>> vae = keras_dl.models.VAE(
    ...     keras_dl.networks.mlp_encoder(x.shape[1:], latent_size=2, hidden=(16,)),
    ...     keras_dl.networks.mlp_decoder(2, x.shape[1:], hidden=(16,)),
    ... )
    >>> vae.compile(optimizer=keras.optimizers.Adam(1e-2))
    >>> history = vae.fit(x[:256], batch_size=64, epochs=2, verbose=0)
    >>> sorted(history.history)
    ['distortion', 'elbo', 'loss', 'rate']
    >>> vae.sample(3).shape
    TensorShape([3, 8, 8, 1])
    """

    has_conditions = True
    log_prob_kind = "estimate"
    averaged_networks = ("encoder", "decoder")

    def __init__(
        self,
        encoder,
        decoder,
        likelihood="bernoulli",
        beta=1.0,
        kl="analytic",
        num_samples=1,
        free_bits=0.0,
        objective=None,
        posterior=None,
        prior=None,
        seed=None,
        ema_momentum=None,
        name=None,
        **kwargs,
    ):
        likelihood = likelihoods.get(likelihood)
        posterior = likelihoods.Gaussian() if posterior is None else likelihoods.get(posterior, "posterior")
        latent_size = vae_checks.latent_size(encoder, decoder, posterior)
        prior = likelihoods.StandardNormal(latent_size) if prior is None else prior
        vae_checks.check_prior(prior, latent_size, encoder)
        vae_checks.check_output(encoder, decoder, likelihood)
        for key, network, reader in (("encoder", encoder, posterior), ("decoder", decoder, likelihood)):
            check_parameters(key, network, reader.reads, type(reader).__name__)
        networks = {"encoder": encoder, "decoder": decoder, "likelihood": likelihood}
        networks |= {"posterior": posterior, "prior": prior}
        if not (objective is None or (callable(objective) and hasattr(objective, "terms"))):
            raise refusal(
                "objective should be an object like keras_dl.objectives.IWAE(5)", objective=objective, error=TypeError
            )
        super().__init__(networks, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)
        self.latent_size = latent_size
        self.checks_values = not likelihood.of_ranges
        self.given_objective = objective
        self.objective = ELBO(beta, num_samples, kl, free_bits) if objective is None else objective

    def make_updates(self, optimizer):
        return (Update("vae", self.loss_terms, tuple(self.networks), optimizer, self.objective.terms),)

    def loss_terms(self, batch, draw):
        """The objective of every sample of a batch, and the terms to track; see `Update.loss`."""
        x, condition = conditions.unpack(batch)
        parameters = conditions.apply(self.encoder, "x", x, condition, draw.training)
        posterior = self.posterior(parameters)
        count = self.objective.num_samples
        epsilon = tf.transpose(draw.normal((count, self.latent_size)), [1, 0, 2])
        latents = self.posterior.reparameterize(posterior, epsilon)

        def log_likelihood(latents):
            return self.log_likelihood(self.decoder, x, latents, condition, draw.training)

        prior = self.prior_beside(self.encoder)()
        return self.objective(x, posterior, prior, latents, log_likelihood, self.state.step.value)

    def log_likelihood(self, decoder, x, latents, condition, training=False):
        """$\\log p(x | z)$ for latents of shape `(num_samples, batch, latent_size)`, shape `(num_samples, batch)`."""
        count, rows = tf.shape(latents)[0], tf.shape(latents)[1]
        if condition is not None:
            condition = tf.repeat(condition[None], count, 0)
            condition = tf.reshape(condition, tf.concat([[count * rows], tf.shape(condition)[2:]], 0))
        flat = tf.reshape(latents, [-1, self.latent_size])
        parameters = conditions.apply(decoder, "latents", flat, condition, training)
        parameters = tf.reshape(parameters, tf.concat([[count, rows], tf.shape(parameters)[1:]], 0))
        parameters.set_shape([None, None, *shapes.output_shape(decoder)])
        return self.likelihood(parameters, event_rank=parameters.shape.rank - 2).log_prob(x)

    def call(self, inputs, training=False):
        """Reconstructs `x`, or `(x, condition)`: what `predict` returns."""
        return self._reconstruct(*conditions.unpack(inputs))

    # What users call. Everything is compiled once and takes any number of rows.

    def encode(self, x, condition=None):
        """Returns the means of the posterior, $\\mathbb{E}_{q(z|x)}[z]$, shape `(batch, latent_size)`."""
        return self.as_graph(self._encode)(*self._inputs(x, condition))

    def decode(self, latents, condition=None):
        """Returns the mean of $p(x | z)$, shape `(batch, *data_shape)`, for latents `(batch, latent_size)`."""
        latents = shapes.as_latents(latents, self.latent_size)
        self._check_condition(condition, len(latents))
        return self.as_graph(self._decode)(latents, conditions.as_tensor(self.networks, condition))

    def from_latents(self, latents, condition=None):
        """Returns `decode(latents)`."""
        return self.decode(latents, condition)

    def reconstruct(self, x, condition=None):
        """Returns the mean of $p(x | z)$ at the posterior's mean, of the shape of `x`."""
        return self.as_graph(self._reconstruct)(*self._inputs(x, condition))

    def sample(self, num_samples, condition=None, seed=None):
        """Draws $z \\sim p(z)$ and returns the mean of $p(x | z)$.

        Args:
            num_samples: How many.
            condition: For conditional models: one condition, or one for each sample.
            seed: Integer that fixes the draw; `None` gives others at every call.

        Returns:
            Tensor of shape `(num_samples, *data_shape)`, on the scale of the data.
        """
        num_samples = check_count(num_samples, "num_samples")
        condition = conditions.repeated(self.networks, condition, num_samples)
        self._check_condition(condition, num_samples)
        condition = conditions.as_tensor(self.networks, condition)
        seed, call = self.sampling_seed(seed)
        return self.as_graph(self._sample)(tf.constant(num_samples), condition, seed, call)

    def posterior_of(self, x, condition=None):
        """Returns $q(z | x)$, a `tfp.distributions.Distribution` of batch shape `(batch,)`."""
        return self.posterior(self.as_graph(self.posterior_parameters)(*self._inputs(x, condition)))

    def log_prob(self, x, condition=None, num_samples=512, seed=None):
        """Returns the values of `log_density`, an estimate of $\\log p(x)$: shape `(batch,)`, in nats."""
        return self.log_density(x, condition, num_samples, seed).values

    def log_density(self, x, condition=None, num_samples=512, seed=None, kind="estimate"):  # type: ignore[override]
        r"""Estimates or bounds $\log p(x)$ by importance weights $w_k = p(x | z_k)\, p(z_k) / q(z_k | x)$.

        The estimate is $\log \tfrac1K \sum_k w_k$, the bound of `IWAE`, which tightens as samples grow; the bound is
        $\tfrac1K \sum_k \log w_k$, the evidence lower bound at $\beta = 1$.

        Evaluated in chunks: 5,000 samples an image need no more memory than 50.

        Args:
            x: Data, shape `(batch, *data_shape)`.
            condition: Their conditions, where the model is conditional.
            num_samples: $K$.
            seed: Integer that fixes the draws; `None` means the model's seed: the same draws at every call.
            kind: `"estimate"` or `"bound"`.

        Returns:
            A `keras_dl.likelihoods.LogDensity`: values and standard errors in nats, shape `(batch,)`.
        """
        x, condition = self._inputs(x, condition)
        return monte_carlo.log_density(self, self._weigh_latents, x, condition, num_samples, seed, kind)

    def anomaly_score(self, x, condition=None, score="likelihood", num_samples=512):
        r"""Returns how unlike the training data each sample is: higher for anomalies; see `keras_dl.metrics.roc_auc`.

        Args:
            x: Data, shape `(batch, *data_shape)`.
            condition: Their conditions, where the model is conditional.
            score: `"likelihood"`, $-\log p(x)$ in nats as `log_prob` estimates it; or `"reconstruction"`,
                $|x - \hat x|^2$, the squared error of `reconstruct`.
            num_samples: Latents of the likelihood.

        Returns:
            Tensor of shape `(batch,)`.

        Raises:
            ValueError: If there is no such score.
        """
        if score == "likelihood":
            return -self.log_prob(x, condition, num_samples)
        if score != "reconstruction":
            raise refusal("`score` should be 'likelihood' or 'reconstruction'", score=score)
        error = tf.square(self.reconstruct(x, condition) - tf.cast(x, tf.float32))
        return tf.reduce_sum(error, list(range(1, error.shape.rank)))

    def signatures(self):
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        return vae_signatures.signatures(self)

    def check_data(self, data):
        x, condition = conditions.unpack(data)
        shapes.check_x(x, shapes.input_shape(self.encoder, "x"))
        self.likelihood.check(x)
        self._check_condition(condition, len(x))

    def check_inputs(self, inputs):
        self.check_data(inputs)

    def get_config(self):
        objective = self.given_objective
        own = {} if objective is not None else self.objective.get_config()
        parts = {k: keras.saving.serialize_keras_object(getattr(self, k)) for k in self.network_names}
        return {
            **super().get_config(),
            **parts,
            **own,
            "objective": None if objective is None else keras.saving.serialize_keras_object(objective),
        }

    @classmethod
    def from_config(cls, config):
        loaded = {k: keras.saving.deserialize_keras_object(v) for k, v in config.items() if isinstance(v, dict)}
        return cls(**{**config, **loaded})

    # The graphs behind them.

    def posterior_parameters(self, x, condition=None):
        return conditions.apply(self.averaged("encoder"), "x", x, condition)

    def prior_beside(self, encoder):
        """What gives $p(z)$ and its draws; a prior that reads the encoder, `VampPrior`, reads the one given."""
        if not isinstance(self.prior, likelihoods.Prior):
            return self.prior

        def encode(x, index):
            return self.posterior(conditions.apply(encoder, "x", x, conditions.labels_in_turn(encoder, index)))

        return self.prior.beside(encode, self.posterior.reparameterize)

    def _encode(self, x, condition=None):
        return self.posterior(self.posterior_parameters(x, condition)).mean()

    def _decode(self, latents, condition=None):
        return self.likelihood.mean(conditions.apply(self.averaged("decoder"), "latents", latents, condition))

    def _reconstruct(self, x, condition=None):
        return self._decode(self._encode(x, condition), condition)

    def _sample(self, num_samples, condition, seed, call):
        draw = Draw.for_sampling(seed, call, num_samples)
        if isinstance(self.prior, likelihoods.Prior):
            return self._decode(self.prior_beside(self.averaged("encoder")).draw_latents(draw), condition)
        return self._decode(draw.normal((self.latent_size,)), condition)

    def _weigh_latents(self, x, condition, num_samples, seed, offset):
        return monte_carlo.weigh_latents(self, x, condition, num_samples, seed, offset)

    def _inputs(self, x, condition):
        """Checked tensors of data and condition."""
        if not shapes.is_symbolic(x):
            x = shapes.as_rows(x, shapes.input_shape(self.encoder, "x"))
            self.check_data((x, condition))
        return tf.cast(x, tf.float32), conditions.as_tensor(self.networks, condition)

    def _check_condition(self, condition, rows):
        conditions.check([self.encoder, self.decoder], condition, rows)


@keras.saving.register_keras_serializable(package="keras_dl")
class ConditionalVAE(VAE):
    r"""Conditional variational autoencoder: $p(x | y)$ for labels or vectors $y$.

    (Sohn et al. 2015, "Learning structured output representation using deep conditional generative models".)

    The same model and bound as `VAE` with everything conditioned on $y$; data are `(x, condition)`.

    Args:
        encoder: Encoder that takes `{"x": ..., "condition": ...}`.
        decoder: Decoder that takes `{"latents": ..., "condition": ...}`.
        **kwargs: As for `VAE`.

    Example:

    >>> (x, y), _ = keras_dl.data.load("digits")
    >>> cvae = keras_dl.models.ConditionalVAE(
    ...     keras_dl.networks.mlp_encoder(x.shape[1:], 2, hidden=(16,), num_classes=10),
    ...     keras_dl.networks.mlp_decoder(2, x.shape[1:], hidden=(16,), num_classes=10),
    ... )
    >>> cvae.sample(2, condition=[3, 7]).shape
    TensorShape([2, 8, 8, 1])
    """

    def __init__(self, encoder, decoder, *args, **kwargs):
        if not conditions.takes_condition(decoder):
            raise refusal("decoder should be conditional: its input a dict with 'condition'", "one without")
        super().__init__(encoder, decoder, *args, **kwargs)
