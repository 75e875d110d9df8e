"""The seal of an acceptance's row: a MAC over all that it says, so that a row edited by hand shows."""

import struct
from datetime import datetime

from keys.receipt import Receipt, receipt_payload, seal_of
from ledger.rows import Acceptance

# What the row says beyond its receipt: device, service, instant of an offline scan in microseconds (0: none).
BESIDE_RECEIPT = struct.Struct(">iHq")


def receipt_of(acceptance: Acceptance, operator_siret: str) -> Receipt:
    return Receipt(
        acceptance.pass_id,
        operator_siret,
        acceptance.site_id,
        acceptance.amount_cents,
        int(acceptance.accepted_at.timestamp()),
        acceptance.attempt_id,
    )


def seal_row(
    receipt: Receipt, *, device_id: int, service_id: int, scanned_at: datetime | None, seal_key: bytes
) -> int:
    micros = 0 if scanned_at is None else round(scanned_at.timestamp() * 1_000_000)
    return seal_of(receipt_payload(receipt) + BESIDE_RECEIPT.pack(device_id, service_id, micros), seal_key)
