"""Options of `apps.tune`."""

from apps import catalogue, options

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
    parser = options.Parser(
        prog="python -m apps.tune", description=DESCRIPTION + "\n" + options.recipes_text(names), epilog=EXAMPLES
    )
    help = f"the system to tune: {', '.join(names)}, or a file"
    parser.add_argument("recipe", type=options.recipe_of(names), help=help)
    options.add_data(
        parser,
        catalogue.datasets(),
        "the data: {names} (default: the recipe's own)",
        "the data, instead of --dataset: a folder of images, in a subfolder per class if there are labels, or a "
        "file; for unet, unet3d and nnunet a folder of images and masks; all as apps.train takes them",
    )
    options.add_reading(parser)
    parser.add_argument("--out", metavar="FOLDER", help="the search folder (default: runs/RECIPE_search)")
    _add_search(parser)
    per_trial = " per trial, for hyperband the most (default: a tenth of the recipe's)"
    presets, fixed = catalogue.presets(recipe), ", which is not searched"
    options.add_hyperparameters(parser, presets, per_trial, preset=", which are not searched", one=fixed)
    options.add_seed(parser, "what is tried, and every trial")
    parser.add_argument("--resume", action="store_true", help="go on with the search in the search folder")
    options.add_features(parser, "kid and the like compare images")
    parser.add_argument("--options", action="store_true", help="list what is searched, and the objectives, and stop")
    return parser


def _add_search(parser):
    parser.add_argument(
        "--tuner",
        type=options.one_of("tuner", list(catalogue.tuners())),
        metavar="NAME",
        help="random, bayesian (where a Gaussian process sees the best chance) or hyperband (many short trials, of "
        "which the best go on); default: random",
    )
    parser.add_argument("--trials", type=options.whole_number(1, 10_000), metavar="N", help="how many (default: 10)")
    parser.add_argument(
        "--objective",
        metavar="NAME",
        help="the held-out metric by which trials are compared; --options lists them (default: elbo for VAEs, log_prob "
        "for the IWAE, kid for GANs of images, w2 for those of points, psnr for SIREN, dice for segmenters)",
    )
