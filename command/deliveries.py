"""`poincon grants dispatch` and `receive`: booklets on their way to a territory. Their group: grants.py."""

from datetime import UTC, datetime
from pathlib import Path

import click

from command.surroundings import TEXT, Surroundings, data_option, run
from ledger.order_rows import Delivery


@click.command("dispatch")
@click.argument("grant_id", metavar="GRANT", type=click.IntRange(1))
@click.option("--batch", required=True, type=click.IntRange(1), help="Where the booklets are taken from.")
@click.option("--count", required=True, type=click.IntRange(1), help="Number of booklets.")
@data_option
def dispatch_command(grant_id: int, batch: int, count: int, data: Path | None) -> None:
    """Send booklets against an approved GRANT: the lowest numbers of the batch that are in stock."""
    from ledger.deliveries import dispatch

    around = Surroundings(data)

    async def work() -> Delivery:
        async with around.database() as connection:
            return await dispatch(
                connection,
                grant_id,
                batch_id=batch,
                booklet_count=count,
                actor=around.actor,
                at=datetime.now(UTC),
            )

    sent = run(work())
    click.echo(f"delivery {sent.id}: {sent.booklet_count} booklets to {sent.territory}, {sent.passes} passes")


@click.command("receive")
@click.argument("delivery_id", metavar="DELIVERY", type=click.IntRange(1))
@click.option("--by", "received_by", required=True, type=TEXT, help="Who signed for it at the territory.")
@data_option
def receive_command(delivery_id: int, received_by: str, data: Path | None) -> None:
    """Note that a DELIVERY has arrived."""
    from ledger.deliveries import receive

    around = Surroundings(data)

    async def work() -> Delivery:
        async with around.database() as connection:
            return await receive(
                connection,
                delivery_id,
                received_by=received_by,
                actor=around.actor,
                at=datetime.now(UTC),
            )

    click.echo(f"delivery {run(work()).id} has arrived")
