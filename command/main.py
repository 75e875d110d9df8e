"""Entry point of `poincon`: its subcommands, and how their errors end."""

import click

from command.accounts import accounts
from command.audit import audit
from command.bench import bench
from command.booklets import booklets
from command.books import books
from command.counters import counters
from command.decode import decode
from command.demo import demo
from command.devices import devices
from command.drill import drill
from command.failure import told
from command.funds import funds
from command.grants import grants
from command.guard import guard
from command.handouts import handouts
from command.keys import keys
from command.notices import notices
from command.operators import operators
from command.orders import orders
from command.payouts import payouts
from command.places import places
from command.prescribers import prescribers
from command.programmes import programmes
from command.receipts import receipts
from command.remittances import remittances
from command.report import report
from command.service import migrate, serve
from command.statements import statements
from command.territories import territories


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="poincon", message="%(prog)s %(version)s")
def poincon() -> None:
    """Poinçon: scanning and validation of the passes of the Pass numérique.

    Exit status: 0 done, 1 checked and found wanting, 2 wrong usage.
    """


for subcommand in (
    demo,
    serve,
    migrate,
    keys,
    programmes,
    orders,
    grants,
    territories,
    booklets,
    prescribers,
    handouts,
    counters,
    funds,
    books,
    operators,
    places,
    notices,
    devices,
    accounts,
    decode,
    receipts,
    remittances,
    report,
    payouts,
    statements,
    guard,
    audit,
    bench,
    drill,
):
    poincon.add_command(subcommand)


def main() -> None:
    with told():
        poincon.main(prog_name="poincon")


if __name__ == "__main__":
    main()
