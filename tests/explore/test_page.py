"""The page of a model in headless Chromium: the model's numbers, drags, keys, dropped files, and no faults."""

import keras
import numpy as np
import pytest
from PIL import Image

import keras_dl
from keras_dl import explore, metrics
from keras_dl.tasks import Density, Field, Flow, Generation, SuperResolution, Task
from tests import browser
from tests.explore.pages import pixels, seconds_to_interact, served, shown, watched
from tests.report.test_report import make_run

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(browser.PROGRAM is None, reason="needs Chromium: apt-get install chromium"),
]
SHAPE = (28, 28, 1)


def vae():
    encoder = keras_dl.networks.mlp_encoder(SHAPE, latent_size=2, hidden=(256,))
    return keras_dl.models.VAE(encoder, keras_dl.networks.mlp_decoder(2, SHAPE, hidden=(256,)), "bernoulli", seed=0)


def gan():
    networks = keras_dl.networks.mlp_generator(5, SHAPE, hidden=(16,), num_classes=3)
    critic = keras_dl.networks.mlp_critic(SHAPE, hidden=(16,), num_classes=3)
    return keras_dl.models.ConditionalGAN(networks, critic, seed=0)


def attributed():
    """Of three classes, of two, and of a number."""
    generator = keras_dl.networks.mlp_generator(2, (6, 6, 1), hidden=(16,), num_classes=(3, 2, None))
    objective = keras_dl.objectives.Attributes((3, 2, None))
    critic = keras_dl.networks.mlp_critic((6, 6, 1), hidden=(16,), num_outputs=1 + objective.num_outputs)
    return keras_dl.models.ConditionalGAN(generator, critic, attributes=objective, seed=0)


def classifier():
    x = keras.Input((8, 8, 1))
    y = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="relu", padding="same")(x))
    return keras_dl.models.Supervised(keras.Model(x, keras.layers.Dense(10)(y)), seed=0)


def translator():
    """Of images of any size, which it enlarges."""
    return keras_dl.models.SuperResolution(keras_dl.networks.espcn((None, None, 1), 2, (4,), (3, 3)), seed=0)


def flow():
    return keras_dl.models.RealNVP((4, 4, 1), 2, (8,), seed=0)


def field():
    return keras_dl.models.Supervised(keras_dl.networks.siren(2, 1, hidden=(16, 16)), seed=0)


def diffusion():
    return keras_dl.models.Diffusion(keras_dl.networks.denoising_mlp((2,), 16, 32), value_range=(-3.0, 3.0), seed=0)


def continuous():
    return keras_dl.models.ContinuousFlow(keras_dl.networks.denoising_mlp((2,), 16, 32, activation="tanh"), seed=0)


class Network(keras_dl.tasks.Generation):
    def views(self, model, options=None):
        return keras_dl.tasks.trajectory(model)

    def page_signatures(self, model):
        return keras_dl.tasks.velocities(model)


KINDS = {
    "vae": (vae, Density(latents=True), None),
    "gan": (gan, Generation("labels", latents=True), ["cat", "dog", "cow"]),
    "attributed": (attributed, Generation("labels", latents=True), None),
    "field": (field, Field(), None),
    "translator": (translator, SuperResolution(), None),
    "flow": (flow, Flow(), None),
    "diffusion": (diffusion, Network(), None),
    "continuous": (continuous, Network(), None),
    "classifier": (classifier, Task("labels"), [str(label) for label in range(10)]),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Models with the addresses of their pages, by name."""
    keras.utils.set_random_seed(0)
    built, exhibits = {}, {}
    for name, (build, task, names) in KINDS.items():
        model = built[name] = build()
        signatures = model.signatures() | task.page_signatures(model)
        (x, *_) = [s.inputs["x"].shape[1:] for s in signatures.values() if "x" in s.inputs]
        x = [6 if size is None else size for size in x]
        examples = (pixels(x), np.arange(3)) if len(x) == 3 else None
        exhibits[name] = explore.Exhibit(f"a {name}", "A model.", model, signatures, task.views(model), names, examples)
    with served(exhibits, tmp_path_factory.mktemp("pages")) as addresses:
        yield {name: (model, addresses[name]) for name, model in built.items()}


@pytest.fixture
def opened(models, chromium, request):
    """The model that the test names, and the browser with its page."""
    name = request.node.get_closest_marker("parametrize") and request.node.callspec.params.get("name")
    model, address = models[name or request.node.name.split("_")[2]]
    with watched(chromium, address) as page:
        yield model, page


def computed(page, signature, **inputs):
    """What the page computes for arrays, a dict of arrays."""
    texts = [f"{name}: {np.ravel(value).tolist()}" for name, value in inputs.items()]
    script = f"explorer.models.run('{signature}', {{{', '.join(texts)}}}).then((outputs) => Object.fromEntries("
    script += "Object.entries(outputs).map(([n, o]) => [n, { shape: [...o.shape], values: [...o.values] }])))"
    return {n: np.reshape(o["values"], o["shape"]) for n, o in page.evaluate(script).items()}


def test_a_vae_in_the_page_gives_the_models_numbers(opened):
    model, page = opened
    x, z = pixels(SHAPE), np.random.default_rng(1).normal(size=(4, 2)).astype("float32")
    posterior = model.posterior(model.posterior_parameters(x))
    outputs = computed(page, "encode", x=x)
    np.testing.assert_allclose(outputs["latents"], posterior.mean(), atol=1e-4)
    np.testing.assert_allclose(outputs["scale"], posterior.stddev(), atol=1e-4)
    np.testing.assert_allclose(computed(page, "decode", latents=z)["x"], model.decode(z), atol=1e-4)


def test_a_gan_in_the_page_gives_the_models_numbers(opened):
    model, page = opened
    z, label = np.random.default_rng(1).normal(size=(3, 5)).astype("float32"), np.array([2, 0, 1], "int32")
    x = np.array(model.generate(z, condition=label))
    np.testing.assert_allclose(computed(page, "generate", latents=z, condition=label)["x"], x, atol=1e-4)
    score = computed(page, "discriminate", x=x, condition=label)["score"]
    np.testing.assert_allclose(np.ravel(score), np.ravel(model.discriminate(x, condition=label)), atol=1e-4)


def test_a_vae_answers_to_a_drag_within_a_tenth_of_a_second(opened):
    model, page = opened
    page.evaluate("""void (() => { const view = explorer.views.latents, compute = view.compute.bind(view);
        window.times = []; view.compute = async () => { const from = window.moved; await compute();
        times.push(performance.now() - from); };
        document.addEventListener("pointermove", () => { window.moved = performance.now(); }, true);
        document.addEventListener("pointerdown", () => { window.moved = performance.now(); }, true); })()""")
    page.evaluate("document.getElementById('pad').scrollIntoView({ block: 'center' })")
    box = page.evaluate("document.getElementById('pad').getBoundingClientRect().toJSON()")
    picture = "document.getElementById('sample').toDataURL()"
    before = page.evaluate(picture)
    page.mouse("mousePressed", box["left"] + box["width"] / 2, box["top"] + box["height"] / 2)
    for step in range(1, 11):
        page.mouse("mouseMoved", box["left"] + box["width"] * (0.5 + 0.04 * step), box["top"] + box["height"] / 4)
    page.until("Math.abs(explorer.views.latents.shown.latents[0] - 2.4) < 0.05")
    page.mouse("mouseReleased", box["left"], box["top"], buttons=0)
    assert np.median(page.evaluate("times")) < 100, page.evaluate("times")
    latents = shown(page, "latents.shown.latents")
    np.testing.assert_allclose(latents, [2.4, 1.5], atol=0.05)
    assert page.evaluate(picture) != before
    expected = np.ravel(model.decode(latents[None].astype("float32")))
    np.testing.assert_allclose(shown(page, "latents.shown.x"), expected, atol=1e-4)


def test_a_gan_answers_to_keys_classes_and_truncation(opened):
    model, page = opened
    page.evaluate("document.getElementById('pad').focus()")
    page.press("ArrowRight")
    page.press("ArrowUp")
    page.evaluate("""void (() => { const select = document.getElementById('latents-class'); select.value = 2;
        select.dispatchEvent(new Event("change")); })()""")
    page.until("explorer.models.turn.then(() => explorer.views.latents.shown.latents[1] > 0.05)")
    page.evaluate("new Promise((done) => setTimeout(done, 200))")
    latents = shown(page, "latents.shown.latents")
    np.testing.assert_allclose(latents, [0.1, 0.1, 0, 0, 0], atol=1e-6)
    expected = np.ravel(model.generate(latents[None].astype("float32"), condition=np.array([2])))
    np.testing.assert_allclose(shown(page, "latents.shown.x"), expected, atol=1e-4)
    names = page.evaluate("[...document.getElementById('latents-class').options].map((option) => option.text)")
    assert names == ["cat", "dog", "cow"]
    page.evaluate("document.getElementById('truncation').value = 0.5")
    drawn = np.array(page.evaluate("Array.from({ length: 200 }, () => [...explorer.views.latents.drawn()])"))
    assert np.abs(drawn).max() <= 0.5 and 0.2 < drawn.std() < 0.35


def test_an_attributed_gan_is_given_its_attributes(opened):
    model, page = opened
    page.evaluate("""void [["0", 2], ["1", 1], ["2", -0.5]].forEach(([place, value]) => {
        const input = document.getElementById(`latents-class-${place}`); input.value = value;
        input.dispatchEvent(new Event("change")); })""")
    page.until("explorer.models.turn")
    expected = np.ravel(model.generate(np.zeros((1, 2), "float32"), condition=np.float32([[2, 1, -0.5]])))
    page.until(f"Math.abs(explorer.views.latents.shown.x[0] - {expected[0]}) < 1e-4")
    np.testing.assert_allclose(shown(page, "latents.shown.x"), expected, atol=1e-4)
    options = "[0, 1].map((place) => document.getElementById(`latents-class-${place}`).options.length)"
    assert page.evaluate(options) == [3, 2]
    assert page.evaluate("document.getElementById('latents-class').parentElement.hidden")


def test_a_vae_shows_what_it_makes_of_a_file_and_says_what_is_none(opened, tmp_path):
    model, page = opened
    image = np.random.default_rng(2).integers(0, 256, SHAPE[:2]).astype("uint8")
    Image.fromarray(image).save(tmp_path / "image.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "image.png").read_bytes()[:60])
    alarm = "document.querySelector('#posterior [role=alert]')"
    page.choose("#posterior input[type=file]", tmp_path / "broken.png")
    page.until(f"!{alarm}.hidden")
    assert "broken.png cannot be shown" in page.evaluate(f"{alarm}.textContent")
    page.choose("#posterior input[type=file]", tmp_path / "image.png")
    x = np.float32(image[None, ..., None]) / 255
    page.until(f"Math.abs(explorer.views.posterior.shown.x[0] - {x.flat[0]}) < 1e-6")
    assert page.evaluate(f"{alarm}.hidden")
    np.testing.assert_allclose(shown(page, "posterior.shown.x"), np.ravel(x), atol=1e-6)
    np.testing.assert_allclose(shown(page, "posterior.shown.latents"), np.ravel(model.encode(x)), atol=1e-4)
    reconstruction = shown(page, "posterior.shown.reconstruction")
    np.testing.assert_allclose(reconstruction, np.ravel(model.reconstruct(x)), atol=1e-4)


def test_a_classifier_gives_probabilities_and_the_measures_of_shifts_and_turns(opened):
    model, page = opened
    x = pixels((8, 8, 1))[:1]
    page.until("explorer.views.classify.shown")
    expected = np.array(keras.ops.softmax(model.predict(x, verbose=0)))[0]
    np.testing.assert_allclose(shown(page, "classify.shown.probabilities"), expected, atol=1e-4)
    page.evaluate("document.getElementById('stress').click()")
    page.until("explorer.views.classify.shares")
    measured = page.evaluate("explorer.views.classify.measured")
    network = model.network
    np.testing.assert_allclose(measured["rotation"], metrics.rotation_equivariance_error(network, x)[0], atol=1e-4)
    pairs = metrics.shift_consistency(network, x, num_pairs=400)[0]
    np.testing.assert_allclose(measured["consistency"], pairs, atol=0.1)  # four standard errors of 400 pairs


def test_a_classifier_takes_a_dropped_file_and_says_what_is_none(opened):
    _, page = opened
    page.evaluate("""void (() => { const files = new DataTransfer();
        files.items.add(new File(["no image"], "notes.txt", { type: "text/plain" }));
        const drop = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
        document.querySelector("#classify .zone").dispatchEvent(drop); })()""")
    page.until("!document.querySelector('#classify [role=alert]').hidden")
    assert "notes.txt" in page.evaluate("document.querySelector('#classify [role=alert]').textContent")


def test_a_translator_enlarges_an_example_and_takes_a_file(opened, tmp_path):
    model, page = opened
    page.until("explorer.views.translate.shown")
    expected = np.asarray(model.upscale(pixels((6, 6, 1))[:1]))
    np.testing.assert_allclose(shown(page, "translate.shown.values"), np.ravel(expected), atol=1e-4)
    assert page.evaluate("[...explorer.views.translate.shown.shape]") == [1, 12, 12, 1]
    assert page.evaluate("document.getElementById('way').parentElement.hidden")
    assert "12 x 12 pixels" in page.evaluate("document.getElementById('translated-caption').textContent")
    image = np.random.default_rng(2).integers(0, 256, (6, 6)).astype("uint8")
    Image.fromarray(image).save(tmp_path / "image.png")
    page.choose("#translate input[type=file]", tmp_path / "image.png")
    x = np.float32(image[None, ..., None]) / 255
    page.until(f"Math.abs(explorer.views.translate.shown.x[0] - {x.flat[0]}) < 1e-6")
    np.testing.assert_allclose(shown(page, "translate.shown.values"), np.ravel(model.upscale(x)), atol=1e-4)


def test_a_flow_has_one_latent_of_an_image_and_gives_the_image_back(opened):
    model, page = opened
    x = pixels((4, 4, 1))[:1]
    page.until("explorer.views.posterior.shown")
    np.testing.assert_allclose(shown(page, "posterior.shown.latents"), np.ravel(model.encode(x)), atol=1e-4)
    np.testing.assert_allclose(shown(page, "posterior.shown.reconstruction"), np.ravel(x), atol=1e-3)
    assert page.evaluate("document.getElementById('draws-figure').hidden")
    page.evaluate("document.getElementById('to-latents').click()")
    page.until("explorer.models.turn.then(() => Math.abs(explorer.views.latents.shown.latents[0]) > 1e-3)")
    np.testing.assert_allclose(shown(page, "latents.shown.x"), np.ravel(x), atol=1e-3)


def test_a_flow_shows_what_each_bijector_makes_of_latents(opened):
    model, page = opened
    page.until("explorer.views.trajectory.states.length")
    states = np.array(page.evaluate("explorer.views.trajectory.states.map((state) => [...state.x])")).reshape(-1, 8, 16)
    bijectors = model.bijector.bijectors[1:]  # but Flatten
    assert len(states) == len(bijectors) + 1
    x = states[0].astype("float32")
    for bijector, state in zip(reversed(bijectors), states[1:], strict=True):
        x, _ = bijector.inverse_and_log_det(x)
        np.testing.assert_allclose(state, x, atol=1e-4)
    np.testing.assert_allclose(states[-1], np.reshape(model.decode(states[0].astype("float32")), (8, 16)), atol=1e-4)
    assert page.evaluate("document.getElementById('steps').parentElement.hidden")


def test_a_continuous_flow_goes_along_its_velocity(opened):
    model, page = opened
    page.evaluate("""void (() => { const select = document.getElementById('steps'); select.value = "50";
        select.dispatchEvent(new Event("change")); })()""")
    page.until("explorer.views.trajectory.states.length === 51")
    states = page.evaluate("explorer.views.trajectory.states.map((state) => [...state.x])")
    first, second, end = (np.reshape(states[number], (-1, 2)).astype("float32") for number in (0, 1, -1))

    def velocity(x, time):
        return np.array(model({"x": x, "time": np.full(len(x), time, "float32")}))

    slopes = [velocity(first, 1.0)]
    slopes.append(velocity(first - 0.01 * slopes[0], 0.99))
    slopes.append(velocity(first - 0.01 * slopes[1], 0.99))
    slopes.append(velocity(first - 0.02 * slopes[2], 0.98))
    expected = first - 0.02 * np.tensordot([1 / 6, 1 / 3, 1 / 3, 1 / 6], slopes, 1)
    np.testing.assert_allclose(second, expected, atol=1e-4)
    np.testing.assert_allclose(end, model.decode(first, sampler="heun", steps=400), atol=0.02)  # of order two


def test_a_field_is_computed_again_where_it_is_enlarged(opened):
    model, page = opened
    page.until("explorer.views.zoom.shown")
    page.evaluate("document.getElementById('nearer').click()")
    page.evaluate("document.getElementById('field').focus()")
    page.press("ArrowDown")
    page.until("Math.abs(explorer.views.zoom.shown.x[0] + 0.4) < 1e-6")
    x = shown(page, "zoom.shown.x").reshape(-1, 2)
    np.testing.assert_allclose([x.min(0), x.max(0)], [[-0.4, -0.5], [0.6, 0.5]], atol=1e-6)
    expected = np.ravel(model.predict(x.astype("float32"), verbose=0))
    np.testing.assert_allclose(shown(page, "zoom.shown.values"), expected, atol=1e-4)


def test_a_diffusion_goes_the_steps_of_ddim(opened):
    model, page = opened
    page.evaluate("""void (() => { const select = document.getElementById('steps'); select.value = "5";
        select.dispatchEvent(new Event("change")); })()""")
    page.until("explorer.views.trajectory.states.length === 6")
    states = page.evaluate("explorer.views.trajectory.states.map((s) => ({ time: s.time, x: [...s.x] }))")
    times = np.array(model.process.times(5))
    np.testing.assert_allclose([state["time"] for state in states], times, atol=1e-6)
    alphas, sigmas = np.array(model.process.alpha(times)), np.array(model.process.sigma(times))
    for step in range(5):
        x = np.reshape(states[step]["x"], (-1, 2)).astype("float32")
        sample = np.array(model.denoise(x, np.full(len(x), times[step], "float32"))) / 3
        noise = (x - alphas[step] * sample) / sigmas[step]
        expected = alphas[step + 1] * sample + sigmas[step + 1] * noise
        np.testing.assert_allclose(states[step + 1]["x"], np.ravel(expected), atol=1e-4)


def serious_faults(page):
    try:
        (script,) = explore.fetch(explore.AXE).values()
    except OSError as error:
        pytest.skip(f"needs axe-core: {error}")
    faults = {}
    for size in browser.SIZES:
        for dark in (False, True):
            page.look(size, dark)
            faults[size, dark] = page.faults(script.read_text())
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= browser.SIZES[size][0], f"{width} pixels wide on a {size}"
    return {look: texts for look, texts in faults.items() if texts}


@pytest.mark.parametrize("name", KINDS)
def test_a_page_is_interactive_within_two_seconds(models, chromium, name):
    assert seconds_to_interact(chromium, models[name][1]) < 2


@pytest.mark.parametrize("name", KINDS)
def test_axe_finds_no_serious_fault_in_the_page(opened, name):
    assert serious_faults(opened[1]) == {}


def test_axe_finds_no_serious_fault_in_a_report(chromium, tmp_path):
    from keras_dl import report

    folders = [make_run(tmp_path / name, seed=seed) for seed, name in enumerate(("one", "other"))]
    for count in (1, 2):
        text = report.page([report.read(folder) for folder in folders[:count]])
        (tmp_path / f"{count}.html").write_text(text)
        chromium.problems.clear()
        chromium.requests.clear()
        chromium.open((tmp_path / f"{count}.html").as_uri())
        assert serious_faults(chromium) == {}
        assert chromium.problems == []
        assert all(place.startswith(("file:", "data:", "blob:")) for place in chromium.requests)
