#!/usr/bin/env bash
# KerasTuner 1.4.8 goes on with the old search space, without a word, if a project is run again after the model function
# was given other ranges: new trials are drawn from the old range, which the function, too, is answered with.
# Where the number of trials was reached, nothing is trained at all. Only overwrite=True or another project_name help.
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

print(f"keras {keras.__version__}, keras_tuner {kt.__version__}")
x = np.zeros((8, 1), "float32")


def tuner(least, most, max_trials):
    def build(hp):
        asked.append(hp.Int("units", least, most))
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(asked[-1]), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    asked = []
    made = kt.RandomSearch(build, objective="val_loss", max_trials=max_trials, seed=1, directory="search")
    made.search(x, x, validation_data=(x, x), verbose=0)
    return asked, [trial.hyperparameters.get("units") for trial in made.oracle.trials.values()]


_, first = tuner(1, 4, max_trials=2)
asked, second = tuner(100, 200, max_trials=4)
print(f"begun with 1 to 4: {first}; gone on with 100 to 200: {second}, of which built: {asked}")
trained, _ = tuner(1000, 2000, max_trials=4)
print(f"run again with 1000 to 2000 after all trials: {len(trained)} models built")

assert len(second) == 4 and max(second) <= 4, "the new range is searched"
assert trained == [], "something is built"
PROGRAM
