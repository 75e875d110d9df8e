"""What « Aujourd’hui » says of programmes: what waits for a decision, what is late, how far the stock is."""

from datetime import timedelta

from console.grant_needs import grant_needs
from ledger.orders import note_quote, place_order
from programmes.grants import propose
from programmes.ordering import draw_proof


async def _told(office):
    return [text async for text, _ in grant_needs(office.connection, now=office.now)]


async def test_what_waits_for_a_person_is_told_until_it_is_done(open_office, key_folder):
    office = await open_office(stock_cap_passes=60)
    here = office.territories[0]
    assert await _told(office) == []
    await office.ready(here)
    grant = await propose(office.connection, office.programme_id, here, actor="tests", at=office.now)
    assert [text.partition(" : ")[2] for text in await _told(office)] == ["amorçage de 50 pass à décider."]
    await office.approve(grant)
    [stock] = await _told(office)
    assert stock.endswith("plus de 80 % du stock commun est accordé.")
    office.now += timedelta(days=40)
    late, _ = await _told(office)
    assert "livraison en retard depuis le 29" in late
    by = {"actor": "tests", "at": office.now}
    order = await place_order(office.connection, office.programme_id, 5, reference="", **by)
    await note_quote(office.connection, order.id, reference="D-1", amount_cents=0, **by)
    await draw_proof(office.connection, order.id, key_folder, **by)
    assert (await _told(office))[-1] == f"Commande {order.id} : bon à tirer à approuver."
