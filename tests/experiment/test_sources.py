"""Downloads from a server of our own that fails in every way on request."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from experiment import sources
from experiment.sources import SourceError, check_file, chosen_source, download, is_address, local_path

CONTENT = bytes(range(256)) * 400
HALF = len(CONTENT) // 2
MD5 = hashlib.md5(CONTENT).hexdigest()


class Scripted(BaseHTTPRequestHandler):
    """Answers each request by the next word of `server.script`, and notes its Range header."""

    def do_GET(self):
        word = self.server.script.pop(0)
        range_ = self.headers.get("Range")
        self.server.ranges.append(range_)
        start = int(range_.removeprefix("bytes=").rstrip("-")) if range_ and self.server.resumes else 0
        if word.isdigit():
            return self.send_error(int(word))
        if start >= len(CONTENT):
            return self.send_error(416)
        body = {"wrong": bytes(len(CONTENT)), "right": CONTENT, "cut": CONTENT}[word][start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: HALF - start] if word == "cut" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(sources, "PAUSES", (0.0, 0.0))
    with HTTPServer(("127.0.0.1", 0), Scripted) as server:
        server.script, server.ranges, server.resumes = [], [], True
        server.url = f"http://127.0.0.1:{server.server_port}/file"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("script", "ranges"),
    [
        (["right"], [None]),
        (["503", "right"], [None, None]),
        (["wrong", "429", "right"], [None, None, None]),
        (["cut", "right"], [None, f"bytes={HALF}-"]),
        (["cut", "502", "right"], [None, f"bytes={HALF}-", f"bytes={HALF}-"]),
    ],
)
def test_passing_faults_are_tried_again(server, tmp_path, script, ranges):
    server.script = list(script)
    download(server.url, tmp_path / "file", MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.ranges == ranges
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_server_that_cannot_resume_sends_all_again(server, tmp_path):
    server.script, server.resumes = ["cut", "right"], False
    download(server.url, tmp_path / "file", MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (["404"], "HTTP 404"),
        (["403"], "HTTP 403"),
        (["500"] * 3, "3 tries: HTTP 500"),
        (["wrong"] * 3, f"expected MD5 {MD5}, found {hashlib.md5(bytes(len(CONTENT))).hexdigest()}"),
        (["500", "500", "cut"], f"after {HALF} of {len(CONTENT)} bytes"),
    ],
)
def test_lasting_faults_leave_nothing_at_the_final_name(server, tmp_path, script, message):
    server.script = list(script)
    with pytest.raises(SourceError, match=message) as fault:
        download(server.url, tmp_path / "file", MD5)
    assert sources.SOURCE_VARIABLE in str(fault.value)
    assert not server.script
    assert not (tmp_path / "file").exists()


def test_no_server_at_all(monkeypatch, tmp_path):
    monkeypatch.setattr(sources, "PAUSES", ())
    with pytest.raises(SourceError, match="refused"):
        download("http://127.0.0.1:1/file", tmp_path / "file", MD5)


def test_an_interrupted_download_is_gone_on_with(server, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "CHUNK", 1000)

    def interrupt(*_):
        raise KeyboardInterrupt

    server.script = ["right", "right"]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(sources.tqdm, "update", interrupt)
        download(server.url, tmp_path / "file", MD5)
    assert not (tmp_path / "file").exists()
    download(server.url, tmp_path / "file", MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-"]


@pytest.mark.parametrize(
    ("left", "requests"), [(CONTENT, 0), (bytes(len(CONTENT)), 2), (bytes(10), 2), (CONTENT + b"more", 2)]
)
def test_a_part_of_an_earlier_run_is_never_trusted_unchecked(server, tmp_path, left, requests):
    (tmp_path / "file.part").write_bytes(left)
    server.script = ["right"] * 2
    download(server.url, tmp_path / "file", MD5)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert len(server.ranges) == requests


def test_check_file(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(SourceError, match="found none"):
        check_file(path, MD5)
    path.write_bytes(CONTENT)
    check_file(path, MD5)
    path.write_bytes(CONTENT[1:])
    with pytest.raises(
        SourceError, match=f"expected MD5 {MD5}, found {hashlib.md5(CONTENT[1:]).hexdigest()}"
    ):
        check_file(path, MD5)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://host/a", True),
        ("http://host", True),
        ("file:///a", False),
        ("/a/b", False),
        ("a.zip", False),
    ],
)
def test_is_address(source, expected):
    assert is_address(source) is expected


def test_unknown_kinds_of_address_are_refused():
    with pytest.raises(SourceError, match="found s3://"):
        is_address("s3://bucket/file")


def test_local_path(tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    assert local_path(str(folder)) == folder
    assert local_path(folder.as_uri()) == folder
    with pytest.raises(SourceError, match="found nothing"):
        local_path(str(tmp_path / "absent"))


def test_the_environment_takes_the_place_of_the_declared_source(monkeypatch, capsys):
    monkeypatch.delenv(sources.SOURCE_VARIABLE, raising=False)
    assert chosen_source("official") == "official"
    assert capsys.readouterr().err == ""
    monkeypatch.setenv(sources.SOURCE_VARIABLE, "/elsewhere")
    assert chosen_source("official") == "/elsewhere"
    assert "/elsewhere" in capsys.readouterr().err
