import shutil

import pytest

from flatness import compiling
from flatness.compiling import compiled

COMPILER = next(filter(None, map(shutil.which, compiling.COMPILERS)), None)
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no compiler here")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """Nothing compiled before, in memory or on disk; what this process has loaded otherwise stays."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(compiling, "compiled", compiled)
    compiled.cache_clear()
    yield
    compiled.cache_clear()


@needs_compiler
def test_libraries_are_made_once_for_each_definition(tmp_path):
    assert compiled("fusion.c").forward and compiled("fusion.c", "BFLOAT16").forward
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "flatness").iterdir()}
    assert len(made) == 2 and all(path.suffix == ".so" for path in made)
    compiled.cache_clear()
    assert compiled("fusion.c").forward
    assert made == {path: path.stat().st_mtime_ns for path in (tmp_path / "flatness").iterdir()}


@needs_compiler
def test_another_source_is_compiled_anew(tmp_path, monkeypatch):
    source = tmp_path / "constant.c"
    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compiling.py"))
    for constant in (1, 2):
        source.write_text(f"int constant(void) {{ return {constant}; }}")
        compiled.cache_clear()
        assert compiled("constant.c").constant() == constant


@needs_compiler
def test_a_source_that_does_not_compile_is_a_warning_with_the_remedy(tmp_path, monkeypatch):
    (tmp_path / "broken.c").write_text("int broken(")
    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compiling.py"))
    with pytest.warns(UserWarning, match="broken.c was not compiled.*expected .* found: .*go on without"):
        assert compiled("broken.c") is None
    assert not list((tmp_path / "flatness").iterdir())


@needs_compiler
def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="was not compiled"):
        assert compiled("fusion.c") is None


def test_without_a_compiler_there_is_none_and_no_noise(monkeypatch, recwarn):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert compiled("fusion.c") is None and not recwarn


def test_without_torchs_thread_library_there_is_none(monkeypatch):
    monkeypatch.setattr(compiling, "_thread_library", lambda: None)
    assert compiled("fusion.c") is None
