#!/usr/bin/env bash
# KerasTuner 1.4.8, given an objective by name, minimizes metrics that are better if larger: f1_score, r2_score, the
# binary IoU, the metric cosine_similarity and others. `get_best_hyperparameters` then returns the worst trial.
# A `keras_tuner.Objective(name, direction)` is safe. Keras' own metrics carry the direction (`_direction`, which
# EarlyStopping reads), but KerasTuner has a list of its own and takes what is missing there for "min".
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet keras==3.15.1 keras-tuner==1.4.8 jax==0.6.2 six==1.17.0
cd "$folder"
KERAS_BACKEND=jax "$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import keras
import keras_tuner as kt
import numpy as np
from keras_tuner.engine.metrics_tracking import infer_metric_direction

print(f"keras {keras.__version__}, keras_tuner {kt.__version__}")
wrong = []
metrics = [keras.metrics.F1Score(), keras.metrics.R2Score(), keras.metrics.BinaryIoU(), keras.metrics.CosineSimilarity()]
metrics += [keras.metrics.PearsonCorrelation(), keras.metrics.ConcordanceCorrelation()]
for metric in metrics:
    keras_says = {"up": "max", "down": "min"}[metric._direction]
    tuner_says = infer_metric_direction(metric.name)
    print(f"{metric.name}: Keras {keras_says}, KerasTuner {tuner_says}")
    wrong += [metric.name] * (keras_says != tuner_says)

x = np.linspace(-1, 1, 64, dtype="float32")[:, None]
y = 2 * x


def build(hp):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    rate = hp.Choice("learning_rate", [0.1, 1e-6])
    model.compile(keras.optimizers.SGD(rate), "mse", metrics=[keras.metrics.R2Score()])
    return model


tuner = kt.GridSearch(build, objective="val_r2_score", directory="search", max_trials=2)
tuner.search(x, y, validation_data=(x, y), epochs=20, verbose=0)
scores = {t.hyperparameters.get("learning_rate"): t.score for t in tuner.oracle.trials.values()}
best = tuner.get_best_hyperparameters()[0].get("learning_rate")
print(f"R2 by learning rate: { {rate: round(score, 3) for rate, score in scores.items()} }; returned as the best: {best}")

assert len(wrong) == len(metrics), f"only these are inferred wrongly: {wrong}"
assert scores[best] == min(scores.values()) < max(scores.values()), "the best trial is returned"
PROGRAM
