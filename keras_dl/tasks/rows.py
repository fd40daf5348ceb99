"""Figures of every case or image as files: rows of a CSV file."""

import csv
from pathlib import Path

from keras_dl import files
from keras_dl.checks import refusal


def write_rows(path: Path, rows: list[dict]) -> Path:
    """Writes dicts as a CSV file; returns its path, which is another if a file of the user's is there."""

    def write_table(temporary):
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    return files.put(path, write_table)


def read_rows(path: Path) -> list[dict]:
    """Reads the scores that `write_rows` wrote; refuses what cannot be read by the file's name."""
    rows = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file, strict=True):
                scores = {name: float(row[name]) for name in ("dice", "hausdorff_95")}
                rows.append({"case": row["case"], "class": int(row["class"]), **scores})
    except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
        raise refusal(f"{path} should hold the scores of a fold, and cannot be read: {error}", path) from error
    if not rows:
        raise refusal(f"{path} should hold the scores of a fold, and holds none", path)
    return rows
