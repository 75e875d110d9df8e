"""`make sbom`: the bill of materials (CycloneDX 1.6, JSON) of what runs: locked wheels with their hashes, and
what of others the page serves. From the lock files alone: the same files give the same bytes."""

import base64
import hashlib
import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "run.txt"
VENDORED = ROOT / "mobile_web" / "vendor" / "vendor.lock.json"
LICENCES = ROOT / "THIRD_PARTY.md"
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>\S+)(?P<rest>.*?)(?=^\S|\Z)", re.M | re.S)
LICENCE_ROW = re.compile(r"^\| (?P<name>[a-z0-9._-]+) \| (?P<licence>[^|]+) \|", re.M)


def main() -> None:
    out = Path(sys.argv[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    document = bill()
    out.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{out}: {len(document['components'])} components")  # noqa: T201 - a script's answer


def bill() -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    components = [*_wheels(), *_vendored()]
    content = json.dumps(components, sort_keys=True).encode()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=hashlib.sha256(content).digest()[:16], version=5)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "poincon",
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": "poincon", "dependsOn": [one["bom-ref"] for one in components]}],
    }


def _wheels() -> list[dict[str, Any]]:
    licences = {
        match["name"]: match["licence"].strip() for match in LICENCE_ROW.finditer(LICENCES.read_text())
    }
    return [
        _component("pypi", pin["name"], pin["version"], licences.get(pin["name"]))
        # A lock has the hash of each file that may be installed: they are told as what was published.
        | {"externalReferences": _distributions(f"pkg:pypi/{pin['name']}@{pin['version']}", pin["rest"])}
        for pin in PIN.finditer(LOCK.read_text(encoding="utf-8"))
    ]


def _distributions(reference: str, rest: str) -> list[dict[str, Any]]:
    return [
        {"type": "distribution", "url": reference, "hashes": [{"alg": "SHA-256", "content": digest}]}
        for digest in re.findall(r"--hash=sha256:([0-9a-f]{64})", rest)
    ]


def _vendored() -> list[dict[str, Any]]:
    return [
        _component("npm", one["name"], one["version"], one["licence"])
        | {"hashes": [{"alg": "SHA-512", "content": _hex(one["integrity"])}]}
        for one in json.loads(VENDORED.read_text(encoding="utf-8"))
    ]


def _hex(integrity: str) -> str:
    return base64.b64decode(integrity.removeprefix("sha512-")).hex()


def _component(kind: str, name: str, version: str, licence: str | None) -> dict[str, Any]:
    reference = f"pkg:{kind}/{name.replace('@', '%40')}@{version}"
    told = {"licenses": [{"license": {"name": licence}}]} if licence else {}
    return {
        "type": "library",
        "bom-ref": reference,
        "name": name,
        "version": version,
        "purl": reference,
    } | told


if __name__ == "__main__":
    main()
