"""Sealed secrets and their folder. In a temporary folder: the only files that keys/ touches."""

import base64
import hashlib
import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keys import sealed
from keys.keyring import KeyPurpose, KeyState
from keys.sealed import DamagedSeal, KeyFolder, MissingSeal, WrongPassphrase, seal, unseal, write_sealed
from keys.signer import Ed25519Signer

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors/sealed.json").read_text())
PASSPHRASE = "douze lettres au moins"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def name_of(vector: dict[str, Any]) -> str:
    return str(vector["name"])


@pytest.mark.parametrize("vector", VECTORS["good"], ids=name_of)
def test_a_good_vector_opens_as_ever(vector: dict[str, Any]) -> None:
    secret = unseal(vector["blob"].encode(), vector["passphrase"], label=vector["label"])
    assert secret.hex() == vector["secret_hex"]


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=name_of)
def test_a_bad_vector_is_told_apart(vector: dict[str, Any]) -> None:
    with pytest.raises(getattr(sealed, vector["error"])):
        unseal(vector["blob"].encode(), vector["passphrase"], label=vector["label"])


def test_what_is_sealed_opens_and_no_two_seals_are_alike() -> None:
    first, second = (seal(b"secret", PASSPHRASE, label="x") for _ in range(2))
    assert unseal(first, PASSPHRASE, label="x") == b"secret"
    assert first != second
    assert b"secret" not in first
    assert base64.b64encode(b"secret") not in first


@pytest.mark.usefixtures("costly_seals")
def test_a_guess_at_the_passphrase_takes_32_megabytes_three_times() -> None:
    blob = seal(b"secret", PASSPHRASE, label="x")
    written = json.loads(blob)
    assert (128 * written["scrypt_n"] * written["scrypt_r"], written["scrypt_p"]) == (32 << 20, 3)
    assert unseal(blob, PASSPHRASE, label="x") == b"secret"


def test_a_short_passphrase_is_refused_when_sealing() -> None:
    with pytest.raises(ValueError, match="at least 12 characters"):
        seal(b"secret", "trop court", label="x")


def test_every_changed_character_of_the_file_is_noticed_or_harmless() -> None:
    vector = VECTORS["good"][0]
    blob = vector["blob"].encode()
    whole = json.loads(blob)
    for at in range(len(blob)):
        changed = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]
        try:
            values = {name: _decoded(name, value) for name, value in json.loads(changed).items()}
        except ValueError:
            values = {}
        # White space, and base64's unused bits, may change without changing anything that is sealed.
        if values == {name: _decoded(name, value) for name, value in whole.items()}:
            continue
        with pytest.raises(DamagedSeal):
            unseal(changed, vector["passphrase"], label=vector["label"])


def _decoded(name: str, value: Any) -> Any:
    return base64.b64decode(value, validate=True) if name in {"salt", "nonce", "box", "checksum"} else value


def test_a_sealed_file_is_for_its_owner_only_and_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "x.sealed"
    write_sealed(path, b"first")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError, match="move it away first"):
        write_sealed(path, b"second")
    assert path.read_bytes() == b"first"
    write_sealed(path, b"third", replace=True)
    assert path.read_bytes() == b"third"
    assert [each.name for each in tmp_path.iterdir()] == ["x.sealed"]


def test_a_folder_gives_back_the_pair_it_made(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys", PASSPHRASE)
    public_key = folder.create_pair(KeyPurpose.RECEIPT, NOW)
    assert public_key.state is KeyState.PLANNED
    assert (tmp_path / "keys" / f"receipt-{public_key.kid.hex()}.sealed").is_file()
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700

    signer = folder.signer(KeyPurpose.RECEIPT, public_key.kid)
    assert (signer.kid, signer.raw_public_key) == (public_key.kid, public_key.raw)
    with pytest.raises(MissingSeal, match="there is no"):
        folder.signer(KeyPurpose.PASS_CODE, public_key.kid)
    with pytest.raises(WrongPassphrase):
        KeyFolder(tmp_path / "keys", "une autre phrase").signer(KeyPurpose.RECEIPT, public_key.kid)


def test_a_folder_keeps_one_master_secret(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path, PASSPHRASE)
    with pytest.raises(MissingSeal):
        folder.master_secret()
    secret = folder.create_master_secret()
    assert folder.master_secret() == secret
    with pytest.raises(FileExistsError):
        folder.create_master_secret()


def test_a_key_file_renamed_to_another_key_is_noticed(tmp_path: Path) -> None:
    raw = hashlib.sha256(b"some key").digest()
    write_sealed(tmp_path / "pass-00000000.sealed", seal(raw, PASSPHRASE, label="pass-00000000"))
    with pytest.raises(DamagedSeal, match="another key than its name says"):
        KeyFolder(tmp_path, PASSPHRASE).signer(KeyPurpose.PASS_CODE, bytes(4))
    honest = f"pass-{Ed25519Signer.from_raw(raw).kid.hex()}"
    (tmp_path / "pass-00000000.sealed").rename(tmp_path / f"{honest}.sealed")
    with pytest.raises(DamagedSeal, match="put the right file in its place"):
        KeyFolder(tmp_path, PASSPHRASE).signer(KeyPurpose.PASS_CODE, bytes.fromhex(honest[5:]))
