# SPDX-License-Identifier: Apache-2.0
"""Identifiers of C and C++ for names of ours."""

import re

from edgernn.errors import ConfigError
from edgernn.spec.program import identifier_of

_KEYWORDS = frozenset(
    """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await
    co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do
    double dynamic_cast else enum explicit export extern false float for friend goto if import inline int long module
    mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register
    reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct switch
    template this thread_local throw true try typedef typeid typename typeof union unsigned using virtual void volatile
    wchar_t while xor xor_eq
    """.split()
)

_LONGEST_PREFIX = 40
_FILES = frozenset(
    """
    arduino assert aux complex con ctype dirent errno fcntl fenv glob grp inttypes iso646 limits locale main math
    netdb nul poll prn pthread pwd regex sched search semaphore setjmp signal spawn stdalign stdarg stdatomic stdbool
    stddef stdint stdio stdlib stdnoreturn string strings syslog termios tgmath threads time uchar unistd
    utime wchar wctype
    """.split()
)
"""Names of headers that one of ours would hide, and of files that can't be on Windows."""


class Identifiers:
    """Identifiers that differ from each other and from keywords."""

    def __init__(self, *reserved: str) -> None:
        """reserved: identifiers that are taken."""
        self._taken = {*_KEYWORDS, *reserved}
        self._given: dict[tuple[str, str, str], str] = {}

    def __call__(self, name: str, use: str = "", owner: str = "") -> str:
        """The identifier for a use of what a program calls `name`, the same one every time for the same owner."""
        key = name, use, owner
        if key not in self._given:
            plain = identifier_of(f"{name}/{use}" if use else name)
            choices = (plain, *(f"{plain}_{i}" for i in range(2, len(self._taken) + 3)))
            self._given[key] = next(choice for choice in choices if choice not in self._taken)
            self._taken.add(self._given[key])
        return self._given[key]


def prefix_of(name: str) -> str:
    """What the C identifiers and files of a model begin with: "My model-2" gives "my_model_2"."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    legal = plain[:1].isalpha() and plain not in _KEYWORDS | _FILES and not plain.startswith("edgernn")
    return (plain if legal else f"model_{plain}")[:_LONGEST_PREFIX].rstrip("_")


def check_prefix(name: str) -> None:
    """Raises ConfigError for a name that `prefix_of` would change."""
    if prefix_of(name) != name:
        raise ConfigError(f"C files and identifiers can't begin with {name!r}: take {prefix_of(name)!r}, for example")
