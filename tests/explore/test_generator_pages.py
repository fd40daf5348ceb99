"""Pages of generators that work level by level or by styles, in headless Chromium: the model's numbers, what moves."""

import keras
import numpy as np
import pytest

from keras_dl import explore
from keras_dl.models.base import Draw
from keras_dl.tasks import Pyramid, Styles
from tests import browser
from tests.explore.pages import pixels, seconds_to_interact, served, shown, watched
from tests.explore.test_page import computed, serious_faults
from tests.models.gan_builders import small_lapgan, small_stylegan

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(browser.PROGRAM is None, reason="needs Chromium: apt-get install chromium"),
]
SEED = 7
class Exported(Pyramid):
    """What a page knows of an exported pyramid: its signatures."""

    def views(self, model, options=None):
        return explore.manifest.views_of({"generate": ({"latents": ()}, {}), "refine": ({}, {})})


KINDS = {
    "exported": (small_lapgan, Exported()),
    "pyramid": (lambda: small_lapgan(num_classes=3), Pyramid("labels")),
    "styles": (small_stylegan, Styles()),
}
LABELS = np.array([2, 0, 1], "int32")


def moved(model):
    """The model after a few random changes, so that averages, noise and means are not those of the start."""
    random = np.random.default_rng(1)
    for weight in model.weights:
        if "float" in weight.dtype:
            weight.assign(weight + 0.1 * random.standard_normal(weight.shape).astype("float32"))
    if "mean_style" in model.carried:
        mean = model.carried["mean_style"].variable
        mean.assign(0.3 * random.standard_normal(mean.shape).astype("float32"))
    return model


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Models with the addresses of their pages, by name."""
    keras.utils.set_random_seed(0)
    built, exhibits = {}, {}
    for name, (build, task) in KINDS.items():
        model = built[name] = moved(build())
        signatures = model.signatures() | task.page_signatures(model)
        classes, examples = ["cat", "dog", "cow"] if name == "pyramid" else None, (pixels((8, 8, 1)), np.arange(3))
        exhibits[name] = explore.Exhibit(name, "A model.", model, signatures, task.views(model), classes, examples)
    with served(exhibits, tmp_path_factory.mktemp("pages")) as addresses:
        yield {name: (model, addresses[name]) for name, model in built.items()}


@pytest.fixture
def opened(models, chromium, request):
    """The model that the test names, and the browser with its page."""
    model, address = models[request.node.name.split("_")[2].split("[")[0]]
    with watched(chromium, address) as page:
        yield model, page


def uniform(rows, size):
    """The noise that a model draws for a seed."""
    draw = Draw.for_sampling(*(np.int64(number) for number in (SEED, 0)), rows)
    return np.asarray(draw.uniform((size,), -1.0, 1.0))


def wait(page):
    """Until the page has computed all that it was asked for, also what follows from that."""
    page.evaluate("""(async () => {
        let turn;
        do {
            turn = explorer.models.turn;
            await turn;
            await new Promise((done) => setTimeout(done, 20));
        } while (turn !== explorer.models.turn);
        return true;
    })()""")


def set_to(page, name, value, kind="input"):
    page.evaluate(f"""void (() => {{ const input = document.getElementById("{name}"); input.value = {value};
        input.dispatchEvent(new Event("{kind}")); }})()""")
    wait(page)


def click(page, selector):
    page.evaluate(f"document.querySelector({selector!r}).click()")
    wait(page)


def levels(page):
    count = page.evaluate("explorer.views.pyramid.shown.levels.length")
    return [shown(page, f"pyramid.shown.levels[{number}]") for number in range(count)]


def test_a_pyramid_in_the_page_gives_the_models_numbers(opened):
    """The noise of a seed, by which the model itself samples and refines."""
    model, page = opened
    noise = uniform(3, model.latent_size)
    outputs = computed(page, "levels", latents=noise, condition=LABELS)
    expected = model.sample_levels(3, condition=LABELS, seed=SEED)
    for number, images in enumerate(expected):
        np.testing.assert_allclose(outputs[f"level_{number}"], images, atol=1e-4)
    coarse = np.asarray(expected[0])
    outputs = computed(page, "refine_levels", x=coarse, latents=noise[:, model.latent_sizes[0] :], condition=LABELS)
    np.testing.assert_allclose(outputs["level_2"], model.refine(coarse, condition=LABELS, seed=SEED), atol=1e-4)
    x = pixels((8, 8, 1))
    np.testing.assert_allclose(computed(page, "coarsen", x=x)["coarse"], model.pyramid(x)[0], atol=1e-4)


def test_a_pyramid_shows_what_its_noise_makes(opened):
    model, page = opened
    wait(page)
    latents = shown(page, "pyramid.shown.latents").reshape(8, -1).astype("float32")
    assert latents.shape[1] == model.latent_size and -1 <= latents.min() < -0.9 and 0.9 < latents.max() <= 1
    assert abs(latents.mean()) < 0.1 and np.std(latents) == pytest.approx(3**-0.5, abs=0.05)
    assert np.unique(latents).size > 0.99 * latents.size
    label = np.full(8, page.evaluate("Number(document.getElementById('pyramid-class').value)"))
    np.testing.assert_allclose(levels(page)[-1], np.ravel(model.generate(latents, condition=label)), atol=1e-4)
    set_to(page, "pyramid-class", 2, "change")
    expected = np.ravel(model.generate(latents, condition=np.full(8, 2)))
    np.testing.assert_allclose(levels(page)[-1], expected, atol=1e-4)


def test_a_pyramid_draws_the_noise_of_one_level_and_that_of_a_seed_again(opened):
    _, page = opened
    wait(page)
    before = levels(page)
    click(page, "#pyramid-levels figure:nth-child(2) button")
    after = levels(page)
    np.testing.assert_array_equal(before[0], after[0])
    assert np.abs(before[1] - after[1]).max() > 1e-3 and np.abs(before[2] - after[2]).max() > 1e-3
    set_to(page, "pyramid-seed", 5)
    other = levels(page)
    assert np.abs(other[0] - after[0]).max() > 1e-3
    set_to(page, "pyramid-seed", 0)
    for one, two in zip(levels(page), after, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_pyramid_refines_an_image(opened):
    model, page = opened
    wait(page)
    click(page, ".examples button:nth-child(2)")
    x = pixels((8, 8, 1))[1:2]
    coarse = shown(page, "pyramid.refined.coarse")
    np.testing.assert_allclose(coarse, np.ravel(model.pyramid(x)[0]), atol=1e-4)
    latents = shown(page, "pyramid.refined.latents").reshape(8, -1).astype("float32")
    repeated = np.repeat(coarse.reshape(1, 2, 2, 1).astype("float32"), 8, 0)
    given = {"x": repeated, "latents": latents, "condition": np.full(8, 1, "int32")}  # the example's class
    finest = shown(page, "pyramid.refined.finest")
    np.testing.assert_allclose(finest, np.ravel(computed(page, "refine_levels", **given)["level_2"]), atol=1e-5)
    assert np.abs(finest.reshape(8, -1).std(0)).max() > 1e-3  # eight ways to go on
    click(page, "#refine-again")
    assert np.abs(shown(page, "pyramid.refined.finest") - finest).max() > 1e-3


def test_a_styles_page_mixes_layer_by_layer(opened):
    model, page = opened
    wait(page)
    latents = shown(page, "styles.shown.latents").reshape(2, -1).astype("float32")
    styles = np.asarray(model.style(latents))
    for cut in (0, 1, model.num_styles):
        set_to(page, "cut-layers", cut)
        images = model.synthesize(np.concatenate([styles, model.mix(styles[:1], styles[1:], cut)]))
        np.testing.assert_allclose(shown(page, "styles.shown.x"), np.ravel(images), atol=1e-4)
    page.evaluate("""void (() => { const input = document.querySelectorAll("#style-layers input")[1];
        input.value = 0.25; input.dispatchEvent(new Event("input")); })()""")
    wait(page)
    mixed = styles[0].copy()  # the cut at the end left all to A
    mixed[1] = 0.75 * styles[0, 1] + 0.25 * styles[1, 1]
    found = shown(page, "styles.shown.x").reshape(3, 8, 8, 1)[2]
    np.testing.assert_allclose(found, model.synthesize(mixed[None])[0], atol=1e-4)


def test_a_styles_page_truncates_and_draws_noise(opened):
    model, page = opened
    set_to(page, "psi", 0.4)
    latents = shown(page, "styles.shown.latents").reshape(2, -1).astype("float32")
    expected = np.asarray(model.generate(latents, truncation=0.4))
    assert np.abs(expected - np.asarray(model.generate(latents))).max() > 1e-3
    np.testing.assert_allclose(shown(page, "styles.shown.x").reshape(3, 8, 8, 1)[:2], expected, atol=1e-4)
    for kind in ("none", "other"):
        set_to(page, "style-noise", repr(kind), "change")
        noise = np.tile(shown(page, "styles.shown.noise").astype("float32"), (2, 1))
        assert noise.shape[1] == model.noise_size and (noise.std() > 0.5) == (kind == "other")
        expected = model.generate(latents, truncation=0.4, noise=noise)
        np.testing.assert_allclose(shown(page, "styles.shown.x").reshape(3, 8, 8, 1)[:2], expected, atol=1e-4)
    click(page, "#other-b")
    after = shown(page, "styles.shown.latents").reshape(2, -1)
    np.testing.assert_array_equal(after[0], latents[0])
    assert np.abs(after[1] - latents[1]).max() > 1e-3


def test_an_exported_pyramid_is_given_uniform_noise(opened):
    _, page = opened
    drawn = np.array(page.evaluate("Array.from({ length: 40 }, () => [...explorer.views.latents.drawn()])"))
    assert -1 <= drawn.min() < -0.95 and 0.95 < drawn.max() <= 1
    page.evaluate("explorer.views.latents.place(9, -9)")
    np.testing.assert_array_equal(shown(page, "latents.values")[:2], [1, -1])
    assert page.evaluate("document.querySelector('#sliders input').max") == "1"


def test_a_pyramid_has_no_serious_fault(opened):
    assert serious_faults(opened[1]) == {}


def test_a_styles_page_has_no_serious_fault(opened):
    assert serious_faults(opened[1]) == {}


@pytest.mark.parametrize("name", KINDS)
def test_a_page_is_interactive_within_two_seconds(models, chromium, name):
    assert seconds_to_interact(chromium, models[name][1]) < 2
