"""Secrets at rest: sealed by a passphrase (scrypt, ChaCha20-Poly1305), in a folder. Not who may read it."""

import hashlib
import os
import secrets
import tempfile
import unicodedata
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from keys.keyring import KeyPurpose, KeyState, PublicKey
from keys.short_code import SECRET_BYTES
from keys.signer import KEY_BYTES, Ed25519Signer

FORMAT = "poincon-sealed-1"
PASSPHRASE_CHARS_MIN = 12
SEALED_BYTES_MAX = 4_096
# What we write: 32 MB and some tenths of a second for each guess at the passphrase.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 3
# What we read at most: 256 MB and some seconds, so that a file from elsewhere cannot exhaust the machine.
SCRYPT_N_MAX, SCRYPT_R_MAX, SCRYPT_P_MAX = 2**18, 8, 4

_MASTER_NAME = "short-code"


class SealError(Exception):
    """A sealed secret that cannot be had; the text says why and what to do."""


class WrongPassphrase(SealError):
    pass


class DamagedSeal(SealError):
    pass


class MissingSeal(SealError):
    pass


class _Sealed(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    label: str
    scrypt_n: int
    scrypt_r: int
    scrypt_p: int
    salt: bytes
    nonce: bytes
    box: bytes
    checksum: bytes = b""


def seal(secret: bytes, passphrase: str, *, label: str) -> bytes:
    if len(passphrase) < PASSPHRASE_CHARS_MIN:
        raise ValueError(f"the passphrase needs at least {PASSPHRASE_CHARS_MIN} characters")
    sealed = _Sealed(
        format=FORMAT,
        label=label,
        scrypt_n=SCRYPT_N,
        scrypt_r=SCRYPT_R,
        scrypt_p=SCRYPT_P,
        salt=secrets.token_bytes(16),
        nonce=secrets.token_bytes(12),
        box=b"",
    )
    sealed.box = _cipher(sealed, passphrase).encrypt(sealed.nonce, secret, label.encode())
    sealed.checksum = _checksum(sealed)
    blob = msgspec.json.format(msgspec.json.encode(sealed), indent=2) + b"\n"
    assert len(blob) <= SEALED_BYTES_MAX
    return blob


def unseal(blob: bytes, passphrase: str, *, label: str) -> bytes:
    sealed = _read(blob)
    if sealed.label != label:
        raise DamagedSeal(f"this file seals “{sealed.label}”, not “{label}”: put the right file in its place")
    try:
        return _cipher(sealed, passphrase).decrypt(sealed.nonce, sealed.box, label.encode())
    except InvalidTag:
        raise WrongPassphrase(f"the passphrase does not open “{label}”: check which one sealed it") from None


def write_sealed(path: Path, blob: bytes, *, replace: bool = False) -> None:
    """Appear whole or not at all, readable by its owner only; never over another file unless asked."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            Path(temporary).replace(path)
        else:
            path.hardlink_to(temporary)  # unlike a rename, refuses when the name is taken
    except FileExistsError:
        raise FileExistsError(f"{path} exists, and is left as it is: move it away first") from None
    finally:
        Path(temporary).unlink(missing_ok=True)
    _sync_folder(path.parent)


class KeyFolder:
    """A folder of sealed private keys, and the master secret of short codes, under one passphrase."""

    def __init__(self, folder: Path, passphrase: str) -> None:
        self.path = folder
        self._passphrase = passphrase

    def create_pair(self, purpose: KeyPurpose, created_at: datetime) -> PublicKey:
        """Draw a new pair, seal its private key, and return the public one, planned."""
        private_key = Ed25519PrivateKey.generate()
        signer = Ed25519Signer(private_key)
        public_key = PublicKey(
            signer.kid, purpose, KeyState.PLANNED, signer.raw_public_key, created_at=created_at
        )
        self._write(_key_name(purpose, signer.kid), private_key.private_bytes_raw())
        return public_key

    def private_key(self, purpose: KeyPurpose, kid: bytes) -> bytes:
        """The 32 bytes of RFC 8032's private key."""
        name = _key_name(purpose, kid)
        raw = self._read(name)
        if len(raw) != KEY_BYTES or Ed25519Signer.from_raw(raw).kid != kid:
            raise DamagedSeal(f"{self._path(name)} holds another key than its name says")
        return raw

    def signer(self, purpose: KeyPurpose, kid: bytes) -> Ed25519Signer:
        return Ed25519Signer.from_raw(self.private_key(purpose, kid))

    def create_master_secret(self) -> bytes:
        secret = secrets.token_bytes(SECRET_BYTES)
        self._write(_MASTER_NAME, secret)
        return secret

    def master_secret(self) -> bytes:
        secret = self._read(_MASTER_NAME)
        if len(secret) != SECRET_BYTES:
            raise DamagedSeal(f"{self._path(_MASTER_NAME)} does not hold {SECRET_BYTES} bytes")
        return secret

    def _write(self, name: str, secret: bytes) -> None:
        if not self.path.exists():
            self.path.mkdir(mode=0o700, parents=True)
            _sync_folder(self.path.parent)
        write_sealed(self._path(name), seal(secret, self._passphrase, label=name))

    def _read(self, name: str) -> bytes:
        path = self._path(name)
        try:
            with path.open("rb") as file:
                blob = file.read(SEALED_BYTES_MAX + 1)
        except FileNotFoundError:
            raise MissingSeal(f"there is no {path}: create the key, or give the folder that has it") from None
        return unseal(blob, self._passphrase, label=name)

    def _path(self, name: str) -> Path:
        return self.path / f"{name}.sealed"


def _key_name(purpose: KeyPurpose, kid: bytes) -> str:
    return f"{purpose}-{kid.hex()}"


def _read(blob: bytes) -> _Sealed:
    if len(blob) > SEALED_BYTES_MAX:
        raise DamagedSeal(f"a sealed file has at most {SEALED_BYTES_MAX} bytes: this is another file")
    try:
        sealed = msgspec.json.decode(blob, type=_Sealed)
    except ValueError as error:
        raise DamagedSeal(f"not a sealed file, or a damaged one ({error}): restore it from a copy") from None
    if sealed.format != FORMAT:
        raise DamagedSeal(f"sealed as {sealed.format!r}, this program reads {FORMAT!r}: update it")
    if sealed.checksum != _checksum(sealed):
        raise DamagedSeal("the sealed file was damaged: restore it from a copy")
    n, r, p = sealed.scrypt_n, sealed.scrypt_r, sealed.scrypt_p
    bounded = 2 <= n <= SCRYPT_N_MAX and 1 <= r <= SCRYPT_R_MAX and 1 <= p <= SCRYPT_P_MAX
    if not bounded or n & (n - 1) or len(sealed.nonce) != 12:
        raise DamagedSeal(f"sealed with parameters out of bounds (n={n}, r={r}, p={p}): not our file")
    return sealed


def _cipher(sealed: _Sealed, passphrase: str) -> ChaCha20Poly1305:
    # An accented letter has two spellings in Unicode, and which one is typed depends on the keyboard.
    spelled = unicodedata.normalize("NFC", passphrase).encode()
    scrypt = Scrypt(salt=sealed.salt, length=32, n=sealed.scrypt_n, r=sealed.scrypt_r, p=sealed.scrypt_p)
    return ChaCha20Poly1305(scrypt.derive(spelled))


def _checksum(sealed: _Sealed) -> bytes:
    """Tells damage from a wrong passphrase, which the cipher alone cannot; proves nothing to an attacker."""
    numbers = f"{sealed.format}|{sealed.label}|{sealed.scrypt_n}|{sealed.scrypt_r}|{sealed.scrypt_p}|"
    return hashlib.sha256(numbers.encode() + sealed.salt + sealed.nonce + sealed.box).digest()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
