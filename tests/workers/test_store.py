# SPDX-License-Identifier: Apache-2.0
"""Folders in the cache: whole or not there, whoever makes them at the same time and whatever ends that."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import platformdirs
import pytest

from edgernn.errors import MissingExtraError, WorkerError
from edgernn.workers.store import StoredFolder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of this test's own; the folder that the stored ones are in."""
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path))
    return tmp_path / "runtimes"


def fill(folder):
    (folder / "file").write_text("content")


def names(cache):
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


def test_where_it_is(cache, monkeypatch):
    assert StoredFolder("thing", "1-a").path == cache / "thing-1-a"
    monkeypatch.delenv("EDGERNN_CACHE")
    assert StoredFolder("thing", "1").path == Path(platformdirs.user_cache_dir("edgernn")) / "runtimes" / "thing-1"
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    with pytest.raises(MissingExtraError, match=r"\.\[runtimes\]"):
        _ = StoredFolder("thing", "1").path
    assert not StoredFolder("thing", "1").exists()


def test_a_cache_that_can_not_be_read(monkeypatch):
    monkeypatch.setenv("EDGERNN_CACHE", "/" + "long" * 100)
    folder = StoredFolder("thing", "1")
    assert not folder.exists() and not folder.remove()
    with pytest.raises(WorkerError, match="can't be written .*EDGERNN_CACHE"):
        folder.make(fill)


def test_it_is_made_once_and_removed_with_any_key(cache):
    folder = StoredFolder("thing", "1")
    assert folder.remove() is False and not cache.exists()
    folder.make(fill)
    folder.make(lambda path: pytest.fail("it is there"))
    assert (folder.path / "file").read_text() == "content"
    StoredFolder("thing", "2").make(fill)
    StoredFolder("other", "1").make(fill)
    assert names(cache) == ["other-1", "thing-1", "thing-2"]
    assert folder.remove() is True
    assert names(cache) == ["other-1"]
    assert folder.remove() is False


@pytest.mark.parametrize("error", [WorkerError("no"), KeyboardInterrupt(), SystemExit(143), MemoryError()])
def test_what_fails_leaves_nothing(cache, error):
    def fail(folder):
        fill(folder)
        raise error

    with pytest.raises(type(error)):
        StoredFolder("thing", "1").make(fail)
    assert names(cache) == []


def test_what_a_killed_process_leaves_goes_the_next_time(cache):
    code = """
import os
from edgernn.workers.store import StoredFolder
def fill(folder):
    (folder / "half").write_text("")
    os.kill(os.getpid(), 9)
StoredFolder("thing", "1").make(fill)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    (left,) = names(cache)
    assert left.startswith(".thing-")
    StoredFolder("thing", "1").make(fill)
    assert names(cache) == ["thing-1"]


def test_two_at_once(cache):
    makers = []

    def slow(folder):
        makers.append(folder)
        fill(folder)
        time.sleep(0.3)

    threads = [threading.Thread(target=StoredFolder("thing", "1").make, args=[slow]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(makers) == 1 and names(cache) == ["thing-1"]


def test_a_cache_that_can_not_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EDGERNN_CACHE", str(tmp_path / "file"))
    with pytest.raises(WorkerError, match="can't be written .*: make room, or set EDGERNN_CACHE to another folder"):
        StoredFolder("thing", "1").make(fill)


def test_a_full_disk(cache):
    def full(folder):
        raise OSError(28, os.strerror(28), str(folder / "file"))

    with pytest.raises(WorkerError, match="file can't be written .No space left on device."):
        StoredFolder("thing", "1").make(full)
    assert names(cache) == []
