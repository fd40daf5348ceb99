"""Quality of enlarged images: against scikit-image by the same conventions, and a multi-scale index by hand."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import color
from skimage import metrics as skimage_metrics

from keras_dl import metrics, networks


def images(rows=2, height=40, width=36, channels=3, seed=0):
    """Smooth images and noisy versions of them."""
    rng = np.random.default_rng(seed)
    x = ndimage.gaussian_filter(rng.random((rows, height, width, channels)), (0, 2, 2, 0))
    x = (x - x.min()) / np.ptp(x)
    noisy = np.clip(x + 0.05 * rng.standard_normal(x.shape), 0, 1)
    return tuple((np.round(255 * part) / 255).astype("float32") for part in (noisy, x))


def luma(x):
    """scikit-image's luma of ITU-R BT.601, from 16 to 235."""
    return color.rgb2ycbcr(x.astype("float64"))[..., 0]


def shaved(x, pixels):
    return x[pixels:-pixels, pixels:-pixels]


@pytest.mark.parametrize("shave", [2, 4])
def test_psnr_of_the_luma_is_scikit_images(shave):
    x, y = images()
    values = metrics.peak_signal_noise_ratio(x, y, shave=shave)
    for value, a, b in zip(values, x, y, strict=True):
        pair = shaved(luma(b), shave), shaved(luma(a), shave)
        assert float(value) == pytest.approx(skimage_metrics.peak_signal_noise_ratio(*pair, data_range=255), abs=1e-4)


@pytest.mark.parametrize("shave", [2, 3])
def test_ssim_of_the_luma_is_scikit_images(shave):
    x, y = images()
    values = metrics.structural_similarity(x, y, shave=shave)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    for value, a, b in zip(values, x, y, strict=True):
        pair = shaved(luma(b), shave), shaved(luma(a), shave)
        assert float(value) == pytest.approx(skimage_metrics.structural_similarity(*pair, **options), abs=1e-4)


def test_all_channels_without_rounding():
    x, y = images(channels=1)
    x = x + 0.0007
    value = metrics.peak_signal_noise_ratio(x, y, channels="all", rounded=False)[0]
    expected = -10 * np.log10(np.mean((x[0].astype("float64") - y[0]) ** 2))
    assert float(value) == pytest.approx(expected, abs=1e-4)
    rounded = metrics.peak_signal_noise_ratio(x, y, channels="all")[0]
    expected = -10 * np.log10(np.mean((np.clip(np.round(255 * x[0]) / 255, 0, 1) - y[0].astype("float64")) ** 2))
    assert float(rounded) == pytest.approx(expected, abs=1e-4)


def test_equal_images():
    _, y = images(1)
    assert float(metrics.peak_signal_noise_ratio(y, y)[0]) == pytest.approx(100.0)
    assert float(metrics.structural_similarity(y, y)[0]) == pytest.approx(1.0)


def test_luma_is_in_the_range_of_video():
    x = np.array([[0.0, 0, 0], [1, 1, 1], [1, 0, 0], [0.2, 0.4, 0.6]], "float32")
    np.testing.assert_allclose(255 * metrics.luma(x)[:, 0], luma(x[None])[0], atol=1e-4)


def statistics(x, y):
    """Wang et al. 2004, equations 13 and 14: both factors averaged over windows within the image, in NumPy."""
    weights = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights /= weights.sum()

    def local(z):
        for axis in (0, 1):
            z = ndimage.correlate1d(z, weights, axis)
        return z[5:-5, 5:-5]

    means = local(x), local(y)
    covariances = [local(a * b) - local(a) * local(b) for a, b in ((x, x), (y, y), (x, y))]
    c1, c2 = 0.01**2, 0.03**2
    contrast = (2 * covariances[2] + c2) / (covariances[0] + covariances[1] + c2)
    brightness = (2 * means[0] * means[1] + c1) / (means[0] ** 2 + means[1] ** 2 + c1)
    return (brightness * contrast).mean(), contrast.mean()


def test_multiscale_similarity_by_hand():
    """Wang et al. 2003, equation 7, with its weights; each scale is half of the one before, by means of 2 x 2."""
    x, y = images(1, 180, 184, 1)
    expected, pair = 1.0, [z[0, ..., 0].astype("float64") for z in (x, y)]
    for number, power in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        whole, contrast = statistics(*pair)
        expected *= (whole if number == 4 else contrast) ** power
        pair = [z[: z.shape[0] // 2 * 2, : z.shape[1] // 2 * 2] for z in pair]
        pair = [z.reshape(z.shape[0] // 2, 2, z.shape[1] // 2, 2).mean((1, 3)) for z in pair]
    value = metrics.multiscale_structural_similarity(x, y)[0]
    assert float(value) == pytest.approx(expected, abs=1e-4)


def test_distance_in_features():
    network = networks.espcn((12, 10, 1), 1, (4,), (3, 3))
    x, y = images(2, 12, 10, 1)
    a, b = (np.asarray(network(z)) for z in (x, y))
    a, b = (z / np.linalg.norm(z, axis=-1, keepdims=True) for z in (a, b))
    expected = ((a - b) ** 2).sum(-1).mean((1, 2))
    np.testing.assert_allclose(metrics.feature_distance(x, y, network), expected, rtol=1e-4)


@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: metrics.peak_signal_noise_ratio(x, y[:, :-1]),
        lambda x, y: metrics.peak_signal_noise_ratio(x[0], y[0]),
        lambda x, y: metrics.peak_signal_noise_ratio(x, y, channels="rgb"),
        lambda x, y: metrics.peak_signal_noise_ratio(x, y, shave=18),
        lambda x, y: metrics.structural_similarity(x, y, shave=13),
        lambda x, y: metrics.multiscale_structural_similarity(x, y),
        lambda x, y: metrics.peak_signal_noise_ratio(x[..., :2], y[..., :2]),
        lambda x, y: metrics.peak_signal_noise_ratio((255 * x).astype("uint8"), (255 * y).astype("uint8")),
        lambda x, y: metrics.peak_signal_noise_ratio(255 * x, y),
        lambda x, y: metrics.structural_similarity((255 * x).astype("uint8"), y),
        lambda x, y: metrics.structural_similarity(2 * x - 1, 2 * y - 1, rounded=False),
    ],
)
def test_bad_arguments_are_refused(call):
    with pytest.raises(ValueError, match="Received: "):
        call(*images())
