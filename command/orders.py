"""`poincon orders`: booklets ordered, quoted, proved and produced. Proofs are decided in the console."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from ledger.order_rows import Order

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
order_argument = click.argument("order_id", metavar="ORDER", type=click.IntRange(1))


@click.group()
def orders() -> None:
    """Orders of booklets, from the quote to the printer's file."""


@orders.command("list")
@click.option("--programme", type=click.IntRange(1), help="Of this programme only, by its number.")
@json_option
@data_option
def list_all(programme: int | None, as_json: bool, data: Path | None) -> None:
    """List orders, the newest first."""
    from ledger.orders import list_orders

    async def work() -> list[Order]:
        async with Surroundings(data).database() as connection:
            return await list_orders(connection, programme_id=programme)

    found = run(work())
    if as_json:
        print_json([_json(one) for one in found])
        return
    for one in found:
        click.echo(_line(one))


@orders.command("place")
@click.option("--programme", required=True, type=click.IntRange(1), help="Its number.")
@click.option("--count", required=True, type=click.IntRange(1), help="Number of booklets.")
@click.option("--reference", default="", help="The funder's own reference.")
@json_option
@data_option
def place(programme: int, count: int, reference: str, as_json: bool, data: Path | None) -> None:
    """Order booklets for a programme."""
    from ledger.orders import place_order

    around = Surroundings(data)

    async def work() -> Order:
        async with around.database() as connection:
            return await place_order(
                connection, programme, count, reference=reference, actor=around.actor, at=datetime.now(UTC)
            )

    _tell(run(work()), as_json=as_json)


@orders.command("quote")
@order_argument
@click.option("--reference", required=True, type=TEXT, help="Of the quote that the funder accepted.")
@click.option("--cents", required=True, type=click.IntRange(0), help="Its total, without face value.")
@json_option
@data_option
def quote(order_id: int, reference: str, cents: int, as_json: bool, data: Path | None) -> None:
    """Note the quote that the funder accepted."""
    from ledger.orders import note_quote

    around = Surroundings(data)

    async def work() -> Order:
        async with around.database() as connection:
            return await note_quote(
                connection,
                order_id,
                reference=reference,
                amount_cents=cents,
                actor=around.actor,
                at=datetime.now(UTC),
            )

    _tell(run(work()), as_json=as_json)


@orders.command("proof")
@order_argument
@click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Write it here, too.")
@data_option
def proof(order_id: int, pdf: Path | None, data: Path | None) -> None:
    """Draw the proof of print: one real booklet, void from the start. It is decided in the console."""
    from programmes.ordering import draw_proof
    from programmes.printing import appearing_whole

    around = Surroundings(data)
    folder = around.key_folder

    async def work() -> bytes:
        async with around.database() as connection:
            return await draw_proof(connection, order_id, folder, actor=around.actor, at=datetime.now(UTC))

    drawn = run(work())
    if pdf is not None:
        with appearing_whole(pdf) as target:
            target.write(drawn)
    click.echo(f"order {order_id}: proof drawn, {len(drawn)} bytes; the console's page Commandes shows it")


@orders.command("produce")
@order_argument
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False))
@json_option
@data_option
def produce_command(order_id: int, out: Path, as_json: bool, data: Path | None) -> None:
    """Issue the order's booklets and write the printer's files into OUT, once its proof is approved.

    Safe to run again: the same booklets, the same files.
    """
    from programmes.ordering import produce

    around = Surroundings(data)
    folder = around.key_folder

    async def work() -> tuple[Order, list[Path]]:
        async with around.database() as connection:
            with tqdm(unit=" booklets", disable=not sys.stderr.isatty()) as bar:
                return await produce(
                    connection,
                    order_id,
                    folder,
                    out,
                    actor=around.actor,
                    at=datetime.now(UTC),
                    progress=bar.update,
                )

    order, files = run(work())
    if as_json:
        print_json(_json(order) | {"files": [str(path) for path in files]})
        return
    click.echo(_line(order))
    for path in files:
        click.echo(f"  {path}")


def _tell(order: Order, *, as_json: bool) -> None:
    if as_json:
        print_json(_json(order))
    else:
        click.echo(_line(order))


def _line(order: Order) -> str:
    return (
        f"order {order.id}: {order.booklet_count} booklets for programme {order.programme_id},"
        f" {order.state.value}"
    )


def _json(order: Order) -> dict[str, Any]:
    told = asdict(order)
    told["production_sha256"] = order.production_sha256.hex() if order.production_sha256 else None
    return told | {"state": order.state.value}
