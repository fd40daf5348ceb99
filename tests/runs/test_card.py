"""What the table of a model card says of its figures."""

from keras_dl.runs import RunFolder, card


def test_figures_have_units_and_say_which_is_better(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_results({"train": {"elbo": -3.0, "accuracy": 0.5, "own": 1.0}, "test": {"elbo": -4.25}})
    folder.write_evaluation({"dataset": "digits", "rows": 3, "kid": None})
    assert card.figures(folder, {"own": "grams"}) == [
        "| | train | held out | apps.evaluate on digits |",
        "|---|---:|---:|---:|",
        "| elbo (nats, higher is better) | -3 | -4.25 |  |",
        "| accuracy (0 to 1, higher is better) | 0.5 |  |  |",
        "| own (grams) | 1 |  |  |",
        "| rows |  |  | 3 |",
        "| kid (lower is better) |  |  |  |",
    ]
