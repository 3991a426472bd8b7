"""Archives unpacked without trust: all members are checked before the first is written."""

import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import BadGzipFile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from experiment.sources import SourceError

MAX_BYTES = 16 << 30  # unpacked; such data would not fit the memory they are held in
MAX_MEMBERS = 2_000_000
SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
_OUTSIDE = re.compile(r"[/\\]|[A-Za-z]:|(.*[/\\])?\.\.([/\\]|$)|.*\0", re.DOTALL)  # from the start of a name
_UNREADABLE = (
    *(tarfile.TarError, zipfile.BadZipFile, BadGzipFile, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, RuntimeError, UnicodeError),  # zip: unknown method, password, names
    *(FileExistsError, IsADirectoryError, NotADirectoryError),  # a member that is both file and folder
)


@dataclass(frozen=True)
class Member:
    """An archive's entry; `kind` is `file`, `folder`, or a word for what has no place in a data set."""

    name: str
    kind: str
    size: int  # bytes, unpacked
    open: Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES)


@contextmanager
def unpacked(archive: Path, within: Path) -> Iterator[Path]:
    """A temporary folder in `within` with the archive's files, removed at the end.

    SourceError, with nothing unpacked, where a member lies outside the archive's folder or is neither a
    file nor a folder (links, devices), where the archive is damaged, or where it unpacks to more than
    MAX_BYTES or the free space.
    """
    within.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=within, prefix=".unpacked-") as folder:
        try:
            _unpack(archive, Path(folder))
        except _UNREADABLE as fault:
            raise SourceError(
                f"{archive} is damaged or no archive ({str(fault) or type(fault).__name__}): expected one of "
                f"{', '.join(SUFFIXES)}, whole and without password; fetch or pack it again"
            ) from fault
        yield Path(folder)


def _unpack(archive: Path, folder: Path) -> None:
    with _reader(archive)(archive) as entries:
        members = _checked(entries, archive, shutil.disk_usage(folder).free)
        for member in members:
            path = folder / member.name
            if member.kind == "folder":
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with member.open() as packed, open(path, "wb") as file:
                shutil.copyfileobj(packed, file)


def _checked(entries: Iterator[Member], archive: Path, free: int) -> list[Member]:
    """The members, if all of them are welcome."""
    members: list[Member] = []
    size = 0
    for member in entries:
        if _OUTSIDE.match(member.name):
            raise _refusal(archive, f"its member {member.name!r} lies outside the folder it unpacks to")
        if member.kind not in ("file", "folder"):
            raise _refusal(archive, f"its member {member.name!r} is a {member.kind}")
        members.append(member)
        size += member.size
        if size > MAX_BYTES or len(members) > MAX_MEMBERS:
            raise _refusal(archive, f"it holds more than {MAX_BYTES >> 30} GiB or {MAX_MEMBERS} members")
    if size > free:
        raise SourceError(
            f"{archive} unpacks to {size} bytes, found {free} free here; free some space and run again"
        )
    return members


def _refusal(archive: Path, reason: str) -> SourceError:
    return SourceError(
        f"{archive} is refused: {reason}; expected plain files and folders alone. Nothing was unpacked; "
        "if you trust its origin, pack the files again without it"
    )


def _reader(archive: Path):
    if not is_archive(archive):
        raise SourceError(f"{archive}: expected a folder or an archive of one of {', '.join(SUFFIXES)}")
    return _zip_members if archive.name.lower().endswith(".zip") else _tar_members


@contextmanager
def _zip_members(archive: Path) -> Iterator[Iterator[Member]]:
    with zipfile.ZipFile(archive) as file:
        yield (
            Member(entry.filename, _zip_kind(entry), entry.file_size, lambda entry=entry: file.open(entry))
            for entry in file.infolist()
        )


def _zip_kind(entry: zipfile.ZipInfo) -> str:
    kinds = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    return "folder" if entry.is_dir() else kinds.get(stat.S_IFMT(entry.external_attr >> 16), "device")


@contextmanager
def _tar_members(archive: Path) -> Iterator[Iterator[Member]]:
    with tarfile.open(archive) as file:
        yield _tar_entries(file)


def _tar_entries(file: tarfile.TarFile) -> Iterator[Member]:
    for entry in file:
        kind = "file" if entry.isreg() else "folder" if entry.isdir() else "link or device"
        yield Member(entry.name, kind, entry.size, lambda entry=entry: file.extractfile(entry))
    file.fileobj.seek(file.offset)  # tarfile takes a damaged header for the end of the archive
    if file.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("no end mark after the last readable member")
