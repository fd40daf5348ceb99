"""Held-out log-likelihood of normalizing flows on the wine tables, beside a Gaussian.

    python -m benchmarks.flows --folds 10 --out benchmarks/results/flows.json

Of two columns with a correlation above 0.98 the later one is dropped, the others are standardised, and a tenth of the
rows is held out per fold (Uria et al. 2013, "RNADE"); the quality is no column. A tenth of the training rows, drawn by
the fold, decides when training stops. Nats per row; standard errors are those over folds.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
import scipy.stats

import keras_dl
from benchmarks.linear import processor
from benchmarks.stamp import stamp
from keras_dl.data import tables

TABLES = ("wine_quality_red", "wine_quality_white")
HIDDEN, RATE, ROWS, MOST_EPOCHS, PATIENCE = (64, 64), 1e-3, 128, 300, 30


def gaussian(train, valid, held_out, fold):
    """The log-likelihood of held-out rows under the Gaussian of all training rows."""
    x = np.concatenate([train, valid]).astype("float64")
    return scipy.stats.multivariate_normal(x.mean(0), np.cov(x.T, bias=True)).logpdf(held_out).mean()


def trained(build):
    """Returns a function like `gaussian` for a flow of a shape and a seed."""

    def measure(train, valid, held_out, fold):
        keras.utils.set_random_seed(fold)
        model = build(train.shape[1:], fold)
        model.compile(keras.optimizers.AdamW(RATE, weight_decay=1e-4), jit_compile=False)
        stop = keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE, restore_best_weights=True)
        options = {"validation_data": (valid,), "callbacks": [stop], "verbose": 0}
        model.fit(train, batch_size=ROWS, epochs=MOST_EPOCHS, **options)
        return float(np.mean(model.log_prob(held_out)))

    return measure


MODELS = {
    "gaussian": gaussian,
    "maf": trained(lambda shape, seed: keras_dl.models.MAF(shape, 5, HIDDEN, seed=seed)),
    "nsf": trained(lambda shape, seed: keras_dl.models.NeuralSplineFlow(shape, 5, HIDDEN, seed=seed)),
}


def rows_of(table, fold):
    """Training, validation and held-out rows of a fold."""
    (x, _), (held_out, _) = tables.load(table, fold)
    order = np.random.default_rng(fold).permutation(len(x))
    count = len(x) // 10
    return x[order[count:]], x[order[:count]], held_out


def measured(table, name, folds):
    """Log-likelihoods of the first folds of a table."""
    values = []
    for fold in range(folds):
        start = time.perf_counter()
        values.append(float(MODELS[name](*rows_of(table, fold), fold)))
        print(f"{table} {name} fold {fold}: {values[-1]:.2f} in {time.perf_counter() - start:.0f} s", flush=True)
    error = float(np.std(values, ddof=1) / np.sqrt(folds)) if folds > 1 else None
    summary = {"table": table, "model": name, "log_prob": round(float(np.mean(values)), 3)}
    summary["standard_error"] = None if error is None else round(error, 3)
    return {**summary, "folds": [round(value, 3) for value in values]}


def main():
    """Measures every model on the tables and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folds", type=int, default=10, help="how many of the ten folds")
    parser.add_argument("--tables", nargs="+", default=TABLES, choices=TABLES)
    parser.add_argument("--out", required=True, help="JSON file to write")
    options = parser.parse_args()
    results = [measured(table, name, options.folds) for table in options.tables for name in MODELS]
    command = f"python -m benchmarks.flows --folds {options.folds} --tables {' '.join(options.tables)}"
    record = {**stamp(), "command": command, "processor": processor()}
    record |= {"seed": "the number of the fold", "results": results}
    Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
