"""Weights in the layout of stylegan2-ada-pytorch against a forward pass written in that layout."""

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import networks
from tests.layers.test_filtered import normal, resample

SMALL = {"filters": 2, "max_filters": 4}


def generator_arrays():
    """A state dict for 8 pixels, styles of 5, channels 4 and 2 and one layer of mapping."""
    shapes = {
        "mapping.fc0.weight": (5, 3), "mapping.fc0.bias": (5,), "mapping.w_avg": (5,),
        "synthesis.b4.const": (4, 4, 4),
    }  # fmt: skip
    for name, inputs, outputs, size in (("b4.conv1", 4, 4, 4), ("b8.conv0", 4, 2, 8), ("b8.conv1", 2, 2, 8)):
        shapes |= {f"synthesis.{name}.weight": (outputs, inputs, 3, 3), f"synthesis.{name}.bias": (outputs,)}
        shapes |= {f"synthesis.{name}.noise_const": (size, size), f"synthesis.{name}.noise_strength": ()}
        shapes |= {f"synthesis.{name}.affine.weight": (inputs, 5), f"synthesis.{name}.affine.bias": (inputs,)}
    for name, inputs in (("b4.torgb", 4), ("b8.torgb", 2)):
        shapes |= {f"synthesis.{name}.weight": (1, inputs, 1, 1), f"synthesis.{name}.bias": (1,)}
        shapes |= {f"synthesis.{name}.affine.weight": (inputs, 5), f"synthesis.{name}.affine.bias": (inputs,)}
    return {name: normal(*shape, seed=seed) for seed, (name, shape) in enumerate(shapes.items())}


def rectified(x):
    return np.sqrt(2) * np.where(x > 0, x, 0.2 * x)


def kernels(arrays, name, w, demodulate):
    """Each sample's kernel, `(rows, height, width, inputs, outputs)`."""
    weight = arrays[f"{name}.weight"]
    styles = w @ arrays[f"{name}.affine.weight"].T / np.sqrt(5) + arrays[f"{name}.affine.bias"]
    if not demodulate:
        styles = styles / np.sqrt(weight[0].size)
    modulated = weight[None] * styles[:, None, :, None, None]
    if demodulate:
        modulated = modulated / np.sqrt((modulated**2).sum((2, 3, 4), keepdims=True) + 1e-8)
    return modulated.transpose(0, 3, 4, 2, 1).astype("float32")


def convolved(x, single, padding):
    rows = [tf.nn.conv2d(x[i : i + 1].astype("float32"), single[i], 1, padding)[0] for i in range(len(x))]
    return np.stack(rows)


def layer(arrays, x, w, name, up=False):
    single = kernels(arrays, name, w, True)
    if up:
        x = convolved(resample(x, 2, 1, (3, 2), 4.0), single[:, ::-1, ::-1], "VALID")
    else:
        x = convolved(x, single, "SAME")
    x = x + (arrays[f"{name}.noise_const"] * arrays[f"{name}.noise_strength"])[:, :, None]
    return rectified(x + arrays[f"{name}.bias"])


def forward(arrays, z):
    w = z / np.sqrt((z**2).mean(1, keepdims=True) + 1e-8)
    weight, bias = 0.01 * arrays["mapping.fc0.weight"], 0.01 * arrays["mapping.fc0.bias"]
    w = rectified(w @ weight.T / np.sqrt(3) + bias)
    x = np.repeat(arrays["synthesis.b4.const"].transpose(1, 2, 0)[None], len(z), axis=0)
    x = layer(arrays, x, w, "synthesis.b4.conv1")
    image = colours(arrays, x, w, "synthesis.b4.torgb")
    x = layer(arrays, x, w, "synthesis.b8.conv0", up=True)
    x = layer(arrays, x, w, "synthesis.b8.conv1")
    return resample(image, 2, 1, (2, 1), 4.0) + colours(arrays, x, w, "synthesis.b8.torgb")


def colours(arrays, x, w, name):
    return convolved(x, kernels(arrays, name, w, False), "SAME") + arrays[f"{name}.bias"]


def generator():
    options = {"mapping_layers": 1, "output_activation": None, **SMALL}
    return networks.stylegan_generator((8, 8, 1), 3, 5, **options)


def test_generator(tmp_path):
    arrays, network, z = generator_arrays(), generator(), normal(3, 3)
    np.savez(tmp_path / "g.npz", **arrays)
    mean = networks.load_stylegan2_weights(network, tmp_path / "g.npz")
    np.testing.assert_allclose(network(z), forward(arrays, z), atol=1e-4)
    np.testing.assert_array_equal(mean, arrays["mapping.w_avg"])


def test_critic():
    shapes = {
        "b8.fromrgb.weight": (2, 1, 1, 1), "b8.fromrgb.bias": (2,), "b8.conv0.weight": (2, 2, 3, 3),
        "b8.conv0.bias": (2,), "b8.conv1.weight": (4, 2, 3, 3), "b8.conv1.bias": (4,), "b8.skip.weight": (4, 2, 1, 1),
        "b4.conv.weight": (4, 5, 3, 3), "b4.conv.bias": (4,), "b4.fc.weight": (4, 64), "b4.fc.bias": (4,),
        "b4.out.weight": (1, 4), "b4.out.bias": (1,),
    }  # fmt: skip
    arrays = {name: normal(*shape, seed=seed) for seed, (name, shape) in enumerate(shapes.items())}
    network, x = networks.stylegan_critic((8, 8, 1), group_size=4, **SMALL), normal(4, 8, 8, 1)
    assert networks.load_stylegan2_weights(network, arrays) is None

    def conv(x, name, padding="SAME", strides=1):
        kernel = arrays[f"{name}.weight"].transpose(2, 3, 1, 0)
        x = tf.nn.conv2d(x.astype("float32"), kernel / np.sqrt(kernel[..., 0].size), strides, padding).numpy()
        return x + arrays.get(f"{name}.bias", 0)

    y = rectified(conv(x, "b8.fromrgb"))
    shortcut = conv(resample(y, 1, 2, (1, 1), 1.0), "b8.skip")
    y = rectified(conv(y, "b8.conv0"))
    y = (rectified(conv(resample(y, 1, 1, (2, 2), 1.0), "b8.conv1", "VALID", 2)) + shortcut) / np.sqrt(2)
    deviation = np.sqrt(y.var(0) + 1e-8).mean() * np.ones((4, 4, 4, 1))
    y = rectified(conv(np.concatenate([y, deviation], -1), "b4.conv")).transpose(0, 3, 1, 2).reshape(4, 64)
    y = rectified(y @ arrays["b4.fc.weight"].T / 8 + arrays["b4.fc.bias"])
    np.testing.assert_allclose(network(x), y @ arrays["b4.out.weight"].T / 2 + arrays["b4.out.bias"], atol=1e-4)


def test_state_dicts_that_do_not_fit_are_refused_and_change_nothing():
    arrays, network = generator_arrays(), generator()
    weights = network.get_weights()
    with pytest.raises(ValueError, match=r"Received: none named synthesis\.b8\.conv1\.bias"):
        networks.load_stylegan2_weights(network, {k: v for k, v in arrays.items() if k != "synthesis.b8.conv1.bias"})
    with pytest.raises(ValueError, match=r"synthesis\.b8\.torgb\.weight should give .* Received: "):
        networks.load_stylegan2_weights(network, {**arrays, "synthesis.b8.torgb.weight": normal(3, 2, 1, 1)})
    for before, after in zip(weights, network.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
