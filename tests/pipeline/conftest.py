"""Two fresh clones of the repository as it stands, in which the smoke scale has been run."""

import pytest
from smoke_clones import SmokeRuns, clone, end_group, finish, kill_in_training, start_pipeline


@pytest.fixture(scope="session")
def smoke_runs(tmp_path_factory) -> SmokeRuns:
    """Both clones run at once, in folders of different lengths: no path may leak into a result."""
    folder = tmp_path_factory.mktemp("smoke")
    unbroken = clone(folder / "a")
    killed = clone(folder / "a folder with a longer name" / "clone")
    running = [start_pipeline(unbroken)]
    try:
        kill_in_training(killed)
        running.append(start_pipeline(killed))
        return SmokeRuns(unbroken, killed, finish(running[0], unbroken), finish(running[1], killed))
    finally:
        for process in running:
            end_group(process)
