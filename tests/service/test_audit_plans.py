"""How PostgreSQL answers the questions of the audit, whatever the size of the record."""

import json

import pytest

from ledger.audit import QUERIES

GROWING = {
    "acceptances",
    "attempts",
    "undos",
    "flushes",
    "booklets",
    "events",
    "remittance_lines",
    "remittances",
}


def _looked_through(plan, within_each_row=False):
    """Tables that are read from one end to the other for each row of something else."""
    within_each_row |= plan.get("Parent Relationship") == "SubPlan"
    if within_each_row and plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for inner in plan.get("Plans", []):
        yield from _looked_through(inner, within_each_row)


@pytest.mark.parametrize("name", QUERIES)
async def test_no_check_looks_through_a_table_for_each_row_of_another(house, name):
    """It would take hours where there are millions of rows. Found by a bench of half a million."""
    async with house.database() as connection, connection.transaction():
        # Then one is chosen only where nothing else would do.
        await connection.execute("SET LOCAL enable_seqscan = off")
        [[told]] = await connection.fetch(f"EXPLAIN (FORMAT JSON) {QUERIES[name]}")
    plans = json.loads(told) if isinstance(told, str) else told
    assert not GROWING & set(_looked_through(plans[0]["Plan"]))
