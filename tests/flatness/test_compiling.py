import os
import shutil

import pytest

from flatness import compiling
from flatness.compiling import compiled, why_not

needs_compiler = pytest.mark.skipif(shutil.which(compiling.COMPILER) is None, reason="no compiler here")


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    """Nothing compiled before, in memory or on disk."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiling._library_or_reason.cache_clear()
    yield tmp_path / "flatness"
    compiling._library_or_reason.cache_clear()


def files(folder) -> dict:
    return {path: path.stat().st_mtime_ns for path in folder.iterdir()}


@needs_compiler
def test_libraries_are_made_once_for_each_definition(cache_folder):
    assert compiled("fusion.c").forward and compiled("fusion.c", "BFLOAT16").forward
    made = files(cache_folder)
    assert len(made) == 2 and all(path.suffix == ".so" for path in made)
    compiling._library_or_reason.cache_clear()
    assert compiled("fusion.c").forward and why_not("fusion.c") is None
    assert made == files(cache_folder)


@needs_compiler
def test_another_source_is_compiled_anew(tmp_path, monkeypatch):
    source = tmp_path / "constant.c"
    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compiling.py"))
    for constant in (1, 2):
        source.write_text(f"int constant(void) {{ return {constant}; }}")
        compiling._library_or_reason.cache_clear()
        assert compiled("constant.c").constant() == constant


@needs_compiler
def test_a_damaged_library_is_made_anew(cache_folder):
    compiled("fusion.c")
    (kept,) = files(cache_folder)
    size = kept.stat().st_size
    kept.write_bytes(b"")
    compiling._library_or_reason.cache_clear()
    assert compiled("fusion.c").forward and kept.stat().st_size == size


@needs_compiler
def test_a_source_that_does_not_compile_is_a_warning_with_the_fault(tmp_path, cache_folder, monkeypatch):
    (tmp_path / "broken.c").write_text("int broken(void) {\n  return missing;\n}\n")
    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compiling.py"))
    with pytest.warns(
        UserWarning, match="broken.c was not compiled.*expected .*gcc.*found: .*error.*missing.*go on without"
    ):
        assert compiled("broken.c") is None
    assert "missing" in why_not("broken.c") and not cache_folder.exists()


@pytest.mark.parametrize("said", ["", "echo ' ' >&2", r"printf '\\377' >&2"])
def test_a_compiler_that_fails_without_a_word_is_a_warning(tmp_path, monkeypatch, said):
    compiler = tmp_path / "gcc"
    compiler.write_text(f"#!/bin/sh\n{said}\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(compiler))
    with pytest.warns(UserWarning, match="fusion.c was not compiled"):
        assert compiled("fusion.c") is None


@needs_compiler
@pytest.mark.parametrize("folder", ["a file", "of a user without a home"])
def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch, folder):
    (tmp_path / "file").write_text("")
    if folder == "a file":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    else:
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    assert compiled("fusion.c").forward
    assert sorted(os.listdir()) == ["file"]


def test_without_a_compiler_there_is_none_and_no_noise(monkeypatch, recwarn):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert compiled("fusion.c") is None and why_not("fusion.c") == "no gcc" and not recwarn


def test_without_torchs_thread_library_there_is_none(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/gcc")
    monkeypatch.setattr(compiling, "_thread_library", lambda: None)
    assert compiled("fusion.c") is None and "libgomp" in why_not("fusion.c")


def test_on_other_systems_there_is_none(monkeypatch):
    monkeypatch.setattr(compiling.sys, "platform", "darwin")
    assert compiled("fusion.c") is None and "darwin" in why_not("fusion.c")
