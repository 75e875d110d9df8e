"""What others wrote for the page: which files, of which versions, held to the committed lock. No network."""

import base64
import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import brotli
import msgspec

LOCK: Final = "vendor.lock.json"
# Sent as it lies on the disk: compressing a megabyte at each start would take seconds.
PRECOMPRESSED: Final = frozenset({"js", "wasm"})


class VendoredPackage(msgspec.Struct, frozen=True):
    name: str
    version: str
    licence: str
    integrity: str  # of the archive that npm publishes
    files: dict[str, str]  # path within the folder: integrity

    @property
    def folder(self) -> str:
        """A name that fits a path: a scope's mark would need escaping in every address."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}"


def vendor_folder() -> Traversable:
    return files("mobile_web").joinpath("vendor")


def read_lock(vendor: Traversable) -> list[VendoredPackage]:
    return msgspec.json.decode(vendor.joinpath(LOCK).read_bytes(), type=list[VendoredPackage])


def integrity(content: bytes) -> str:
    """As npm and browsers write it."""
    return f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"


def is_precompressed(path: str) -> bool:
    return path.rpartition(".")[2] in PRECOMPRESSED


def departures(vendor: Traversable) -> list[str]:
    """What in the folder is not as the lock says: nothing, or somebody changed it by hand."""
    packages = read_lock(vendor)
    wanted = {f"{one.folder}/{path}": digest for one in packages for path, digest in one.files.items()}
    expected = set(wanted) | {f"{path}.br" for path in wanted if is_precompressed(path)} | {LOCK}
    present = set(_paths_in(vendor))
    found = [f"{path} is missing" for path in expected - present]
    found += [f"{path} is not in the lock" for path in present - expected]
    for path in wanted.keys() & present:
        content = vendor.joinpath(path).read_bytes()
        if integrity(content) != wanted[path]:
            found.append(f"{path} is not the published file")
        if f"{path}.br" in expected & present and not _unpacks_to(content, vendor.joinpath(f"{path}.br")):
            found.append(f"{path}.br does not unpack to {path}")
    return sorted(found)


def _unpacks_to(content: bytes, packed: Traversable) -> bool:
    try:
        return bytes(brotli.decompress(packed.read_bytes())) == content
    except brotli.error:
        return False


def _paths_in(folder: Traversable, above: str = "") -> list[str]:
    paths = []
    for entry in folder.iterdir():
        path = f"{above}{entry.name}"
        paths += _paths_in(entry, f"{path}/") if entry.is_dir() else [path]
    return paths
