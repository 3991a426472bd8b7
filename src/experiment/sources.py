"""What `dataset.source` may name, and the files it leads to: checked against their published checksums."""

import hashlib
import os
import ssl
import sys
import time
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from tqdm import tqdm

from experiment.storage import replacing

OFFICIAL = "official"
DOWNLOADS = Path("data/download")  # where downloads stay and serve again
SOURCE_VARIABLE = "FLATNESS_DATA_SOURCE"  # takes the place of dataset.source, for machines without network
REMEDY = (
    f"name another source in params.yaml (dataset.source) or in the environment variable {SOURCE_VARIABLE}: "
    "the address of a mirror, or the path of a folder or archive on this machine"
)
PAUSES = (2.0, 8.0)  # seconds before the second and the third try
TIMEOUT = 60.0  # seconds without a byte
CHUNK = 1 << 20  # bytes
_TRANSIENT_STATUS = {408, 416, 425, 429}  # besides 5xx
_TRANSIENT_FAULTS = (URLError, HTTPException, ConnectionError, TimeoutError, ssl.SSLError)


class SourceError(ValueError):
    """The data cannot be had from their source; the message says what was expected, found, and what to do."""


def chosen_source(declared: str) -> str:
    """The declared source, unless the environment names another; said aloud where it does."""
    source = os.environ.get(SOURCE_VARIABLE) or declared
    if source != declared:
        print(f"{SOURCE_VARIABLE} takes the place of dataset.source: {source}", file=sys.stderr)
    return source


def is_address(source: str) -> bool:
    """Whether `source` is to be downloaded; SourceError for an address of a kind that is not."""
    scheme = urlsplit(source).scheme if "://" in source else "file"
    if scheme not in ("http", "https", "file"):
        raise SourceError(
            f"source {source!r}: expected http://, https://, file:// or a path, found {scheme}://"
        )
    return scheme != "file"


def local_path(source: str) -> Path:
    """The path that a source on this machine names; SourceError where there is nothing."""
    path = Path(unquote(urlsplit(source).path) if source.startswith("file://") else source).expanduser()
    if not path.exists():
        raise SourceError(
            f"source {source!r}: expected a folder or archive at {path.resolve()}, found nothing; {REMEDY}"
        )
    return path


def md5_of(path: Path) -> str:
    """MD5 of a file's bytes, in hexadecimal: the checksum that CIFAR's publishers chose."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def holds(path: Path, md5: str) -> bool:
    return path.is_file() and md5_of(path) == md5


def check_file(path: Path, md5: str) -> None:
    """SourceError unless `path` is a file with that checksum."""
    if not path.is_file():
        raise SourceError(f"{path}: expected a file with MD5 {md5}, found none; {REMEDY}")
    found = md5_of(path)
    if found != md5:
        raise SourceError(f"{path} is corrupt: expected MD5 {md5}, found {found}; replace it, or {REMEDY}")


def download(url: str, path: Path, md5: str) -> None:
    """Download a file of known checksum to `path`, where it appears only when complete and right.

    What has arrived is kept in `NAME.part` beside it and gone on with, by the next try or the next start,
    where the server can send the rest. SourceError when `len(PAUSES) + 1` tries have failed, or at once
    when the server says that there is no such file.
    """
    part = path.with_name(f"{path.name}.part")
    with replacing(path) as temporary:
        for pause in (*PAUSES, None):
            fault = _try(url, part, md5)
            if fault is None:
                os.replace(part, temporary)
                return
            if pause is not None:
                print(f"{url}: {fault}; trying again in {pause:g} s", file=sys.stderr)
                time.sleep(pause)
        tries = len(PAUSES) + 1
        raise SourceError(
            f"could not download {url} in {tries} tries: {fault}; check the network, or {REMEDY}"
        )


def _try(url: str, part: Path, md5: str) -> str | None:
    """Receive what `part` lacks; None if it is right then, else what went wrong this time."""
    try:
        if not holds(part, md5):
            _receive(url, part)
    except HTTPError as fault:
        if fault.code < 500 and fault.code not in _TRANSIENT_STATUS:
            raise SourceError(
                f"could not download {url}: HTTP {fault.code} {fault.reason}; {REMEDY}"
            ) from None
        if fault.code == 416:  # the part is no beginning of this file
            part.unlink(missing_ok=True)
        return f"HTTP {fault.code} {fault.reason}"
    except _TRANSIENT_FAULTS as fault:
        return str(getattr(fault, "reason", fault)) or type(fault).__name__
    found = md5_of(part)
    if found == md5:
        return None
    part.unlink()
    return f"expected MD5 {md5}, found {found}"


def _receive(url: str, part: Path) -> None:
    """Append to `part` what it lacks, or rewrite it if the server sends all; ConnectionError if cut short."""
    done = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "flatness"} | ({"Range": f"bytes={done}-"} if done else {})
    with urlopen(Request(url, headers=headers), timeout=TIMEOUT) as response:
        goes_on = response.status == 206
        done = done if goes_on else 0
        total = None if response.length is None else done + response.length
        with (
            open(part, "ab" if goes_on else "wb") as file,
            tqdm(
                desc=part.stem, total=total, initial=done, unit="B", unit_scale=True, unit_divisor=1024
            ) as bar,
        ):
            while chunk := response.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                bar.update(len(chunk))
    if total is not None and done < total:
        raise ConnectionError(f"the connection ended after {done} of {total} bytes")
