import pytest

from tests.runtime.processes import Processes


@pytest.fixture(scope="session")
def processes(tmp_path_factory):
    """Processes of their own; see `tests.runtime.processes`."""
    processes = Processes(tmp_path_factory.mktemp("processes"))
    yield processes
    processes.stop()
