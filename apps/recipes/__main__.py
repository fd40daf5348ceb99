"""Tables of the hyperparameters of all recipes: `python -m apps.recipes` writes them, after one of them has changed."""

import json

from apps import catalogue, cli


def rows(name):
    """The hyperparameters of a recipe as its own data set opens them, as lists of texts."""
    from keras_dl.runs import space

    recipe = catalogue.module(name)
    return [list(row) for row in space.table(recipe, recipe.TASK.load(recipe.DATASET).spec)]


def searched(name):
    """What a search of a recipe tries on its own data set, as a dict."""
    from keras_dl.search import Plan

    recipe = catalogue.module(name)
    return Plan.make(recipe, recipe.TASK.load(recipe.DATASET), {}).listed()


def main():
    cli.start_tensorflow()
    for path, listed in ((catalogue.OPTIONS, rows), (catalogue.SEARCHES, searched)):
        table = {name: listed(name) for name in catalogue.recipes()}
        new = path.with_suffix(".new")
        new.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        new.replace(path)


if __name__ == "__main__":
    main()
