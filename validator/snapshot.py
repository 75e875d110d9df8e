"""What a validator knows in memory: booklets, keys, devices, qualifications. It may refuse, never accept.

Built from ledger.facts; how it is kept fresh is in keeper.py.
"""

from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NoReturn, TypeVar

from keys.keyring import KeyPurpose, Keyring, KeyState, PublicKey
from ledger.rows import (
    BOOKLETS_MAX,
    Amendment,
    BatchNumbers,
    Booklet,
    Device,
    Facts,
    Operator,
    Programme,
    Qualification,
    Service,
    Site,
)
from validator.trouble import CannotDecide

COVERED_MAX = 10_000  # answers remembered for as long as a snapshot lives; the same ones are asked all day

Key = TypeVar("Key")
Fact = TypeVar("Fact")


class _Known(dict[Key, Fact]):
    """Facts by number. One that is missing was made since, and another validator has heard of it already."""

    def __missing__(self, key: Key) -> NoReturn:
        raise CannotDecide(f"the record tells of something newer than was read here: {key}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    keyring: Keyring
    key_ids: dict[bytes, int]
    kids: dict[int, bytes]
    operators: dict[int, Operator]
    sites: dict[int, Site]
    devices: dict[bytes, Device]
    services: dict[str, Service]
    programmes: dict[int, Programme]
    batches: tuple[BatchNumbers, ...]
    amendments: tuple[Amendment, ...]
    qualifications: dict[tuple[int, int], tuple[Qualification, ...]]
    persons: dict[int, str]
    guard_generation: int
    # The one part that is updated in place: copying a million booklets at each change would stall the scans.
    booklets: dict[int, Booklet] = field(repr=False)
    co_prescriptions: frozenset[tuple[int, int]] = frozenset()
    _covered: dict[tuple[int, int, date], frozenset[str] | None] = field(default_factory=dict, repr=False)

    def services_covered(self, operator_id: int, programme_id: int, on: date) -> frozenset[str] | None:
        """Codes of the services that the operator may render that day; None: not qualified."""
        key = (operator_id, programme_id, on)
        if key not in self._covered:
            if len(self._covered) >= COVERED_MAX:
                self._covered.clear()
            self._covered[key] = self._find_covered(*key)
        return self._covered[key]

    def _find_covered(self, operator_id: int, programme_id: int, on: date) -> frozenset[str] | None:
        found = [
            qualification.service_ids
            for qualification in self.qualifications.get((operator_id, programme_id), ())
            if qualification.starts_on <= on
            and (qualification.ends_on is None or on <= qualification.ends_on)
        ]
        if not found:
            return None
        service_ids = frozenset[int]().union(*found) & self.programmes[programme_id].service_ids
        return frozenset(service.code for service in self.services.values() if service.id in service_ids)

    def is_prescribed_by(self, booklet: Booklet, person_id: int) -> bool:
        """Whether the person handed out the booklet, or a part of it."""
        return booklet.prescribed_by == person_id or (booklet.number, person_id) in self.co_prescriptions

    def active_receipt_key(self) -> tuple[int, bytes] | None:
        """Number in the record and kid of the key that signs new receipts."""
        for kid, key_id in self.key_ids.items():
            key = self.keyring.find(kid, KeyPurpose.RECEIPT)
            if key is not None and key.state is KeyState.ACTIVE:
                return key_id, kid
        return None


def build_snapshot(facts: Facts, booklets: dict[int, Booklet]) -> Snapshot:
    """booklets: those of the snapshot before, which is updated and handed on."""
    booklets.update((booklet.number, booklet) for booklet in facts.booklets_changed)
    assert len(booklets) <= BOOKLETS_MAX
    qualifications: dict[tuple[int, int], tuple[Qualification, ...]] = {}
    for one in facts.qualifications:
        key = (one.operator_id, one.programme_id)
        qualifications[key] = (*qualifications.get(key, ()), one)
    return Snapshot(
        keyring=_keyring(tuple(facts.keys.values())),
        key_ids={key.kid: key_id for key_id, key in facts.keys.items()},
        kids=_Known((key_id, key.kid) for key_id, key in facts.keys.items()),
        operators=_Known(facts.operators),
        sites=_Known(facts.sites),
        devices=facts.devices,
        services=facts.services,
        programmes=_Known(facts.programmes),
        batches=facts.batches,
        amendments=facts.amendments,
        qualifications=qualifications,
        persons=_Known(facts.persons),
        guard_generation=facts.guard_generation,
        booklets=booklets,
        co_prescriptions=facts.co_prescriptions,
    )


@lru_cache(maxsize=1)
def _keyring(keys: tuple[PublicKey, ...]) -> Keyring:
    """The same one for as long as no key changes: what was verified under it need not be verified again."""
    return Keyring.from_keys(keys)
