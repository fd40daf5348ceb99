"""Networks saved and loaded in a fresh process."""

import numpy as np

from keras_dl import networks
from tests.contracts.fresh_process import outputs_after_reload


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def test_reload_in_a_fresh_process(tmp_path):
    labels, x, z = np.array([0, 2, 1]), normal(3, 7, 9, 2), normal(3, 4)
    small = {"hidden": (6,)}
    models = {
        "mlp_encoder": (networks.mlp_encoder((7, 9, 2), 4, num_classes=3, **small), {"x": x, "condition": labels}),
        "mlp_decoder": (networks.mlp_decoder(4, (7, 9, 2), output_bias=normal(7, 9, 2), **small), z),
        "conv_encoder": (networks.conv_encoder((7, 9, 2), 4, filters=(2, 3), **small), x),
        "conv_decoder": (
            networks.conv_decoder(4, (7, 9, 2), filters=(3, 2), condition_shape=(5,), **small),
            {"latents": z, "condition": normal(3, 5)},
        ),
    }
    outputs = outputs_after_reload(models, tmp_path)
    for name, (model, inputs) in models.items():
        np.testing.assert_array_equal(outputs[name], model(inputs), err_msg=name)
