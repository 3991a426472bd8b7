import pytest

from experiment import sources


@pytest.fixture
def empty_scale(tmp_path, monkeypatch):
    """An empty working folder; no other source from the environment, no waiting between tries."""
    (tmp_path / "scale").mkdir()
    monkeypatch.chdir(tmp_path / "scale")
    monkeypatch.delenv(sources.SOURCE_VARIABLE, raising=False)
    monkeypatch.setattr(sources, "PAUSES", (0.0,))
