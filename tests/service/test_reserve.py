"""The public page of the reserve: without an account, cacheable, and what the ledger says."""

import csv
import io

from ledger.payout_register import programme_funds


async def test_anybody_reads_the_reserve_and_it_equals_the_books(house):
    page = await house.call("GET", "/reserve")
    assert page.status == 200
    assert "public" in page.headers["Cache-Control"]
    assert "Comment le recalculer" in page.body
    table = await house.call("GET", "/reserve.csv")
    rows = list(csv.DictReader(io.StringIO(table.body.lstrip("\ufeff"), newline=""), delimiter=";"))
    async with house.database() as connection:
        funds = await programme_funds(connection)
    assert [row["programme"] for row in rows] == [one.name for one in funds]
    for row, one in zip(rows, funds, strict=True):
        cents = {name: int(value) for name, value in row.items() if name.endswith("_centimes")}
        assert cents["recus_centimes"] == one.received_cents
        engaged = (
            cents["pass_vivants_centimes"] + cents["en_attente_de_bordereau_centimes"] + cents["dus_centimes"]
        )
        assert engaged == one.engaged_cents
        assert cents["recus_centimes"] - cents["payes_centimes"] == engaged + cents["libres_centimes"]
        assert cents["en_attente_de_bordereau_centimes"] >= 0


async def test_the_reserve_is_304_for_whoever_knows_it(house):
    first = await house.call("GET", "/reserve")
    again = await house.call("GET", "/reserve", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304
