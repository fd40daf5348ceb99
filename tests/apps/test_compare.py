"""Comparisons of recipes under one budget: plans, tables, what an interruption leaves, and one job."""

import argparse
import contextlib
import json
import math
import subprocess
import threading
import time

import html5lib
import keras
import numpy as np
import pytest

from apps import cli, compare, compare_job, compare_table
from keras_dl import models
from keras_dl.runs import lock

ARGUMENTS = ["--dataset", "digits", "--budget", "20steps", "vae", "gan"]


def result(kid, **more):
    """The figures of a job as it leaves them."""
    return {"runtime": {}, "kid": kid, "kid_standard_error": 0.5, "weights": 100, "steps": 20, **more}


def work(out, job, figures):
    """Leaves what a job leaves."""
    (out / job / "pictures").mkdir(parents=True)
    config = {"recipe": job[:-2], "dataset": "digits", "seed": int(job[-1]), "fit": {"epochs": 1}}
    (out / job / "config.json").write_text(json.dumps(config))
    (out / job / "history.csv").write_text("epoch,seconds,loss\n1,2.0,3.0\n")
    (out / job / "compared.json").write_text(json.dumps(figures))


@pytest.mark.parametrize(
    "text, value",
    [("30s", {"seconds": 30}), ("10m", {"seconds": 600}), ("1h", {"seconds": 3600}), ("5steps", {"steps": 5})],
)
def test_budgets(text, value):
    assert compare.budget(text) == value


@pytest.mark.parametrize("text", ["", "10", "m", "0s", "-1m", "1.5h", "steps", "3days"])
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="expected a budget such as 30s"):
        compare.budget(text)


@pytest.mark.parametrize(("text", "words"), [("1steps", "1 step"), ("20steps", "20 steps"), ("1s", "1 second")])
def test_budgets_in_words(text, words):
    assert compare_table.spent(compare.budget(text)) == words


def test_an_interrupted_comparison_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    trained, out = [], tmp_path / "out"

    def train(out, arguments, job):
        trained.append(job)
        if len(trained) == 2:
            raise KeyboardInterrupt
        work(out, job, result(10.0 if job.startswith("vae") else 20.0, log_prob=-90.0 if job[0] == "v" else None))

    monkeypatch.setattr(compare, "work", train)
    with pytest.raises(KeyboardInterrupt):
        compare.main([*ARGUMENTS, "--out", str(out)])
    compare.main([*ARGUMENTS, "--out", str(out)])
    assert trained == ["vae-0", "gan-0", "gan-0"]
    figures = json.loads((out / "comparison.json").read_text())
    assert figures["budget"] == {"steps": 20} and figures["recipes"]["gan"]["kid"] == 20.0
    assert "| KID | 10.00 ± 0.50 | 20.00 ± 0.50 |" in capsys.readouterr().out
    page = (out / "report.html").read_text()
    parser = html5lib.HTMLParser()
    parser.parse(page)
    assert parser.errors == [] and "Side by side" in page and "vae-0" in page and "digits, 20 steps each" in page
    with pytest.raises(cli.UserError, match="holds another comparison"):
        compare.main(["--budget", "1m", "vae", "--out", str(out)])


def test_workers_share_the_jobs_and_an_error_waits_for_the_others(tmp_path, monkeypatch):
    out, both = tmp_path / "out", threading.Barrier(2, timeout=30)

    def process(command, **options):
        job = command[command.index("--only") + 1]
        options["stdout"].write(f"{job} speaks")
        both.wait()  # neither goes on before the other is there
        if job == "vae-0":
            return subprocess.CompletedProcess(command, 3)
        work(out, job, result(20.0))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", process)
    with pytest.raises(cli.UserError, match=r"vae-0 ended with 3, see .*vae-0\.log"):
        compare.main([*ARGUMENTS, "--out", str(out), "--workers", "2"])
    assert (out / "gan-0.log").read_text() == "gan-0 speaks" and (out / "gan-0" / "compared.json").is_file()


def test_a_job_waits_for_the_features_of_another(tmp_path):
    (tmp_path / lock.FILE).write_text(json.dumps({"host": "another", "pid": 1, "started": None}))
    with contextlib.ExitStack() as stack:
        threading.Timer(1.0, (tmp_path / lock.FILE).unlink).start()
        began = time.perf_counter()
        compare_job.wait_for(tmp_path, stack)
        assert time.perf_counter() - began > 0.9 and (tmp_path / lock.FILE).is_file()
    assert not (tmp_path / lock.FILE).exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(cli.UserError, match="files that are no comparison"):
        compare.main([*ARGUMENTS, "--out", str(tmp_path)])


def test_of_several_seeds_there_is_a_mean_with_its_error():
    figures = compare_table.mean([result(1.0), result(2.0, ended="diverged: loss"), result(6.0)])
    assert figures["kid"] == 3.0 and figures["kid_standard_error"] == pytest.approx(math.sqrt(7 / 3))
    assert figures["ended"] == "diverged: loss" and "fid" not in figures
    table = compare_table.as_text({"recipes": {"vae": figures, "gan": result(5.0)}})
    assert compare_table.NOTE not in table
    likely = {"vae": result(1.0, log_prob=-90.0), "gmm": result(1.0, log_prob=20.0)}
    assert compare_table.as_text({"recipes": likely}).endswith(compare_table.NOTE)
    assert "| KID | 3.0 ± 1.5 | 5.00 ± 0.50 |" in table and "| ended early | diverged: loss |  |" in table


def test_figures_with_their_errors():
    assert compare_job.with_error("a", [2.0]) == {"a": 2.0}
    assert compare_job.with_error("a", [1.0, 3.0]) == {"a": 2.0, "a_standard_error": 1.0}


def test_the_budget_ends_training_and_steps_are_whole_epochs():
    class Model:
        stop_training = False

    for seconds, stops in ((None, False), (1000.0, False), (0.0, True)):
        callback = compare_job.Budget(seconds)
        callback.set_model(Model())
        callback.on_epoch_end(0)
        assert callback.model.stop_training is stops
    assert compare_job.steps_per_epoch("gan", "digits") == 23


@pytest.mark.parametrize(
    "dataset, last, reason",
    [
        ("digits", "lenet", "lenet does not generate"),
        ("digits", "flow2d", "flow2d cannot be trained on digits: flow2d expects points in the plane"),
        ("eight_gaussians", "vae", "vae cannot be trained on eight_gaussians: .*height, width, channels"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_any_training(tmp_path, monkeypatch, dataset, last, reason):
    monkeypatch.setattr(compare, "work", lambda *job: pytest.fail("a job was begun"))
    arguments = ["--dataset", dataset, "--budget", "1steps", "gan2d" if last == "vae" else "gan", last]
    with pytest.raises(cli.UserError, match=reason):
        compare.main([*arguments, "--out", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.full
def test_a_job_is_trained_and_measured(tmp_path):
    plan = {"recipes": ["gan"], "dataset": "digits", "budget": {"steps": 1}, "seeds": 1, "num_samples": 50}
    compare_job.run(tmp_path, plan, "gan-0")
    figures = json.loads((tmp_path / "gan-0" / "compared.json").read_text())
    assert figures["steps"] == 23 and figures["epochs"] == 1 and figures["peak_megabytes"] > 100
    expected = {"kid", "fid", "precision", "recall", "seconds_per_epoch", "samples_per_second"}
    assert expected <= figures.keys() and figures["weights"] > 1000
    assert (tmp_path / "gan-0" / "report.html").is_file() and (tmp_path / "features.keras").is_file()


def test_samples_of_one_seed_are_drawn_from_the_same_latents():
    """Of models that show their latents: a generator and a decoder of logits that only shape them."""

    def shaping(name):
        inputs = keras.Input((4,))
        return keras.Model(inputs, keras.layers.Reshape((2, 2, 1))(inputs), name=name)

    def flat(outputs):
        return keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(outputs)])

    adversarial = [
        kind(shaping("generator"), flat(1), seed=seed) for seed, kind in enumerate((models.GAN, models.WGANGP))
    ]
    drawn, other = (model.sample(3, seed=0) for model in adversarial)
    shares = models.VAE(flat(8), shaping("decoder"), seed=5).sample(3, seed=0)
    np.testing.assert_array_equal(drawn, other)
    np.testing.assert_allclose(np.log(shares) - np.log1p(-shares), drawn, atol=1e-5)
