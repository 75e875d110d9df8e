"""« Notre territoire »: what it was granted, holds and consumed by programme, and its prescribers' stocks."""

from aiohttp import web

from console.territories_page import row_of
from console.visit import Visit
from ledger.custody import list_stock
from ledger.grants import list_grants, standing_of
from ledger.month_figures import month_of
from ledger.structures import paris_day
from ledger.territory_stock import (
    booklets_in_reserve,
    handed_out_by_month,
    programmes_of_territory,
    territory_name,
)
from programmes.granting import is_late
from programmes.handed_out import handed_out_table


async def show_territory_home(visit: Visit) -> web.StreamResponse:
    """Stocks are booklets in a safe, and live; hand-outs are people, of months that are over."""
    territory_id, connection, today = visit.account.territory_id, visit.connection, paris_day(visit.now)
    assert territory_id is not None
    rows = []
    for programme_id, name in (await programmes_of_territory(connection, territory_id)).items():
        standing = await standing_of(connection, programme_id, territory_id, day=today)
        grants = await list_grants(connection, programme_id, territory_id=territory_id)
        rows.append((programme_id, name, row_of(standing, today, sum(is_late(one, today) for one in grants))))
    stocks = await list_stock(connection, now=visit.now, territory_id=territory_id)
    months = await handed_out_by_month(connection, territory_id, until=month_of(today).since)
    table = handed_out_table([one.prescriber.name for one in stocks], months)
    return visit.show(
        "territory_home.html",
        territory=await territory_name(connection, territory_id),
        rows=rows,
        stocks=stocks,
        reserve=await booklets_in_reserve(connection, territory_id),
        handed_out={cell.name: cell.count for cell in table.cells} if table else {},
        beneficiaries=sum(one.beneficiaries for one in months),
        month=month_of(today).first,
        read_at=visit.now,
    )
