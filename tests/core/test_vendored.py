"""The vendored files against their lock, offline: as committed, and with each way to depart from it."""

import shutil
from pathlib import Path

import pytest

from mobile_web.vendor_files import VENDOR, WANTED
from mobile_web.vendored import LOCK, departures, read_lock

READER = "zxing-wasm-3.1.4/es/reader/index.js"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return shutil.copytree(VENDOR, tmp_path / "vendor")


def test_what_is_committed_is_what_was_published() -> None:
    assert departures(VENDOR) == []


def test_the_lock_holds_what_the_script_would_fetch() -> None:
    for wanted, package in zip(WANTED, read_lock(VENDOR), strict=True):
        assert (wanted.name, wanted.version, wanted.licence) == (
            package.name,
            package.version,
            package.licence,
        )
        assert {*wanted.taken.values(), *wanted.laid} == package.files.keys()


def test_every_package_brings_its_licence_and_is_named_among_third_parties() -> None:
    notices = (Path(__file__).parents[2] / "THIRD_PARTY.md").read_text(encoding="utf-8")
    for package in read_lock(VENDOR):
        assert "LICENSE" in package.files
        assert f"| {package.name} | {package.version} |" in notices


def test_a_changed_file_is_told(copied: Path) -> None:
    with (copied / READER).open("ab") as file:
        file.write(b"\n")
    assert departures(copied) == [
        f"{READER} is not the published file",
        f"{READER}.br does not unpack to {READER}",
    ]


def test_a_compressed_file_of_something_else_is_told(copied: Path) -> None:
    for content in (b"nothing of the kind", (copied / "noble-ed25519-3.2.0/index.js.br").read_bytes()):
        (copied / f"{READER}.br").write_bytes(content)
        assert departures(copied) == [f"{READER}.br does not unpack to {READER}"]


def test_a_missing_and_an_added_file_are_told(copied: Path) -> None:
    (copied / READER).unlink()
    (copied / "extra.js").write_text("more()")
    assert departures(copied) == ["extra.js is not in the lock", f"{READER} is missing"]


def test_the_lock_names_no_address() -> None:
    assert "://" not in (VENDOR / LOCK).read_text(encoding="utf-8")
