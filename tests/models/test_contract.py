import keras
import numpy as np

from tests.contracts.model import check_model
from tests.models.builders import images, small_classifier, small_vae


def adam():
    return {"optimizer": keras.optimizers.Adam(1e-2), "jit_compile": False}


def test_vae(tmp_path):
    check_model(lambda: small_vae(dropout=0.2, ema_momentum=0.9), adam, (images(10),), tmp_path)


def test_conditional_vae(tmp_path):
    check_model(lambda: small_vae(num_classes=3), adam, (images(10), np.arange(10) % 3), tmp_path)


def test_supervised(tmp_path):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def options():
        return {**adam(), "loss": loss, "metrics": ["accuracy"]}

    check_model(small_classifier, options, (images(10), np.arange(10) % 3), tmp_path)
