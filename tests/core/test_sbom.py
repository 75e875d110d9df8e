"""The bill of materials names all that runs, with the hashes of the locks; same files, same bill."""

import json
import re
import runpy
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
BILL: Final = runpy.run_path(str(ROOT / "requirements/sbom.py"))["bill"]


def components() -> dict[str, dict[str, Any]]:
    return {one["purl"]: one for one in BILL()["components"]}


def test_every_package_that_runs_is_in_the_bill_of_materials() -> None:
    locked = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / "requirements/run.txt").read_text(), re.M))
    told = {
        one["name"]: one["version"] for one in BILL()["components"] if one["purl"].startswith("pkg:pypi/")
    }
    assert told == locked
    assert all(one.get("licenses") for one in BILL()["components"])


def test_each_wheel_has_every_hash_of_the_lock() -> None:
    lock = (ROOT / "requirements/run.txt").read_text()
    told = [
        digest["content"]
        for one in components().values()
        for reference in one.get("externalReferences", [])
        for digest in reference["hashes"]
    ]
    assert sorted(told) == sorted(re.findall(r"--hash=sha256:(\w{64})", lock))


def test_what_the_page_brings_of_others_is_in_it_too() -> None:
    vendored = json.loads((ROOT / "mobile_web/vendor/vendor.lock.json").read_text())
    for one in vendored:
        [hashed] = components()[f"pkg:npm/{one['name'].replace('@', '%40')}@{one['version']}"]["hashes"]
        assert hashed["alg"] == "SHA-512"
        assert len(hashed["content"]) == 128


def test_the_same_files_give_the_same_bill_and_it_holds_together() -> None:
    first = BILL()
    assert first == BILL()
    assert (first["bomFormat"], first["specVersion"]) == ("CycloneDX", "1.6")
    references = [one["bom-ref"] for one in first["components"]]
    assert len(set(references)) == len(references)
    assert first["dependencies"][0]["dependsOn"] == references
