"""Options of `apps.tune`."""

from apps import catalogue, cli
from apps.options import presets_text, recipes_text

DESCRIPTION = """\
Searches the hyperparameters that a recipe asks for, those that `python -m apps.train RECIPE --options` lists: trains
the recipe with many settings and keeps the best model. Everything goes into one search folder:

  search.json    what was asked for
  trials/        KerasTuner's book, and the record of every trial; --resume goes on from it
  trials.csv     every trial: its hyperparameters, its result or why it failed; also results.json
  pictures/      trials.png: every trial a line through its hyperparameters
  best/          a run folder with the best model, for apps.evaluate, apps.sample, apps.export and apps.train --resume

A trial is the run that apps.train would make of its hyperparameters and the seed, evaluated on held-out data after
every epoch; its result is that of its best epoch. A trial that fails is reported, and the search goes on.
"""
EXAMPLES = """\
examples:
  python -m apps.tune vae                                  ten random trials on digits, into runs/vae_search
  python -m apps.tune vae --options                        what is searched, and the objectives
  python -m apps.tune wgan_gp --dataset digits --tuner hyperband --trials 20 --objective kid
  python -m apps.tune vae --set network=mlp --set beta=1   with some hyperparameters fixed
  python -m apps.tune vae --resume                         go on after an interruption
  python -m apps.launch --workers 2 --search -- python -m apps.tune vae --trials 20      several at a time
"""


def parser(argv):
    names = catalogue.recipes()
    recipe = next(filter(catalogue.is_recipe, argv), None)
    parser = cli.Parser(
        prog="python -m apps.tune", description=DESCRIPTION + "\n" + recipes_text(names), epilog=EXAMPLES
    )
    parser.add_argument("recipe", type=cli.recipe, help=f"the system to tune: {', '.join(names)}, or a file")
    datasets = catalogue.datasets()
    parser.add_argument(
        "--dataset",
        type=cli.one_of("dataset", datasets),
        metavar="NAME",
        help=f"the data: {', '.join(datasets)} (default: the recipe's own)",
    )
    parser.add_argument(
        "--data", metavar="PATH",
        help="the data, instead of --dataset: a folder of images, in a subfolder per class if there are labels, or a "
        "file; for unet, unet3d and nnunet a folder of images and masks; all as apps.train takes them",
    )  # fmt: skip
    parser.add_argument("--out", metavar="FOLDER", help="the search folder (default: runs/RECIPE_search)")
    parser.add_argument(
        "--tuner",
        type=cli.one_of("tuner", list(catalogue.tuners())),
        metavar="NAME",
        help="random, bayesian (where a Gaussian process sees the best chance) or hyperband (many short trials, of "
        "which the best go on); default: random",
    )
    parser.add_argument("--trials", type=cli.whole_number(1, 10_000), metavar="N", help="how many (default: 10)")
    parser.add_argument(
        "--objective",
        metavar="NAME",
        help="the held-out metric by which trials are compared; --options lists them (default: elbo for VAEs, log_prob "
        "for the IWAE, kid for GANs of images, w2 for those of points, psnr for SIREN, dice for segmenters)",
    )
    parser.add_argument(
        "--epochs",
        type=cli.whole_number(1),
        metavar="N",
        help="passes over the training data per trial, for hyperband the most (default: a tenth of the recipe's)",
    )
    parser.add_argument(
        "--preset", metavar="NAME", help="a named set of hyperparameters, which are not searched" + presets_text(recipe)
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a hyperparameter, which is not searched"
    )
    seed = cli.whole_number(0, 2**32 - 1)
    parser.add_argument("--seed", type=seed, metavar="N", help="decides what is tried, and every trial (default: 0)")
    parser.add_argument("--resume", action="store_true", help="go on with the search in the search folder")
    parser.add_argument(
        "--features",
        metavar="FILE",
        help="a .keras file with the features that kid and the like compare images by; if it does not exist, they "
        "are trained and kept there (default: FOLDER/lenet-DATASET.keras); or inception_v3",
    )
    parser.add_argument("--options", action="store_true", help="list what is searched, and the objectives, and stop")
    return parser
