"""`make vendor`: fetches what others wrote for the page, and locks it. With --check: compares, offline."""

import argparse
import io
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import brotli
import msgspec

from mobile_web.vendored import LOCK, VendoredPackage, departures, integrity, is_precompressed, read_lock

VENDOR: Final = Path(__file__).parent / "vendor"
BROTLI_QUALITY: Final = 11
FETCH_SECONDS_MAX: Final = 120


@dataclass(frozen=True)
class Wanted:
    """One published package, and which files go where. To upgrade: change the version, then `make vendor`."""

    name: str
    version: str
    licence: str
    taken: Mapping[str, str]  # path as published: path here
    laid: tuple[str, ...] = ()  # put beside them by hand, and locked as well


# Published paths are kept but for `dist/`, which git and the wheel ignore.
WANTED: Final = (
    Wanted(
        "zxing-wasm",
        "3.1.4",
        "MIT, carrying zxing-cpp: Apache-2.0",
        {
            "LICENSE": "LICENSE",
            "dist/es/reader/index.js": "es/reader/index.js",
            "dist/es/share.js": "es/share.js",
            "dist/reader/zxing_reader.wasm": "reader/zxing_reader.wasm",
        },
        laid=("LICENSE-zxing-cpp",),
    ),
    Wanted("@noble/ed25519", "3.2.0", "MIT", {"LICENSE": "LICENSE", "index.js": "index.js"}),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make vendor", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the lock, offline")
    if not parser.parse_args().check:
        fetch_all(VENDOR)
    found = departures(VENDOR)
    for departure in found:
        sys.stderr.write(f"{departure}\n")
    return 1 if found else 0


def fetch_all(vendor: Path) -> None:
    """Write the wanted files and the lock. A version locked before must come back the same."""
    locked = read_lock(vendor) if (vendor / LOCK).exists() else []
    known = {(one.name, one.version): one.integrity for one in locked}
    packages = []
    for wanted in WANTED:
        archive = fetch(wanted)
        before = known.get((wanted.name, wanted.version))
        if before not in {None, integrity(archive)}:
            sys.exit(f"{wanted.name} {wanted.version} is no longer what was published: see {LOCK}")
        packages.append(_lay_out(vendor, wanted, archive))
    lock = msgspec.json.format(msgspec.json.encode(packages), indent=2)
    (vendor / LOCK).write_bytes(lock + b"\n")


def fetch(wanted: Wanted) -> bytes:
    """The archive that npm publishes; npm itself compares it with what its registry promises."""
    with TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder]
        command.append(f"{wanted.name}@{wanted.version}")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=FETCH_SECONDS_MAX)  # noqa: S603
        (archive,) = Path(folder).iterdir()
        return archive.read_bytes()


def _lay_out(vendor: Path, wanted: Wanted, archive: bytes) -> VendoredPackage:
    published = _members(archive)
    package = VendoredPackage(wanted.name, wanted.version, wanted.licence, integrity(archive), {})
    for path, here in wanted.taken.items():
        target = vendor / package.folder / here
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(published[path])
        if is_precompressed(here):
            packed = brotli.compress(published[path], quality=BROTLI_QUALITY)
            target.with_name(f"{target.name}.br").write_bytes(packed)
    for here in wanted.laid:
        if not (vendor / package.folder / here).exists():
            sys.exit(f"Copy {here} from the version before to {package.folder}, then run this again")
    for here in (*wanted.taken.values(), *wanted.laid):
        package.files[here] = integrity((vendor / package.folder / here).read_bytes())
    return package


def _members(archive: bytes) -> dict[str, bytes]:
    """Read in memory: nothing in an archive decides where it is written."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        return {
            member.name.removeprefix("package/"): content.read()
            for member in opened
            if (content := opened.extractfile(member)) is not None
        }


if __name__ == "__main__":
    sys.exit(main())
