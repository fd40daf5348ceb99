"""Command-line programs: `python -m apps.train --help`."""
