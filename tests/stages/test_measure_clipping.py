"""Short trainings through the stage: schema, pairs that differ by clipping alone, resume, runs that break."""

import pytest
import yaml
from small_study import PARAMETERS, write_study

from experiment.evidence import CLIPPING
from experiment.storage import read_json
from stages import measure_clipping

DECLARED = PARAMETERS["clipping"]


def declare(folder, **changes):
    write_study()
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMETERS | {"clipping": DECLARED | changes}))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    declare(tmp_path)
    return tmp_path


def runs():
    found = read_json(CLIPPING)
    assert found["provenance"]["precision"] == "float32"
    return {(run["network"], run["seed"], run["clipped"]): run for run in found["runs"]}


def test_every_run_is_trained_with_and_without_clipping(here):
    declare(here, largest_norm=0.1)
    measure_clipping.main()
    found = runs()
    assert len(found) == 4
    for network in DECLARED["networks"]:
        free, clipped = (found[network, 0, mode] for mode in (False, True))
        assert free["losses"][0] == clipped["losses"][0]  # the same weights and the same first batch
        assert free["gradient_norms"][0] == clipped["gradient_norms"][0]
        assert free["gradient_norms"][0] > 0.1 and free["losses"][1:] != clipped["losses"][1:]
        for run in (free, clipped):
            if run["diverged_step"] is None:
                assert len(run["losses"]) == len(run["gradient_norms"]) == 4
                assert run["final_loss"] == run["losses"][-1]


def test_a_killed_measurement_goes_on_and_ends_the_same(here, monkeypatch):
    measure_clipping.main()
    unbroken, original, trained = CLIPPING.read_bytes(), measure_clipping.train, []

    def stop_after(limit):
        def train(*arguments):
            if len(trained) == limit:
                raise KeyboardInterrupt
            trained.append(arguments[:3])
            return original(*arguments)

        return train

    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(measure_clipping, "train", stop_after(2))
        measure_clipping.main()
    first, trained[:] = list(trained), []
    with monkeypatch.context() as patch:
        patch.setattr(measure_clipping, "train", stop_after(-1))
        measure_clipping.main()
    assert len(first) == len(trained) == 2 and not set(first) & set(trained)
    assert CLIPPING.read_bytes() == unbroken
    assert not list((here / ".progress").iterdir())


def test_a_run_that_breaks_says_at_which_step(here):
    declare(here, learning_rate=1e20, largest_norm=1e-21)
    measure_clipping.main()
    for (_, _, clipped), run in runs().items():
        assert len(run["losses"]) == len(run["gradient_norms"])
        if clipped:
            assert run["diverged_step"] is None and len(run["losses"]) == 4
        else:
            assert 1 <= run["diverged_step"] < 4 and len(run["losses"]) == run["diverged_step"] + 1
            assert run["final_loss"] is None
            assert None in (run["losses"][-1], run["gradient_norms"][-1])
