import pytest

from tests.processes import shared


@pytest.fixture(scope="session")
def processes():
    """Processes of their own; see `tests.processes`."""
    return shared()
