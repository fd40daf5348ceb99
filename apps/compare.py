"""Families side by side under one budget: `python -m apps.compare --help`."""

import contextlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from apps import catalogue, cli, early, options
from apps.cli import UserError, user_errors

DESCRIPTION = """\
Trains every named recipe on one data set under one budget, each in a process of its own, and lays them side by side:
log-likelihood or bits per dimension of held-out data where there is one, KID, FID, precision and recall by the same
features, weights, seconds per epoch, samples per second, peak memory, each with its standard error, and samples, of the
same classes, and from the same latents where two recipes have as many.

A budget of steps is rounded up to whole epochs, over which the recipes' schedules run. A budget of time ends training
after the epoch in which it runs out, or after the recipe's own number of epochs. Figures of several seeds are their
mean, with its standard error. After an interruption the same command goes on.

  OUT/comparison.json   the figures
  OUT/report.html       table, curves and samples as one page
  OUT/RECIPE-SEED/      the runs, as apps.train leaves them
  OUT/RECIPE-SEED.log   with --workers, what each of them said
"""
EXAMPLES = """\
examples:
  python -m apps.compare --dataset digits --budget 1m vae gan wgan_gp
  python -m apps.compare --dataset digits --budget 500steps --seeds 3 vae iwae --out runs/vaes --workers 2
"""
UNITS = {"s": 1, "m": 60, "h": 3600}


def parser():
    parser = options.Parser(prog="python -m apps.compare", description=DESCRIPTION, epilog=EXAMPLES)
    names = catalogue.recipes()
    recipes = options.one_of("recipe", names)
    parser.add_argument("recipes", metavar="RECIPE", nargs="+", type=recipes, help="systems that generate")
    options.add_dataset(parser, catalogue.datasets(), "the data: {names} (default: digits)", default="digits")
    parser.add_argument("--budget", type=budget, required=True, metavar="B", help="30s, 10m, 1h, or 500steps")
    seeds = options.whole_number(1, 100)
    parser.add_argument("--seeds", type=seeds, default=1, metavar="N", help="seeds 0 to N - 1 each")
    parser.add_argument(
        "--num-samples", type=options.whole_number(10), default=2000, metavar="K",
        help="samples that are compared with the held-out ones (default: 2000)",
    )  # fmt: skip
    parser.add_argument("--out", metavar="FOLDER", default="runs/comparison", help="default: runs/comparison")
    parser.add_argument(
        "--workers", type=options.whole_number(1, 64), default=1, metavar="N",
        help="jobs at a time (default: 1); they share the processors, which budgets of time and speeds show",
    )  # fmt: skip
    parser.add_argument("--only", metavar="JOB", help="train and measure one job of a comparison that was begun")
    return parser


def budget(text):
    """The budget of a text such as 10m or 500steps, as JSON holds it: `{"seconds": 600}`, `{"steps": 500}`."""
    number, kind = (text[:-5], "steps") if text.endswith("steps") else (text[:-1], text[-1:])
    if not number.isdecimal() or int(number) < 1 or kind not in (*UNITS, "steps"):
        import argparse

        raise argparse.ArgumentTypeError(f"expected a budget such as 30s, 10m, 1h or 500steps, received {text!r}")
    return {"steps": int(number)} if kind == "steps" else {"seconds": int(number) * UNITS[kind]}


def main(argv=None):
    arguments = parser().parse(sys.argv[1:] if argv is None else argv)
    out = Path(arguments.out)
    plan = {name: getattr(arguments, name) for name in ("recipes", "dataset", "budget", "seeds", "num_samples")}
    plan["recipes"] = list(dict.fromkeys(plan["recipes"]))
    begin(out, plan)
    if arguments.only:
        cli.start_tensorflow()
        from apps import compare_job

        compare_job.run(out, plan, arguments.only)
        return
    work_all(out, arguments, [job for job in jobs(plan) if not (out / job / "compared.json").is_file()])
    with user_errors(OSError, ValueError):
        show(out, plan)


def jobs(plan):
    """The names of the runs of a comparison."""
    return [f"{recipe}-{seed}" for recipe in plan["recipes"] for seed in range(plan["seeds"])]


def begin(out, plan):
    """Notes what is compared; refuses a folder in which something else is, and what cannot be compared."""
    file = out / "plan.json"
    if file.is_file():
        with user_errors(OSError, ValueError):
            old = json.loads(file.read_text(encoding="utf-8"))
        if old != plan:
            raise UserError(f"{out} holds another comparison: give another --out, or what it was begun with, {old}")
        return
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out} holds files that are no comparison; give an empty or a new folder as --out")
    cli.start_tensorflow()
    from apps import compare_job

    compare_job.check(plan)
    with user_errors(OSError):
        early.module("files").replace(file, lambda path: path.write_text(json.dumps(plan), encoding="utf-8"))


def work_all(out, arguments, left):
    """Does what is left to do, as many jobs at a time as there are workers; the first error waits for the others."""
    if arguments.workers == 1:
        for job in left:
            work(out, arguments, job)
        return
    with ThreadPoolExecutor(arguments.workers) as pool:
        results = [pool.submit(work, out, arguments, job) for job in left]
    for result in results:
        result.result()


def work(out, arguments, job):
    """Trains and measures one job in a process of its own, whose peak of memory is the job's."""
    print(f"{job} ...", flush=True)
    spent = f"{arguments.budget['steps']}steps" if "steps" in arguments.budget else f"{arguments.budget['seconds']}s"
    words = ["--dataset", arguments.dataset, "--budget", spent, "--seeds", str(arguments.seeds), "--only", job]
    words += ["--num-samples", str(arguments.num_samples), "--out", str(out)]
    command = [sys.executable, "-m", "apps.compare", *arguments.recipes, *words]
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((out / f"{job}.log").open("a")) if arguments.workers > 1 else None
        done = subprocess.run(command, cwd=Path.cwd(), check=False, stdout=log, stderr=log)
    if done.returncode:
        place = f"{out / job}.log" if arguments.workers > 1 else "above"
        raise UserError(f"{job} ended with {done.returncode}, see {place}; the same command goes on with it")


def show(out, plan):
    """Writes and prints the table, and writes the page."""
    from apps import compare_table

    figures = compare_table.gathered(out, plan, jobs(plan))
    files = early.module("files")
    text = json.dumps(figures, indent=2) + "\n"
    files.replace(out / "comparison.json", lambda path: path.write_text(text, encoding="utf-8"))
    page = compare_table.page(out, plan, figures, jobs(plan))
    files.replace(out / "report.html", lambda path: path.write_text(page, encoding="utf-8"))
    print(compare_table.as_text(figures))
    print(f"written:\n  {out / 'comparison.json'}  these figures\n  {out / 'report.html'}  a page, with samples")


if __name__ == "__main__":
    cli.run(main)
