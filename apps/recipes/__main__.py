"""Table of the hyperparameters of all recipes: `python -m apps.recipes` writes it, after one of them has changed."""

import json

from apps import catalogue, cli


def rows(name):
    """The hyperparameters of a recipe as its own data set opens them, as lists of texts."""
    from keras_dl.runs import space

    recipe = catalogue.module(name)
    return [list(row) for row in space.table(recipe, recipe.TASK.load(recipe.DATASET).spec)]


def main():
    cli.start_tensorflow()
    table = {name: rows(name) for name in catalogue.recipes()}
    new = catalogue.OPTIONS.with_suffix(".new")
    new.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(catalogue.OPTIONS)


if __name__ == "__main__":
    main()
