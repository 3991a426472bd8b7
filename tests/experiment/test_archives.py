"""Good archives give back their files; hostile and damaged ones leave nothing behind."""

import io
import stat
import tarfile
import zipfile

import pytest

from experiment import archives
from experiment.archives import unpacked
from experiment.sources import SourceError

FILES = {"train/a/1.png": b"one", "train/b/2.png": b"two" * 1000, "test/a/3.png": b""}


def tar(path, members):
    """`members`: name -> bytes of a file, or a TarInfo."""
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as file:
        for name, content in members.items():
            entry = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            entry.name = name
            if content is not entry:
                entry.size = len(content)
            file.addfile(entry, None if content is entry else io.BytesIO(content))
    return path


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def special(kind, target=""):
    entry = tarfile.TarInfo()
    entry.type, entry.linkname = kind, target
    return entry


PACKERS = {"a.tar": tar, "a.tar.gz": tar, "A.TGZ": tar, "a.zip": zipped}


@pytest.mark.parametrize("name", PACKERS)
def test_files_come_out_as_they_went_in_and_go_away(tmp_path, name):
    archive = PACKERS[name](tmp_path / name, FILES)
    with unpacked(archive, tmp_path / "within") as folder:
        found = {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }
    assert found == FILES
    assert not list((tmp_path / "within").iterdir())


def refused(archive, tmp_path, message):
    before = sorted(path for path in tmp_path.rglob("*"))
    with pytest.raises(SourceError, match=message), unpacked(archive, tmp_path):
        pytest.fail("was unpacked")
    assert sorted(path for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("packer", ["a.tar.gz", "a.zip"])
@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x", "a/..", "..", "..\\x", "\\x", "C:/x"])
def test_members_outside_the_folder_are_refused(tmp_path, packer, name):
    archive = PACKERS[packer](tmp_path / packer, FILES | {name: b"out"})
    refused(archive, tmp_path, "lies outside")


@pytest.mark.parametrize("name", ["a..b", "...", "a/..b/c", "./a"])
def test_dots_in_names_are_no_escape(tmp_path, name):
    with unpacked(tar(tmp_path / "a.tar", {name: b"in"}), tmp_path) as folder:
        assert (folder / name).read_bytes() == b"in"


@pytest.mark.parametrize(
    "entry",
    [
        special(tarfile.SYMTYPE, "../../etc/passwd"),
        special(tarfile.SYMTYPE, "/etc/passwd"),
        special(tarfile.LNKTYPE, "train/a/1.png"),
        special(tarfile.CHRTYPE),
        special(tarfile.BLKTYPE),
        special(tarfile.FIFOTYPE),
    ],
)
def test_links_and_devices_are_refused(tmp_path, entry):
    refused(tar(tmp_path / "a.tar", FILES | {"train/a/9.png": entry}), tmp_path, "link or device")


def test_links_in_zips_are_refused(tmp_path):
    archive = zipped(tmp_path / "a.zip", FILES)
    with zipfile.ZipFile(archive, "a") as file:
        link = zipfile.ZipInfo("train/a/9.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
    refused(archive, tmp_path, "is a link")


@pytest.mark.parametrize(("limit", "value"), [("MAX_BYTES", 2999), ("MAX_MEMBERS", 2)])
@pytest.mark.parametrize("name", PACKERS)
def test_bombs_are_refused_before_they_unfold(tmp_path, monkeypatch, name, limit, value):
    monkeypatch.setattr(archives, limit, value)
    refused(PACKERS[name](tmp_path / name, FILES), tmp_path, "holds more than")


def test_more_than_the_disk_has_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: archives.shutil._ntuple_diskusage(1, 1, 0))
    refused(tar(tmp_path / "a.tar", FILES), tmp_path, "free some space")


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_truncated_archives_are_refused(tmp_path, name, share):
    files = {f"{i}/{key}": value for i in range(9) for key, value in FILES.items()}
    archive = PACKERS[name](tmp_path / name, files)
    content = archive.read_bytes().rstrip(b"\0") if name == "a.tar" else archive.read_bytes()
    archive.write_bytes(content[: int(share * len(content))])
    refused(archive, tmp_path, "damaged or no archive")


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path):
    archive = tar(tmp_path / "a.tar", FILES)
    content = bytearray(archive.read_bytes())
    content[1024 + 148] ^= 1  # the checksum field of the second header, after header and block of the first
    archive.write_bytes(content)
    refused(archive, tmp_path, "no end mark")


def test_a_name_that_is_file_and_folder(tmp_path):
    refused(tar(tmp_path / "a.tar", {"a": b"file", "a/b": b"inside"}), tmp_path, "damaged or no archive")


def test_other_suffixes_are_refused(tmp_path):
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    refused(tmp_path / "a.rar", tmp_path, "expected a folder or an archive of one of .zip")
