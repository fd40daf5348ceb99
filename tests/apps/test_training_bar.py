"""What the line of an epoch shows, chosen by the task."""

import pytest

from apps import catalogue, show, training_bar
from tests.models.base.test_memory import X
from tests.models.remembering import remembering

ADVERSARIAL = {"critic_gap": 1.0, "critic_loss": 2.0, "generator_loss": 3.0, "val_critic_loss": 4.0}
LIKELY = {"distortion": 1.0, "elbo": -2.0, "loss": 2.0, "val_elbo": -3.0}


@pytest.mark.parametrize(
    ("recipe", "logs", "text"),
    [
        ("vae", LIKELY, "elbo -2  val_elbo -3"),
        ("gan", ADVERSARIAL, "generator_loss 3  critic_loss 2"),
        ("unet", {"dice": 0.5, "loss": 1.0, "val_dice": 0.25}, "dice of patches 0.5  val_dice of patches 0.25"),
        ("siren", {"loss": 1.0, "psnr": 20.0}, "psnr 20"),
        ("siamese", {"loss": 1.0, "val_loss": 2.0}, "loss 1  val_loss 2"),
        ("siamese", {"a": 1.0, "b": 2.0, "c": 3.0}, "a 1  b 2"),
    ],
)
def test_an_epoch_shows_what_tells_most(recipe, logs, text):
    task = catalogue.module(recipe).TASK
    assert training_bar.describe(logs, task.progress, task.titles) == text


def test_an_epoch_names_its_phase():
    with show.console.capture() as printed:
        bar = training_bar.TrainingBar(4, metrics=("main_loss",))
        remembering(fade_from=50).fit(X, batch_size=8, epochs=4, verbose=0, callbacks=[bar])
    lines = printed.get().splitlines()
    starts = ["phase 1/3: warm-up", "phase 2/3: fade", "phase 2/3: fade", "phase 3/3: rest"]
    assert len(lines) == 4
    for number, (line, start) in enumerate(zip(lines, starts, strict=True), start=1):
        assert line.startswith(f"epoch {number}/4  {start}  main_loss ")
