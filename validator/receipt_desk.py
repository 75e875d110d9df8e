"""Seals candidates and signs receipts, with the private receipt keys of this instance."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from keys.keyring import KeyPurpose
from keys.receipt import Receipt, seal_key_from, sign_receipt
from keys.sealed import KeyFolder, SealError
from keys.signer import Ed25519Signer, Signer
from ledger.rows import Acceptance, Candidate
from ledger.seals import receipt_of, seal_row
from validator.keeper import SnapshotKeeper
from validator.snapshot import Snapshot
from validator.trouble import CannotDecide


class _OpenedKey(NamedTuple):
    signer: Signer
    seal_key: bytes


class ReceiptDesk:
    def __init__(self, keeper: SnapshotKeeper, folder: KeyFolder) -> None:
        self._keeper = keeper
        self._folder = folder
        self._opened: dict[bytes, _OpenedKey] = {}

    def seals(self, candidates: Sequence[Candidate], accepted_at: datetime) -> tuple[list[int], int]:
        """Seals of what may be accepted now (0 for what may not), and the number of the signing key."""
        snapshot = self._keeper.current()
        active = snapshot.active_receipt_key()
        if active is None:
            raise CannotDecide("no active receipt key: `poincon keys activate` one")
        key_id, kid = active
        seal_key = self._key(kid).seal_key
        seals = [
            _seal(candidate, snapshot.operators[candidate.operator_id].siret, accepted_at, seal_key)
            if candidate.may_take
            else 0
            for candidate in candidates
        ]
        return seals, key_id

    def receipt(self, acceptance: Acceptance, snapshot: Snapshot) -> str:
        """The same text for the same acceptance, for ever: it is derived from the row and never stored."""
        kid = snapshot.kids[acceptance.receipt_key_id]
        return sign_receipt(
            receipt_of(acceptance, snapshot.operators[acceptance.operator_id].siret), self._key(kid).signer
        )

    def open_keys(self) -> None:
        """Unseal every receipt key of the record ahead, which takes some tenths of a second each."""
        for key in self._keeper.current().keyring.keys:
            if key.purpose is KeyPurpose.RECEIPT:
                self._key(key.kid)

    def _key(self, kid: bytes) -> _OpenedKey:
        if kid not in self._opened:
            try:
                private_key = self._folder.private_key(KeyPurpose.RECEIPT, kid)
            except SealError as error:
                raise CannotDecide(f"the receipt key {kid.hex()} can't be opened: {error}") from error
            signer = Ed25519Signer.from_raw(private_key)  # not folder.signer(): unsealing is slow on purpose
            self._opened[kid] = _OpenedKey(signer, seal_key_from(private_key))
        return self._opened[kid]


def _seal(candidate: Candidate, operator_siret: str, accepted_at: datetime, seal_key: bytes) -> int:
    receipt = Receipt(
        candidate.pass_id,
        operator_siret,
        candidate.site_id,
        candidate.amount_cents,
        int(accepted_at.timestamp()),
        candidate.attempt_id,
    )
    return seal_row(
        receipt,
        device_id=candidate.device_id,
        service_id=candidate.service_id,
        scanned_at=candidate.scanned_at,
        seal_key=seal_key,
    )
