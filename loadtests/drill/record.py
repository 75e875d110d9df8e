"""What the tables and the audit say while a drill stands still. Read through the ledger; judges nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from keys.keyring import KeyPurpose, Keyring
from keys.receipt import seal_key_from
from keys.sealed import KeyFolder
from keys.signer import Ed25519Signer
from ledger.acceptances import acceptances_of
from ledger.audit import OpenedKey, audit
from ledger.connect import Connection
from ledger.facts import load_facts
from ledger.rows import Acceptance
from ledger.signing_keys import list_keys


@dataclass(frozen=True)
class Record:
    acceptances: tuple[Acceptance, ...]  # undone ones too
    site_names: Mapping[int, str]
    sirets: Mapping[int, str]  # by operator
    device_sites: tuple[int, ...]  # by the drill's number of a device
    keyring: Keyring
    disagreements: tuple[str, ...]  # what the audit found


class RecordReader:
    def __init__(self, folder: KeyFolder, device_sites: tuple[int, ...]) -> None:
        self._folder = folder
        self._device_sites = device_sites
        self._opened: dict[int, OpenedKey] | None = None

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
            site_names={site.id: site.name for site in facts.sites.values()},
            sirets={operator.id: operator.siret for operator in facts.operators.values()},
            device_sites=self._device_sites,
            keyring=keyring,
            disagreements=tuple(f"{one.check}: {one.subject}: {one.detail}" for one in found.disagreements),
        )

    async def _open_keys(self, connection: Connection) -> dict[int, OpenedKey]:
        if self._opened is None:
            self._opened = {
                key_id: _opened(self._folder.private_key(KeyPurpose.RECEIPT, key.kid))
                for key_id, key in (await list_keys(connection)).items()
                if key.purpose is KeyPurpose.RECEIPT
            }
        return self._opened


def _opened(private_key: bytes) -> OpenedKey:
    return OpenedKey(Ed25519Signer.from_raw(private_key), seal_key_from(private_key))
