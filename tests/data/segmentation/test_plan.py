"""Plans for fixed fingerprints, by the published rules worked out by hand, and published plans."""

import itertools
import json
import math

import numpy as np
import pytest

from keras_dl import networks
from keras_dl.data.segmentation import Case, Fingerprint, Intensities, Plan, fingerprint, plan
from keras_dl.data.segmentation.topology import feature_map_values, topology


def of(spacing, shape, cases=100, num_classes=2, **options):
    return Fingerprint((spacing,) * cases, (shape,) * cases, num_classes, **options)


@pytest.mark.parametrize(
    ("spacing", "shape", "cases", "classes", "patch", "batch", "pools"),
    [
        # Hippocampus, as its makers print the plan (MIC-DKFZ/nnUNet, issue 148).
        ((1.0, 1.0, 1.0), (36, 50, 35), 260, 3, (40, 56, 40), 9, (3, 3, 3)),
        # A CT data set in the same place, issue 2227.
        ((2.3565655, 1.8410668, 1.8410668), (177, 217, 217), 200, 2, (128, 128, 128), 2, (5, 5, 5)),
        # Lung: the patch of the paper's table of pipelines.
        ((1.24497998, 0.78515625, 0.78515625), (252, 512, 512), 63, 2, (80, 192, 160), 2, (4, 5, 5)),
        # ACDC: the patch, strides and kernels of the paper's example.
        ((5.0, 1.5625, 1.5625), (18, 237, 208), 200, 4, (20, 256, 224), 4, (2, 5, 5)),
    ],
    ids=["hippocampus", "ct", "lung", "acdc"],
)
def test_published_plans(spacing, shape, cases, classes, patch, batch, pools):
    found = plan(of(spacing, shape, cases, classes))
    assert (found.patch_size, found.batch_size) == (patch, batch)
    assert tuple(int(math.log2(math.prod(axis))) for axis in zip(*found.pool_sizes, strict=True)) == pools
    if spacing[0] == 5.0:
        assert found.pool_sizes == ((1, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2), (1, 2, 2))
        assert found.kernel_sizes == ((1, 3, 3), *[(3, 3, 3)] * 5)


def test_isotropic_volumes_by_hand():
    """64^3 voxels of 1 mm, 2 classes, 20 cases, one channel.

    The first patch, 256^3, is cut to the median image, 64^3. 64, 32, 16 and 8 are at least 8, 4 is not: four halvings,
    five levels of 32, 64, 128, 256 and 320 channels, all kernels 3. Values: with n = 64^3 = 262,144 voxels,
    5 * 32 n + 5 * 64 n / 8 + 5 * 128 n / 64 + 5 * 256 n / 512 + 2 * 320 n / 4096 + 2 n = 214.65625 n = 56,270,848,
    less than 560 million. Batch: 2 * 560 / 56.27 = 19.9, so 20, but a twentieth of 20 images is 1, and 2 is the least.
    """
    found = plan(of((1.0, 1.0, 1.0), (64, 64, 64), cases=20))
    assert found.patch_size == found.median_shape == (64, 64, 64)
    assert found.pool_sizes == ((2, 2, 2),) * 4 and found.kernel_sizes == ((3, 3, 3),) * 5
    assert found.filters == (32, 64, 128, 256, 320)
    assert found.batch_size == 2
    values = feature_map_values(topology((64, 64, 64), (1.0, 1.0, 1.0)), found.filters, 2)
    assert values == 56_270_848
    # 1000 images: a twentieth is 50, more than the memory's 20. A budget of 1 GB: 70 million values, a batch of 2.5.
    assert plan(of((1.0, 1.0, 1.0), (64, 64, 64), cases=1000)).batch_size == 20
    assert plan(of((1.0, 1.0, 1.0), (64, 64, 64), cases=1000), memory_budget=1.0).batch_size == 2
    assert found.spacing == (1.0, 1.0, 1.0) and found.axes_in_plane == (0, 1, 2) and found.slice_axis is None


def test_a_budget_that_cuts_the_patch_by_hand():
    """The same for 0.6 GB, 42 million values: one of 64^3 has 56 million.

    All axes cover the whole image; the last one goes first: 64 - 16 = 48 has four halvings too (48, 24, 12, 6 is less
    than 8: three!), so the step is 8 and it becomes 56 (56, 28, 14, 7: three halvings). With sizes 64, 64, 56 the last
    level halves the first two alone. Then the middle one, to 56, and so on, until the values fit.
    """
    found = plan(of((1.0, 1.0, 1.0), (64, 64, 64), cases=20), memory_budget=0.6)
    reference = 0.6 / 8 * 560e6
    patch, values = (64, 64, 64), [56_270_848]
    for expected in ((64, 64, 56), (64, 56, 56), (56, 56, 56)):
        patch = expected
        found_topology = topology(patch, (1.0, 1.0, 1.0))
        filters = tuple(min(320, 32 * 2**i) for i in range(len(found_topology.kernel_sizes)))
        values.append(feature_map_values(found_topology, filters, 2))
        if values[-1] <= reference:
            break
    assert found.patch_size == patch and values[-2] > reference
    # 56, 28, 14 are halved, 7 is not: 56^3 has four levels, 64 x 64 x 56 has a fifth that leaves the last axis.
    assert topology((56, 56, 56), (1.0,) * 3).pool_sizes == ((2, 2, 2),) * 3
    assert topology((64, 64, 56), (1.0,) * 3).pool_sizes == (*[(2, 2, 2)] * 3, (2, 2, 1))
    assert found.batch_size == 2


def test_anisotropic_volumes_by_hand():
    """256 x 256 x 20 voxels of 1 x 1 x 5 mm.

    5 > 3 * 1 and 3 * 20 < 256: the coarse axis has the tenth percentile of its spacings: of 4 (once in ten cases) and
    5 that is 4.9. Aspect: 256 * (4.9)^(1/3) = 434.8 in the plane and 88.7 across, cut to 256, 256 and 20 (each of the
    nine images of 20 slices has 20 * 5 / 4.9 = 20.4).
    Halvings (sizes, then spacings): 256 256 20, 1 1 4.9: in the plane, kernel (3, 3, 1); 128 128 20, 2 2 4.9: in the
    plane, kernel (3, 3, 1) since 4.9 >= 2 * 2; 64 64 20, 4 4 4.9: all, kernel (3, 3, 3); 32 32 10: all; 16 16 5: in the
    plane; 8 8 5: in the plane; 4 4 5: none. So six halvings, and 20 is a multiple of 4.
    """
    prints = Fingerprint(((1.0, 1.0, 4.0), *[(1.0, 1.0, 5.0)] * 9), ((256, 256, 20),) * 10, 3)
    found = plan(prints)
    assert found.spacing == pytest.approx((1.0, 1.0, 4.9))
    assert found.median_shape == found.patch_size == (256, 256, 20)
    flat, deep = (2, 2, 1), (2, 2, 2)
    assert found.pool_sizes == (flat, flat, deep, deep, flat, flat)
    assert found.kernel_sizes == ((3, 3, 1), (3, 3, 1), *[(3, 3, 3)] * 5)
    assert found.filters == (32, 64, 128, 256, 320, 320, 320)
    assert found.axes_in_plane == (0, 1)  # 256 > 3 * 20
    assert found.batch_size == 2  # a twentieth of 10 images is none
    # The other way round as well.
    turned = Fingerprint(tuple(s[::-1] for s in prints.spacings), tuple(s[::-1] for s in prints.shapes), 3)
    assert plan(turned).pool_sizes == tuple(pool[::-1] for pool in found.pool_sizes)


def test_a_coarse_axis_of_many_slices_keeps_its_median():
    """5 > 3 * 1, but 3 * 100 >= 256."""
    prints = Fingerprint(((1.0, 1.0, 4.0), *[(1.0, 1.0, 5.0)] * 9), ((256, 256, 100),) * 10, 3)
    assert plan(prints).spacing == (1.0, 1.0, 5.0)
    # The tenth percentile never becomes finer than the other axes.
    prints = Fingerprint((*[(1.0, 1.0, 0.5)] * 4, *[(1.0, 1.0, 5.0)] * 6), ((256, 256, 20),) * 10, 3)
    assert plan(prints).spacing == (1.0, 1.0, 1.0)


def test_tiny_volumes():
    """5 x 6 x 7 voxels are too small to halve: one level. 8 x 8 x 8 has one halving, 8 x 4 x 4 none (8 < 12 alone)."""
    found = plan(of((1.0, 1.0, 1.0), (5, 6, 7), cases=3))
    assert (found.patch_size, found.pool_sizes, found.kernel_sizes) == ((5, 6, 7), (), ((3, 3, 3),))
    assert found.filters == (32,) and found.batch_size == 2
    assert topology((8, 8, 8), (1.0,) * 3).pool_sizes == ((2, 2, 2),)
    assert topology((8, 4, 4), (1.0,) * 3).pool_sizes == ()
    assert topology((12, 4, 4), (1.0,) * 3).pool_sizes == ((2, 1, 1),)
    network = networks.create(**found.network)
    assert network.output_shape == (None, 5, 6, 7, 2)
    assert plan(of((1.0, 1.0), (1, 1), cases=1)).patch_size == (1, 1)


def test_twice_the_spacing_is_too_coarse():
    """2 is not less than 2 * 1: the axis waits with kernel 1 until the others have come to 2. 8 alone is not halved."""
    found = topology((32, 32, 32), (2.0, 1.0, 1.0))
    assert found.pool_sizes == ((1, 2, 2), (2, 2, 2), (2, 2, 2))
    assert found.kernel_sizes == ((1, 3, 3), *[(3, 3, 3)] * 3)
    assert topology((32, 32, 32), (1.99, 1.0, 1.0)).pool_sizes == ((2, 2, 2),) * 3


def test_images_by_hand():
    """512 x 512 pixels, 2 classes.

    2048 is cut to 512: seven halvings to 4, channels 32 to 512. Values: with n = 512^2, 5 * (32 n + 64 n / 4 +
    128 n / 16 + 256 n / 64 + 512 n / 256 + 512 n / 1024 + 512 n / 4096) + 2 * 512 n / 16384 + 2 n = 82,624,512. Batch:
    12 * 85 / 82.6 = 12.3, so 12 (nnU-Net's own for 512 x 512); of 24 images a twentieth is 1, so 2.
    """
    found = plan(of((1.0, 1.0), (512, 512), cases=24))
    assert found.patch_size == (512, 512) and found.pool_sizes == ((2, 2),) * 7
    assert found.filters == (32, 64, 128, 256, 512, 512, 512, 512)
    assert feature_map_values(topology((512, 512), (1.0, 1.0)), found.filters, 2) == 82_624_512
    assert found.batch_size == 2
    assert plan(of((1.0, 1.0), (512, 512), cases=2400)).batch_size == 12


def test_slices_of_volumes():
    """Slices of 256 x 256 across the axis of 5 mm; pixels are counted over all slices of 30 cases.

    Values: n = 256^2, six halvings: 5 * (32 n + 16 n + 8 n + 4 n + 2 n + n / 2) + 2 * 512 n / 4096 + 3 n = 315.75 n =
    20,692,992. Batch: 12 * 85 / 20.7 = 49, but a twentieth of 30 * 20 slices is 30.
    """
    found = plan(of((1.0, 1.0, 5.0), (256, 256, 20), cases=30, num_classes=3), dimensions=2)
    assert found.slice_axis == 2 and found.spacing == (5.0, 1.0, 1.0) and found.median_shape == (20, 256, 256)
    assert found.patch_size == (256, 256) and found.pool_sizes == ((2, 2),) * 6
    assert feature_map_values(topology((256, 256), (1.0, 1.0)), found.filters, 3) == 20_692_992
    assert found.batch_size == 30
    many = plan(of((1.0, 1.0, 5.0), (256, 256, 20), cases=3000, num_classes=3), dimensions=2)
    assert many.batch_size == 49


def test_normalizations():
    options = {"modalities": ("CT", "mri", "rgb", "none"), "intensities": (Intensities(1.0, 2.0, -3.0, 4.0),) * 4}
    found = plan(of((1.0, 1.0, 1.0), (64, 64, 64), **options, share_after_crop=0.7))
    assert found.normalizations == ("ct", "zscore", "rgb", "none") and found.inside_nonzero
    assert found.intensities == options["intensities"]
    assert not plan(of((1.0, 1.0, 1.0), (64, 64, 64), share_after_crop=0.75)).inside_nonzero
    assert found.network["input_shape"] == (64, 64, 64, 4)


def test_outputs_of_the_network():
    """Five levels, four on the way up, of which the coarsest does not predict; weights 1, 1/2, 1/4 over 7/4."""
    found = plan(of((1.0, 1.0), (16, 16), cases=3))
    assert found.output_strides == ((1, 1),) and found.loss_weights == (1.0,)
    found = plan(of((1.0, 1.0, 4.0), (64, 64, 16), cases=3), memory_budget=0.05)
    network = networks.create(**{**found.network, "filters": [2] * len(found.filters)})
    sizes = [tuple(n // s for n, s in zip(found.patch_size, strides, strict=True)) for strides in found.output_strides]
    assert [shape[1:-1] for shape in network.output_shape] == sizes and len(sizes) == len(found.filters) - 2
    assert sum(found.loss_weights) == pytest.approx(1)
    assert all(a == 2 * b for a, b in itertools.pairwise(found.loss_weights))


def test_the_network_of_the_hippocampus():
    """By hand: 3x3x3 convolutions with biases and instance norms, 3 numbers a channel beside the kernels."""
    network = networks.create(**plan(of((1.0, 1.0, 1.0), (36, 50, 35), 260, 3)).network)
    filters = (32, 64, 128, 256)
    expected, channels = 0, 1
    for width in filters:
        expected += 27 * channels * width + 27 * width * width + 2 * 3 * width
        channels = width
    for width, below in zip(filters[:-1], filters[1:], strict=True):
        expected += 8 * below * width + width  # transposed
        expected += 27 * 2 * width * width + 27 * width * width + 2 * 3 * width
    expected += (32 + 64) * 3 + 2 * 3  # two outputs
    assert network.count_params() == expected
    assert network.output_shape == [(None, 40, 56, 40, 3), (None, 20, 28, 20, 3)]


def test_plans_go_through_json():
    found = plan(of((1.0, 1.0, 5.0), (256, 256, 20), intensities=(Intensities(1.0, 2.0, -3.0, 4.0),)), dimensions=2)
    assert Plan.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_fingerprints_of_cases():
    """Two cases of two channels: what is cut off, and the foreground's intensities by NumPy."""
    rng = np.random.default_rng(0)
    cases = []
    for number, shape in enumerate([(10, 12, 6), (9, 8, 7)]):
        image = np.zeros((*shape, 2), "float32")
        image[2:-1, 1:-1, :, 0] = rng.uniform(1, 2, image[2:-1, 1:-1, :, 0].shape)
        image[3:-1, 1:-1, :, 1] = 5.0
        labels = np.zeros(shape, "uint8")
        labels[3:6, 2:5, 1:4] = number + 1
        cases.append(Case(image, labels, (1.0, 2.0, 3.0), f"case {number}"))
    found = fingerprint(iter(cases), modalities=("CT", "mri"))
    assert found.shapes == ((7, 10, 6), (6, 6, 7)) and found.spacings == ((1.0, 2.0, 3.0),) * 2
    assert found.num_classes == 3 and found.modalities == ("ct", "mri")
    assert found.share_after_crop == pytest.approx(np.median([7 * 10 / 120, 6 * 6 / 72]))
    values = np.concatenate([case.image[case.labels > 0][:, 0] for case in cases])
    first, second = found.intensities
    assert first.mean == pytest.approx(values.mean(), abs=0.01) and first.std == pytest.approx(values.std(), abs=0.01)
    assert first.low == pytest.approx(np.percentile(values, 0.5), abs=0.02)
    assert first.high == pytest.approx(np.percentile(values, 99.5), abs=0.02)
    assert second == (5.0, 0.0, 5.0, 5.0)
    assert fingerprint(cases, num_classes=4).num_classes == 4
    assert fingerprint(cases) == fingerprint(cases)


def test_empty_masks_and_images():
    """A case without foreground adds no intensities; a black image is not cut."""
    nothing = Case(np.zeros((4, 5, 1), "float32"), np.zeros((4, 5), "uint8"), (1.0, 1.0), "nothing")
    something = Case(np.full((4, 5, 1), 3.0, "float32"), np.ones((4, 5), "uint8"), (1.0, 1.0), "something")
    found = fingerprint([nothing, something])
    assert found.shapes == ((4, 5), (4, 5)) and found.intensities[0].mean == 3.0
    assert fingerprint([nothing]).intensities == (Intensities(0.0, 1.0, 0.0, 1.0),)


def test_bad_arguments_are_refused():
    volumes = of((1.0, 1.0, 1.0), (64, 64, 64))
    case = Case(np.zeros((4, 5, 1)), np.zeros((4, 5), int), (1.0, 1.0), "a")
    for call, message in (
        (lambda: plan(Fingerprint((), (), 2)), "spacing and a shape"),
        (lambda: plan(of((1.0, 1.0), (4, 4, 4))), "spacing and a shape"),
        (lambda: plan(of((1.0,), (4,))), "spacing and a shape"),
        (lambda: plan(of((1.0, 0.0), (4, 4))), "spacings and sizes should be positive"),
        (lambda: plan(volumes, memory_budget=0), "`memory_budget` should be a finite number above 0"),
        (lambda: plan(volumes, memory_budget="8"), "`memory_budget`"),
        (lambda: plan(volumes, memory_budget=float("inf")), "`memory_budget`"),
        (lambda: plan(volumes._replace(num_classes=1)), "at least two classes"),
        (lambda: plan(volumes, memory_budget=1e-9), "`memory_budget` should allow"),
        (lambda: plan(volumes, dimensions=1), "`dimensions`"),
        (lambda: plan(of((1.0, 1.0), (4, 4)), dimensions=3), "`dimensions`"),
        (lambda: fingerprint([case._replace(labels=case.labels + 2)], num_classes=2), "labels should be from 0 to 1"),
        (lambda: fingerprint([]), "at least one case"),
        (lambda: fingerprint([case._replace(labels=None)]), "should have labels"),
        (lambda: fingerprint([case, case._replace(image=np.zeros((4, 5, 2)))]), "2 axes and 1 channels"),
        (lambda: fingerprint([case], modalities=("ct", "mri")), "`modalities` should hold one for each"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            call()
        assert "Received: " in str(error.value)


@pytest.mark.parametrize(
    ("shape", "num_classes", "patch_size", "batch_size"),
    [((768, 1024), 2, (768, 1024), 4), ((5000, 6000), 5, (1024, 1280), 2)],
)
def test_plans_of_large_images(shape, num_classes, patch_size, batch_size):
    """Those of nnU-Net's planner: a patch is as large as a batch of two allows, not one of twelve."""
    found = plan(Fingerprint(((1.0, 1.0),) * 100, (shape,) * 100, num_classes, ("rgb",) * 3))
    assert (found.patch_size, found.batch_size) == (patch_size, batch_size)


def test_normalizations_by_the_names_that_nnunet_knows():
    names = ("CT", "noNorm", "rescale_to_0_1", "RGB_to_0_1", "zscore", "MRI", "rgb", "none")
    found = plan(Fingerprint(((1.0, 1.0),), ((9, 9),), 2, names)).normalizations
    assert found == ("ct", "none", "rescale", "rgb", "zscore", "zscore", "rgb", "none")


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0 + 1e-7, 1.0, 1.0), (1.0, 1.0 + 1e-6, 1.0)])
def test_slices_of_equal_spacing_are_axial(spacing):
    """Within rounding, which oblique headers have."""
    found = plan(Fingerprint((spacing,) * 9, ((512, 512, 300),) * 9, 2), dimensions=2)
    assert found.slice_axis == 2 and found.patch_size == (512, 512)
