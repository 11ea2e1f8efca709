# SPDX-License-Identifier: Apache-2.0
"""`edgernn firmware`: an image and its map."""

import re


def test_an_image(pristine, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = cli("firmware", pristine, "--board", "cortex_m4", "--out", "made here", "--optimize", "s")
    fast = cli("firmware", pristine, "--board", "qemu:cortex_m4")
    sizes = []
    for outcome, folder in ((small, "made here"), (fast, "build/firmware/cortex_m4")):
        assert (outcome.exit_code, outcome.stderr) == (0, "")
        words = rf"Image: {folder}/firmware\.elf \(([\d,]+) bytes of flash, ([\d,]+) bytes of RAM\)\n"
        sizes.append(int(re.fullmatch(words, outcome.stdout)[1].replace(",", "")))
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == ["firmware.elf", "firmware.map"]
        assert (tmp_path / folder / "firmware.elf").read_bytes()[:4] == b"\x7fELF"
    assert 0 < sizes[0] < sizes[1]


def test_what_is_refused(pristine, refused, cli, tmp_path, monkeypatch):
    assert "there is no board 'm4'; there are host, " in refused(2, "firmware", pristine, "--board", "m4")
    assert "is no artifact" in refused(1, "firmware", tmp_path, "--board", "host")
    out = ("--out", "/dev/null/x")
    assert "/dev/null/x can't be written" in refused(1, "firmware", pristine, "--board", "host", *out)
    assert cli("firmware", pristine).exit_code == 2
    monkeypatch.setenv("PATH", "/nowhere")
    message = refused(1, "firmware", pristine, "--board", "host")
    assert message == "edgernn: the board host needs make, which is not installed: install Debian's package make"
