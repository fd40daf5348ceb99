"""Super-resolution: tiles equal to the whole, the reach of networks, averages over turned images, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import metrics, models, networks
from keras_dl.data.images import Degradation, ImagePatches, Images
from keras_dl.data.images.patches import turned, turned_back
from keras_dl.models import tiling
from tests.data.images.test_folders import array


def edsr(scale=2):
    keras.utils.set_random_seed(0)
    return networks.edsr(scale=scale, filters=4, num_blocks=2, enlarged_input=True)


def images(*shape):
    return np.random.default_rng(0).random(shape).astype("float32")


@pytest.mark.parametrize("scale", [2, 3])
def test_tiles_are_the_whole(scale):
    model = models.SuperResolution(edsr(scale))
    x = images(2, 37, 26, 3)
    whole = model.upscale(x)
    assert whole.shape == (2, 37 * scale, 26 * scale, 3)
    np.testing.assert_allclose(whole, model.network(x), atol=1e-5)
    np.testing.assert_allclose(model.upscale(x, tile=8), whole, atol=1e-5)
    np.testing.assert_allclose(model.upscale(x[0], tile=11), whole[0], atol=1e-5)
    assert np.abs(model.upscale(x, tile=8, overlap=1) - whole).max() > 1e-4


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"])
def test_tiles_of_every_interpolation_are_the_whole(interpolation):
    inputs = keras.Input((None, None, 1))
    outputs = keras.layers.UpSampling2D(2, interpolation=interpolation)(inputs)
    model = models.SuperResolution(keras.Model(inputs, outputs))
    x = images(1, 23, 19, 1)
    np.testing.assert_allclose(model.upscale(x, tile=5), model.upscale(x), atol=1e-5)


def test_the_reach_is_where_gradients_end():
    for network in (edsr(2), networks.rrdb(scale=4, filters=2, growth=2, num_blocks=1), networks.espcn()):
        for weight in network.trainable_weights:
            weight.assign(tf.fill(weight.shape, 0.02))  # cancels nothing and saturates nothing
        x = tf.ones((1, 101, 101, network.input_shape[-1]))
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = network(x)
            value = y[0, y.shape[1] // 2, y.shape[2] // 2, 0]
        rows = np.flatnonzero(tf.reduce_sum(tf.abs(tape.gradient(value, x)), (0, 2, 3)))
        furthest = max(50 - rows.min(), rows.max() - 50)
        assert furthest <= tiling.reach(network) <= furthest + 2, network.name


def test_windows_have_one_size_and_cover_all():
    for size, tile, overlap in ((10, 4, 1), (100, 7, 3), (5, 8, 2), (9, 9, 0)):
        parts = tiling.tiles(size, tile, overlap)
        assert len({length for _, length, _, _ in parts}) == 1
        covered = [pixel for _, _, first, last in parts for pixel in range(first, last)]
        assert covered == list(range(size))
        for start, length, first, last in parts:
            assert 0 <= start <= max(first - overlap, 0)
            assert min(last + overlap, size) <= start + length <= size


def test_memory_maps_are_read_and_written_window_by_window(tmp_path):
    class Rows:
        """An image that counts how many pixels are asked for at once."""

        def __init__(self, x):
            self.x, self.shape, self.most = x, x.shape, 0

        def __len__(self):
            return len(self.x)

        def __getitem__(self, key):
            part = self.x[key]
            self.most = max(self.most, part.size)
            return part

    model = models.SuperResolution(networks.espcn((None, None, 1), 2, (2,), (3, 3)))
    most = []
    for height in (40, 160):
        x = Rows(images(1, height, 24, 1))
        out = np.lib.format.open_memmap(tmp_path / f"{height}.npy", "w+", "float32", (1, 2 * height, 48, 1))
        assert model.upscale(x, tile=8, out=out) is out
        np.testing.assert_allclose(out, model.network(x.x), atol=1e-5)
        most.append(x.most)
    assert most == [12 * 12, 12 * 12]


def test_an_ensemble_is_the_mean_of_eight():
    model = models.SuperResolution(edsr())
    x = images(1, 12, 9, 3)
    expected = np.mean([turned_back(model.network(turned(x, way)).numpy(), way) for way in range(8)], axis=0)
    np.testing.assert_allclose(model.upscale(x, ensemble=True), expected, atol=1e-5)
    np.testing.assert_allclose(model.upscale(turned(x, 3), ensemble=True), turned(expected, 3), atol=1e-5)
    np.testing.assert_allclose(model.upscale(x, tile=5, ensemble=True), expected, atol=1e-5)


def test_training_lowers_the_loss():
    model = models.SuperResolution(edsr(), "mse", seed=0, ema_momentum=0.9)
    model.compile(keras.optimizers.Adam(3e-3), metrics=[metrics.PSNR()])
    data = ImagePatches(Images([array(24, 24)]), 16, Degradation(2), batch_size=4).dataset(6)
    history = model.fit(data, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert history["psnr"][-1] > history["psnr"][0]
    averaged = model.averaged("network")
    assert averaged is not model.network
    x = images(1, 8, 8, 3)
    np.testing.assert_allclose(model.upscale(x), averaged(x), atol=1e-5)


def test_exports_take_any_size(tmp_path):
    model = models.SuperResolution(edsr())
    model.export(str(tmp_path / "model"))
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["predict"]
    x = images(1, 9, 14, 3)
    np.testing.assert_allclose(served(x=tf.constant(x))["predictions"], model.upscale(x), atol=1e-5)


def test_a_client_cuts_what_an_exported_model_enlarges(tmp_path):
    model = models.SuperResolution(edsr())
    model.export(str(tmp_path / "model"))
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["predict"]
    x = images(1, 40, 29, 3)
    whole, reach = model.upscale(x), tiling.reach(model.network)
    result = np.full_like(whole, np.nan)
    for top, height, first, last in tiling.tiles(40, 12, reach):
        for left, width, begin, end in tiling.tiles(29, 12, reach):
            part = served(x=tf.constant(x[:, top : top + height, left : left + width]))["predictions"]
            inner = part[:, 2 * (first - top) : 2 * (last - top), 2 * (begin - left) : 2 * (end - left)]
            result[:, 2 * first : 2 * last, 2 * begin : 2 * end] = inner
    np.testing.assert_allclose(result, whole, atol=1e-5)


@pytest.mark.full
def test_other_formats_take_any_size(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    model = models.SuperResolution(networks.espcn((None, None, 3), 2, (4,), (3, 3)))
    model.export(str(tmp_path / "model.onnx"), format="onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    for height, width in ((9, 14), (6, 5)):
        x = images(2, height, width, 3)
        np.testing.assert_allclose(session.run(None, {session.get_inputs()[0].name: x})[0], model.upscale(x), atol=1e-4)


@pytest.mark.full
@pytest.mark.parametrize("name", ["edsr", "srresnet", "rrdb", "espcn"])
def test_litert_files_take_any_size(name, tmp_path):
    sizes = {} if name == "espcn" else {"filters": 4, "num_blocks": 1}
    model = models.SuperResolution(getattr(networks, name)((None, None, 3), 2, enlarged_input=True, **sizes))
    model.export(str(tmp_path / "model.tflite"), format="litert")
    file = tf.lite.Interpreter(model_path=str(tmp_path / "model.tflite")).get_signature_runner("predict")
    for height, width in ((9, 14), (6, 5)):
        x = images(2, height, width, 3)
        (values,) = file(**{next(iter(file.get_input_details())): x}).values()
        np.testing.assert_allclose(values, model.upscale(x), atol=1e-4)


def test_a_list_of_images_is_an_array_of_them():
    model, x = models.SuperResolution(edsr()), images(2, 8, 6, 3)
    np.testing.assert_array_equal(model.upscale(list(x)), model.upscale(x))
    np.testing.assert_array_equal(model.upscale(x[0].tolist()), model.upscale(x[0]))
    with pytest.raises(ValueError, match=r"images of one size: .* Received: shapes \[\(6, 8, 3\), \(8, 6, 3\)\]"):
        model.upscale([x[0], x[0].transpose(1, 0, 2)])
    for wrong in ([], "photo.png", None):
        with pytest.raises((TypeError, ValueError), match="x should .*Received: "):
            model.upscale(wrong)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_pixels_of_0_to_255_are_refused(dtype):
    small, large = (np.full((2, side, side, 3), 200, dtype) for side in (4, 8))
    model = models.SuperResolution(edsr())
    scaled = small / np.float32(255), large / np.float32(255)
    for x, y, name in ((small, scaled[1], "small images"), (scaled[0], large, "large images")):
        with pytest.raises(ValueError, match=f"{name} should lie in \\[0, 1\\]: divide pixels of 0 to 255 by 255"):
            model.check_data((x, y))
    with pytest.raises(ValueError, match="x should lie in \\[0, 1\\].*Received: values from 200"):
        model.upscale(small, tile=2)
    with pytest.raises(ValueError, match="x should lie in \\[0, 1\\].*Received: values from 200"):
        model.predict(small, verbose=0)
    noisy = np.full((2, 4, 4, 3), 1.2, "float32")  # noise may lead beyond
    model.check_data((noisy, scaled[1]))


@pytest.mark.parametrize("out", [np.empty((8, 8, 3), "uint8"), np.empty((8, 8, 3)).tolist(), tf.zeros((8, 8, 3))])
def test_what_takes_the_result_holds_floats(out):
    """Whole numbers were cut to 0 and 1."""
    with pytest.raises(TypeError, match="`out` should be an array of floats. Received: "):
        models.SuperResolution(edsr()).upscale(images(4, 4, 3), out=out)


@pytest.mark.parametrize(
    "make",
    [
        lambda: models.SuperResolution(networks.mlp_critic((4, 4, 1), hidden=(2,))),
        lambda: models.SuperResolution(networks.patch_critic((32, 32, 3), filters=2)),
        lambda: models.SuperResolution(edsr()).upscale(images(1, 8, 8, 1)),
        lambda: models.SuperResolution(edsr()).upscale(images(1, 8, 8, 3), tile=0),
        lambda: models.SuperResolution(edsr()).upscale(images(1, 8, 8, 3), ensemble=2),
        lambda: models.SuperResolution(edsr()).upscale(images(8, 8, 3), out=np.empty((8, 8, 3))),
        lambda: tiling.reach(networks.resnet_translator(filters=2, num_blocks=1)),
        lambda: models.SuperResolution(edsr()).check_data((images(2, 8, 8, 3), images(2, 8, 16, 3))),
        lambda: models.SuperResolution(edsr()).check_inputs(images(2, 8, 8, 1)),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()
