"""Entry point of `poincon`: its subcommands, and how their errors end."""

from importlib import import_module

import click

from command.failure import told

# Each has its module, of its name unless another is said.
SUBCOMMANDS = [
    "accounts",
    "audit",
    "bench",
    "booklets",
    "books",
    "counters",
    "decode",
    "demo",
    "devices",
    "drill",
    "funds",
    "grants",
    "guard",
    "handouts",
    "keys",
    "migrate",
    "notices",
    "operators",
    "orders",
    "payouts",
    "places",
    "prescribers",
    "programmes",
    "receipts",
    "remittances",
    "report",
    "serve",
    "statements",
    "territories",
]
MODULE_OF = {"migrate": "service", "serve": "service"}


class Subcommands(click.Group):
    """Imports the subcommand that is asked for alone: all of them take most of a second."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return SUBCOMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        found: click.Command = getattr(
            import_module(f"command.{MODULE_OF.get(cmd_name, cmd_name)}"), cmd_name
        )
        return found


@click.group(
    cls=Subcommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="poincon", message="%(prog)s %(version)s")
def poincon() -> None:
    """Poinçon: scanning and validation of the passes of the Pass numérique.

    Exit status: 0 done, 1 checked and found wanting, 2 wrong usage.
    """


def main() -> None:
    with told():
        poincon.main(prog_name="poincon")


if __name__ == "__main__":
    main()
