"""What the tables and the audit say while a drill stands still. Read through the ledger; judges nothing."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from itertools import count

from keys.keyring import KeyPurpose, Keyring
from keys.receipt import seal_key_from
from keys.sealed import KeyFolder
from keys.signer import Ed25519Signer
from ledger.acceptances import acceptances_of
from ledger.audit import OpenedKey, audit
from ledger.connect import Connection
from ledger.facts import load_facts
from ledger.remittance_rows import ClosedRemittance
from ledger.remittances import read_remittance
from ledger.rows import Acceptance
from ledger.signing_keys import list_keys
from loadtests.drill.tampering import deadlocks


@dataclass(frozen=True)
class Record:
    acceptances: tuple[Acceptance, ...]  # undone ones too
    remittances: tuple[ClosedRemittance, ...]
    site_names: Mapping[int, str]
    site_operators: Mapping[int, int]
    sirets: Mapping[int, str]  # by operator
    device_sites: tuple[int, ...]  # by the drill's number of a device
    keyring: Keyring
    disagreements: tuple[str, ...]  # what the audit found
    deadlocks: int  # since the server last recovered


class RecordReader:
    def __init__(self, folder: KeyFolder, device_sites: tuple[int, ...]) -> None:
        self._folder = folder
        self._device_sites = device_sites
        self._opened: dict[int, OpenedKey] = {}

    async def read(self, connection: Connection) -> Record:
        facts = await load_facts(connection)
        keyring = Keyring.from_keys(facts.keys.values())
        acceptances = [
            acceptance
            for operator_id in facts.operators
            async for acceptance in acceptances_of(connection, operator_id)
        ]
        found = await audit(connection, keyring=keyring, opened_keys=await self._open_keys(connection))
        return Record(
            acceptances=tuple(acceptances),
            remittances=tuple(
                [
                    one
                    for operator_id in facts.operators
                    async for one in _remittances(connection, operator_id)
                ]
            ),
            site_names={site.id: site.name for site in facts.sites.values()},
            site_operators={site.id: site.operator_id for site in facts.sites.values()},
            sirets={operator.id: operator.siret for operator in facts.operators.values()},
            device_sites=self._device_sites,
            keyring=keyring,
            disagreements=tuple(f"{one.check}: {one.subject}: {one.detail}" for one in found.disagreements),
            deadlocks=await deadlocks(connection),
        )

    async def _open_keys(self, connection: Connection) -> dict[int, OpenedKey]:
        for key_id, key in (await list_keys(connection)).items():
            if key.purpose is KeyPurpose.RECEIPT and key_id not in self._opened:
                private_key = self._folder.private_key(KeyPurpose.RECEIPT, key.kid)
                self._opened[key_id] = OpenedKey(
                    Ed25519Signer.from_raw(private_key), seal_key_from(private_key)
                )
        return self._opened


async def _remittances(connection: Connection, operator_id: int) -> AsyncIterator[ClosedRemittance]:
    for number in count(1):
        closed = await read_remittance(connection, operator_id, number)
        if closed is None:
            return
        yield closed
