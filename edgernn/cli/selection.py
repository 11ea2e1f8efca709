# SPDX-License-Identifier: Apache-2.0
"""What means the same in every command: --runtime and --target, --optimize; names and commands to choose from."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from edgernn.errors import ConfigError, unknown

if TYPE_CHECKING:
    from edgernn.backends.runtime import Runtime

Command = Callable[..., Any]


class Known(click.Choice[str]):
    """One of these names. Another one is refused in the words that all names are refused in."""

    def __init__(self, what: str, names: Iterable[str]) -> None:
        super().__init__(list(names))
        self._what = what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices:
            raise ConfigError(unknown(self._what, value, self.choices))
        return super().convert(value, param, ctx)


class Commands(click.Group):
    """Commands by name. Another name is refused in the words that all names are refused in."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if not ctx.resilient_parsing and args[0] not in known and not args[0].startswith("-"):
            raise ConfigError(unknown("command", args[0], known))
        return super().resolve_command(ctx, args)


def level(choices: Iterable[str], told: str) -> Callable[[Command], Command]:
    """--optimize, which the command takes as `optimization`, such as "-O2"; told: its help."""
    return click.option(
        "--optimize",
        "optimization",
        type=click.Choice(list(choices)),
        default="2",
        show_default=True,
        callback=lambda context, option, value: f"-O{value}",
        help=told,
    )


optimize = level(("s", "2", "3"), "The compiler's level for firmware.")


def options(command: Command) -> Command:
    """Adds the options; the command takes them as `names` and `target_names`."""
    target = click.option(
        "--target",
        "target_names",
        multiple=True,
        metavar="TARGET",
        help="A device: qemu:BOARD, host, local-ARCH, serial:PORT[@BAUD], ssh:USER@HOST[:PORT], or all boards that "
        "`edgernn boards` lists. May be repeated.",
    )
    runtime = click.option(
        "--runtime",
        "names",
        multiple=True,
        metavar="NAME",
        help="A runtime or an environment that `edgernn runtimes` lists, or all. May be repeated. Default: those of "
        "this process, or none with --target.",
    )
    return runtime(target(command))


def runtimes(names: tuple[str, ...], target_names: tuple[str, ...]) -> "tuple[Runtime, ...]":
    """The runtimes that the options name. Raises ConfigError for an unknown one."""
    from edgernn import backends

    if target_names and not names:
        return ()
    return backends.select(names)
