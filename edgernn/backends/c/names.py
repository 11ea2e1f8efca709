# SPDX-License-Identifier: Apache-2.0
"""Identifiers of C and C++ for names of ours."""

import re
from itertools import chain, count

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
_OWN_FILES = "_float", "_selftest"
"""Ends of names of a model's files: no other model's name may end so."""
_FILES = frozenset(
    """
    arduino assert aux client com1 com2 com3 com4 com5 com6 com7 com8 com9 complex con ctype dirent errno fcntl fenv
    glob grp inttypes iso646 limits locale lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9 main math memory netdb nul
    poll print prn pthread pwd regex sched search semaphore server setjmp signal spawn spi stdalign stdarg stdatomic
    stdbool stddef stdint stdio stdlib stdnoreturn stream string strings syslog termios tgmath threads time uchar
    unistd utime wchar wctype wire
    """.split()
)
"""Names of headers that one of ours would hide, and of files that can't be on Windows."""


_OWN = re.compile(r"[a-z][A-Za-z0-9]*_\w*(?<!_t)")
"""Identifiers that C's headers leave alone: with "_" inside, and no macro or type."""


class Identifiers:
    """Identifiers that differ from each other, from keywords, and from C's library, edgernn's and a model's names."""

    def __init__(self, prefix: str) -> None:
        """prefix: what the names of the model's own functions and macros begin with."""
        self._taken = set(_KEYWORDS)
        self._prefixes = "edgernn", prefix
        self._given: dict[tuple[str, str, str], str] = {}

    def __call__(self, name: str, use: str = "", owner: str = "") -> str:
        """The identifier for a use of what a program calls `name`, the same one every time for the same owner."""
        key = name, use, owner
        if key not in self._given:
            plain = identifier_of(f"{name}/{use}" if use else name)
            safe = _OWN.fullmatch(plain) and not plain.startswith(self._prefixes)
            plain = plain if safe else f"v_{plain}"
            choices = chain([plain], (f"{plain}_{i}" for i in count(2)))
            self._given[key] = next(choice for choice in choices if choice not in self._taken)
            self._taken.add(self._given[key])
        return self._given[key]


def prefix_of(name: str) -> str:
    """What the C identifiers and files of a model begin with: "My model-2" gives "my_model_2"."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    plain += "_model" * plain.endswith(_OWN_FILES)
    legal = plain[:1].isalpha() and plain not in _KEYWORDS | _FILES and not plain.startswith("edgernn")
    return (plain if legal else f"model_{plain}")[:_LONGEST_PREFIX].rstrip("_")


def check_prefix(name: str) -> None:
    """Raises ConfigError for a name that `prefix_of` would change."""
    if prefix_of(name) != name:
        raise ConfigError(f"C files and identifiers can't begin with {name!r}: take {prefix_of(name)!r}, for example")
