"""Mode coverage of adversarial networks on eight gaussians.

    python -m benchmarks.eight_gaussians --out benchmarks/results/eight_gaussians.json

Two-dimensional normal noise, networks of three hidden layers of 128, averaged weights. A
sample is good within three deviations (0.15) of the nearest centre; a mode is covered by at least 1% of the samples.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import keras

import keras_dl
from benchmarks.stamp import stamp

HIDDEN = (128, 128, 128)
NAME, DEVIATION = "eight_gaussians", 0.05
#: Generator steps, rows of an update, learning rates of generator and critic, beta_1.
GAMES = {
    "non_saturating_r1": {"steps": 10_000, "rows": 256, "rates": (1e-3, 1e-3), "beta_1": 0.5},
    "wgan_gp": {"steps": 4_000, "rows": 256, "rates": (1e-3, 2e-3), "beta_1": 0.0},
}


def build(game, seed):
    """Returns a compiled model of a game."""
    keras.utils.set_random_seed(seed)
    generator = keras_dl.networks.mlp_generator(2, (2,), HIDDEN, output_activation=None)
    critic = keras_dl.networks.mlp_critic((2,), HIDDEN)
    if game == "wgan_gp":
        options = {"gradient_penalty": 0.1, "critic_steps": 2, "ema_momentum": 0.99}
        model = keras_dl.models.WGANGP(generator, critic, seed=seed, **options)
    else:
        penalty = keras_dl.objectives.R1(0.1)
        model = keras_dl.models.GAN(generator, critic, penalty=penalty, ema_momentum=0.999, seed=seed)
    options = GAMES[game]

    def adam(rate, steps):
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
        return keras.optimizers.Adam(rate, beta_1=options["beta_1"], beta_2=0.99)

    model.compile(
        generator_optimizer=adam(options["rates"][0], options["steps"]),
        critic_optimizer=adam(options["rates"][1], options["steps"] * model.critic_steps),
    )
    return model


def coverage(samples):
    """The share of samples within three deviations of a centre, and how many modes at least 1% of them reach."""
    modes = keras_dl.metrics.mode_coverage(samples, keras_dl.data.centres(NAME), DEVIATION)
    good = round(float(modes.good.value), 4)
    return {"good": good, "modes": modes.covered, "shares": modes.shares.tolist()}


def run(game, seed):
    """Trains one model and returns what it reaches."""
    model, options = build(game, seed), GAMES[game]
    rows = options["rows"] * model.critic_steps
    x, _ = keras_dl.data.sample_points(NAME, rows * 200, seed=seed)
    start = time.perf_counter()
    model.fit(x, batch_size=rows, epochs=options["steps"] // 200, verbose=0)
    found = {"game": game, "seed": seed, "steps": options["steps"], "seconds": round(time.perf_counter() - start, 1)}
    return found | coverage(model.sample(10_000, seed=0).numpy())


def main():
    """Runs the games and seeds that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--games", default=",".join(GAMES))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--out", help="JSON file for the results")
    options = parser.parse_args()
    found = []
    for game in options.games.split(","):
        for seed in options.seeds.split(","):
            found.append(run(game, int(seed)))
            print(json.dumps(found[-1]), flush=True)
    if options.out:
        record = stamp()
        record |= {"command": "python -m benchmarks.eight_gaussians " + " ".join(sys.argv[1:]), "results": found}
        Path(options.out).parent.mkdir(parents=True, exist_ok=True)
        Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
