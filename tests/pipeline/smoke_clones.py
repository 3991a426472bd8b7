"""Fresh clones of the repository as it stands, and DVC run in their smoke scale."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline_files import ROOT, repository_files

START_LIMIT = 600  # seconds until a training has kept its first epoch; expected within half a minute
RUN_LIMIT = 1800  # seconds for the whole pipeline; expected within five minutes


@dataclass(frozen=True)
class SmokeRuns:
    """The smoke scale's folder in both clones, and what DVC and the stages said."""

    unbroken: Path
    killed: Path  # killed in training, then run again
    output: str  # of the unbroken run
    output_after_kill: str


def clone(target: Path) -> Path:
    """The working tree (tracked or not, without what is ignored) as a git repository; its smoke folder."""
    for file in repository_files(links=True):
        place = target / file.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, place, follow_symlinks=False)
    (target / "scales/smoke/dvc.lock").unlink(missing_ok=True)
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "clone"]):
        subprocess.run(["git", *command], cwd=target, check=True)
    return target / "scales/smoke"


def environment() -> dict[str, str]:
    """This interpreter's environment first on PATH; on the CPU, one thread for each of two runs at once."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FLATNESS_", "DVC_", "PYTHON"))
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]])
    return kept | {
        "PATH": path,
        "FLATNESS_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def dvc(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run one DVC command to its end; stdout and stderr together in `stdout`."""
    return subprocess.run(
        ["dvc", *arguments], cwd=folder, env=environment(), text=True, timeout=RUN_LIMIT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def log_of(folder: Path) -> Path:
    return folder.parents[2] / f"{folder.parents[1].name}.log"


def start_pipeline(folder: Path) -> subprocess.Popen:
    """`dvc repro` in a process group of its own, so that it can be killed with its stages."""
    return subprocess.Popen(
        ["dvc", "repro", "--no-run-cache"], cwd=folder, env=environment(), text=True, start_new_session=True,
        stdout=open(log_of(folder), "w"), stderr=subprocess.STDOUT,
    )  # fmt: skip


def finish(process: subprocess.Popen, folder: Path) -> str:
    """Wait for the pipeline; what it said, which is shown where it failed."""
    code = process.wait(RUN_LIMIT)
    output = log_of(folder).read_text()
    assert code == 0, output[-5000:]
    return output


def end_group(process: subprocess.Popen) -> None:
    """Kill DVC and the stage it runs, which would outlive it."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kill_in_training(folder: Path) -> None:
    """Start the pipeline and kill it, with all it started, once a training has kept its first epoch."""
    process = start_pipeline(folder)
    deadline = time.monotonic() + START_LIMIT
    try:
        while not any(folder.glob(".progress/train-*")):
            assert process.poll() is None and time.monotonic() < deadline, log_of(folder).read_text()[-5000:]
            time.sleep(0.005)
    finally:
        end_group(process)
