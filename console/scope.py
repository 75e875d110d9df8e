"""Which programmes an account may read of: a funder's own, a territory's for its reader, all for others."""

from console.visit import Visit
from ledger.account_rows import Role
from ledger.payout_register import programme_names
from ledger.territory_stock import programmes_of_territory


async def readable_programmes(visit: Visit) -> dict[int, str]:
    """Number and name. What is not in it is as if there were none."""
    if visit.account.territory_id is not None:
        return await programmes_of_territory(visit.connection, visit.account.territory_id)
    names = await programme_names(visit.connection)
    if visit.account.role is Role.FUNDER:
        return {one: name for one, name in names.items() if one == visit.account.programme_id}
    return names


def is_own_territory(visit: Visit, territory_id: int) -> bool:
    """A territory's reader has one; others are bound to none."""
    return visit.account.territory_id in {None, territory_id}
