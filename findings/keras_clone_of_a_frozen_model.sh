#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow 2.21.0: clone_model of a frozen functional model says that the clone trains, but all of its
# layers are frozen, and `clone.trainable = True` changes nothing: with this backend an attribute that is set to what it
# already is returns before Keras' setter hands it on to the layers. A fit moves no weight, without a word. A clone of a
# Sequential, a model made of the configuration, and `trainable = False` followed by True train.
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow==2.21.0 keras==3.15.1
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import keras
import numpy as np
import tensorflow as tf


def functional():
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2)(inputs))


def sequential():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def frozen(build):
    model = build()
    model.trainable = False
    return model


def unfrozen(model):
    """How many weights train after `trainable = True`."""
    model.trainable = True
    return len(model.trainable_variables)


print(f"keras {keras.__version__}, tensorflow {tf.__version__}")
clone = keras.models.clone_model(frozen(functional))
says = clone.trainable
found = {
    "clone": unfrozen(clone),
    "clone of a Sequential": unfrozen(keras.models.clone_model(frozen(sequential))),
    "from_config": unfrozen(keras.Model.from_config(frozen(functional).get_config())),
    "the model itself": unfrozen(frozen(functional)),
}
before = clone.get_weights()[0]
clone.compile("sgd", "mse")
clone.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
moved = bool(np.any(clone.get_weights()[0] != before))
clone.trainable = False
found["clone, frozen once more"] = unfrozen(clone)
print(f"the clone says that it trains: {says}; a fit moves its weights: {moved}")
for name, count in found.items():
    print(f"{name}: {count} weights train after trainable = True")
assert says and not moved, "the clone is no longer what it was"
assert list(found.values()) == [0, 2, 2, 2, 2], "other weights train now"
PROGRAM
