"""What every record of figures says of its making: the day and the commit."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def stamp():
    """Returns a dict of the day and the commit that runs."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    head = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    return {"date": datetime.now(UTC).date().isoformat(), "commit": head.stdout.strip()}
