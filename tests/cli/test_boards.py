# SPDX-License-Identifier: Apache-2.0
"""`edgernn boards`: a row a board, and what to install."""

import json

from edgernn.device.boards import boards


def test_the_table(cli):
    outcome = cli("boards")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    title, columns, *rows = outcome.stdout.splitlines()
    assert (title, columns.split()) == ("Boards", ["board", "target", "core", "runs", "in", "tools"])
    assert [tuple(row.split()[:2]) for row in rows] == [(board.name, board.target) for board in boards().values()]
    assert all(row.split()[-1] == "ready" for row in rows)


def test_json(cli):
    entries = json.loads(cli("boards", "--json").stdout)
    assert [entry["name"] for entry in entries] == list(boards())
    keys = ["name", "target", "core", "emulated", "packages", "missing"]
    assert all(list(entry) == keys and entry["missing"] == [] for entry in entries)
    entry = next(entry for entry in entries if entry["target"] == "qemu:cortex_m0")
    assert entry["packages"] == ["gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "qemu-system-arm"]


def test_tools_that_are_missing(cli, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    outcome = cli("boards")
    assert outcome.exit_code == 0
    *rows, hint = outcome.stdout.splitlines()[2:]
    assert rows[0].rstrip().endswith("lacks make, gcc, size")
    assert hint.startswith("For what is missing: sudo apt install make gcc ")
    words = hint.split()
    assert len(set(words)) == len(words) and "qemu-system-arm" in words
    assert json.loads(cli("boards", "--json").stdout)[0]["missing"] == ["make", "gcc", "size"]
