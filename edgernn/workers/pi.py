# SPDX-License-Identifier: Apache-2.0
"""Raspberry Pis without the hardware: LiteRT and tflite-runtime for aarch64 under QEMU's user-mode emulation.

Nothing here needs to be root, a chroot, or binfmt. Debian 12's Python and what it links to are unpacked into a folder,
`root`, which QEMU prefixes to the paths that a program opens. Over it lies a folder for each Pi with what Linux tells
of its processor: a runtime chooses its kernels by that, and by the instructions that the emulated core has.
"""

import os
import platform
import shutil
from pathlib import Path

from edgernn.errors import MissingToolError
from edgernn.workers.client import Worker
from edgernn.workers.environment import Say, Variant, isolated, not_installed, surroundings
from edgernn.workers.packages import Interpreter, digest, pip_install, run
from edgernn.workers.store import StoredFolder

_PURPOSE = "an emulated Raspberry Pi"
_RELEASE = "bookworm"
"""The Debian whose Python is the last that there are wheels of tflite-runtime for."""
_PYTHON = "3.11"
_PACKAGES = ["libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libexpat1", "libffi8", "libssl3", "libbz2-1.0", "liblzma5"]
_PACKAGES += [f"python{_PYTHON}-minimal", f"libpython{_PYTHON}-minimal", f"libpython{_PYTHON}-stdlib"]
_SOURCES = "deb [signed-by={keys}] http://deb.debian.org/debian bookworm main\n"
_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_GLIBCS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_27", "manylinux2014", "manylinux_2_17")

_PINS = {
    "litert": ("ai-edge-litert==2.3.0", "numpy==2.4.6"),
    "tflite-runtime": ("tflite-runtime==2.14.0", "numpy==1.26.4"),
}
_KERNELS = ("xnnpack", "builtin", "reference")
_CORES = {
    "pi3": ("cortex-a53", "0x0", "0xd03", "4", "fp asimd evtstrm crc32 cpuid"),
    "pi4": ("cortex-a72", "0x0", "0xd08", "3", "fp asimd evtstrm crc32 cpuid"),
    "pi5": (
        *("cortex-a76", "0x4", "0xd0b", "1"),
        "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    ),
}
"""Core as QEMU names it, and as /proc/cpuinfo of that Pi tells: variant, part, revision, features.

Without QEMU's -cpu, XNNPACK's results are wrong; without a cpuinfo of Arm, LiteRT crashes.
"""
_CPUS = 4


class EmulatedPi:
    """A Raspberry Pi 3, 4 and 5."""

    name = "pi-emulated"
    description = "Raspberry Pi 3, 4 and 5 in QEMU: LiteRT and tflite-runtime; takes 240 MB"
    emulated = True

    def __init__(self) -> None:
        self._folder = StoredFolder(self.name, f"{_RELEASE}-{digest(_PACKAGES, _PINS, _CORES)}")
        self.variants = tuple(
            Variant(f"{board}-{runtime}", runtime, pins[0].partition("==")[2], _KERNELS, f"aarch64 {core[0]}")
            for board, core in _CORES.items()
            for runtime, pins in _PINS.items()
        )

    def installed(self) -> bool:
        return self._folder.exists()

    def check(self) -> None:
        if not self.installed():
            raise not_installed(self.name)
        _emulator()

    def install(self, say: Say) -> None:
        _emulator()
        for tool, package in (("apt-get", "apt"), ("dpkg-deb", "dpkg")):
            if shutil.which(tool) is None:
                raise MissingToolError(f"installing {_PURPOSE}", tool, package)
        self._folder.make(lambda folder: self._fill(folder, say))

    def remove(self) -> bool:
        return self._folder.remove()

    def open(self, variant: Variant, name: str) -> Worker:
        return self._start(self._folder.path, variant, name)

    def _fill(self, folder: Path, say: Say) -> None:
        say(f"{self.name}: downloading Debian's Python for arm64")
        _unpack_debian(folder / "root", folder / "apt")
        wheels = Interpreter(_PYTHON, tuple(f"{glibc}_aarch64" for glibc in _GLIBCS))
        for runtime, pins in _PINS.items():
            say(f"{self.name}: installing {', '.join(pins)} for aarch64")
            pip_install(pins, folder / runtime, wheels)
        for board in _CORES:
            _overlay(folder / board, board)
        for variant in self.variants:
            say(f"{self.name}: starting {variant.name}")
            with self._start(folder, variant, variant.name) as worker:
                worker.hello()

    def _start(self, folder: Path, variant: Variant, name: str) -> Worker:
        board = variant.name.partition("-")[0]
        emulator = [_emulator(), "-cpu", _CORES[board][0], "-L", str(folder / board)]
        python = [*emulator, str(folder / "root" / "usr" / "bin" / f"python{_PYTHON}")]
        return Worker(name, isolated(python, variant.runtime), surroundings(folder / variant.runtime))


def _emulator() -> str:
    """QEMU's program. Raises MissingToolError."""
    found = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if found is None:
        raise MissingToolError(_PURPOSE, "qemu-aarch64-static", "qemu-user-static")
    return found


def _unpack_debian(root: Path, scratch: Path) -> None:
    """Debian's packages for arm64, checked by its keys, through an apt state of its own."""
    for folder in (root, scratch / "state" / "lists" / "partial", scratch / "cache" / "archives" / "partial"):
        folder.mkdir(parents=True)
    (scratch / "status").touch()
    options = ["-qq", "-o", "APT::Architecture=arm64", "-o", "APT::Architectures=arm64"]
    options += ["-o", f"Dir::State={scratch}/state", "-o", f"Dir::State::status={scratch}/status"]
    options += ["-o", f"Dir::Cache={scratch}/cache", *_sources(scratch)]
    if os.geteuid() == 0:
        options += ["-o", "APT::Sandbox::User=root"]
    run(["apt-get", *options, "update"], "apt-get can't update its lists for arm64")
    archives = scratch / "cache" / "archives"
    run(
        ["sh", "-c", 'cd "$0" && exec "$@"', str(archives), "apt-get", *options, "download", *_PACKAGES],
        f"apt-get can't download {_PACKAGES[-1]} for arm64",
    )
    for package in sorted(archives.glob("*.deb")):
        run(["dpkg-deb", "-x", str(package), str(root)], f"{package.name} can't be unpacked")
    shutil.rmtree(scratch)


def _sources(scratch: Path) -> list[str]:
    """This machine's own sources where it is the release that is needed; Debian's server otherwise."""
    try:
        release = platform.freedesktop_os_release().get("VERSION_CODENAME")
    except OSError:
        release = None
    if release == _RELEASE:
        return []
    if not _KEYS.exists():
        raise MissingToolError(f"installing {_PURPOSE}", str(_KEYS), "debian-archive-keyring")
    (scratch / "sources.list").write_text(_SOURCES.format(keys=_KEYS), encoding="utf-8")
    return ["-o", f"Dir::Etc::sourcelist={scratch}/sources.list", "-o", "Dir::Etc::sourceparts=-"]


def _overlay(folder: Path, board: str) -> None:
    """A Pi's own files over the root that all share."""
    (folder / "proc").mkdir(parents=True)
    (folder / "proc" / "cpuinfo").write_text(_cpuinfo(board), encoding="ascii")
    cpus = folder / "sys" / "devices" / "system" / "cpu"
    cpus.mkdir(parents=True)
    for name in ("online", "possible", "present"):
        (cpus / name).write_text(f"0-{_CPUS - 1}\n", encoding="ascii")
    (cpus / "kernel_max").write_text("255\n", encoding="ascii")
    for entry in sorted((folder.parent / "root").iterdir()):
        (folder / entry.name).symlink_to(Path("..") / "root" / entry.name)


def _cpuinfo(board: str) -> str:
    _, variant, part, revision, features = _CORES[board]
    told = f"BogoMIPS\t: 108.00\nFeatures\t: {features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
    told += f"CPU variant\t: {variant}\nCPU part\t: {part}\nCPU revision\t: {revision}\n"
    return "".join(f"processor\t: {number}\n{told}\n" for number in range(_CPUS))
