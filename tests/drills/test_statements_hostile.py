"""Files made to harm: the command refuses each by its name, in a process whose memory is measured."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from payouts.bank.xml_file import ELEMENTS_MAX

ROOT = Path(__file__).resolve().parents[2]
PEAK_KIB_MAX = 200 * 1024
# A stop for a runaway, not a measure: the test says what is refused and what memory it took.
CPU_SECONDS_MAX = 30
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
START = f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{NAMESPACE}">'
# VmHWM starts anew with the program, where ru_maxrss would remember the memory of the tests.
PROGRAM = """
import sys
from command.main import main
try:
    main()
finally:
    with open("/proc/self/status") as status:
        print(next(line.split()[1] for line in status if line.startswith("VmHWM")), file=sys.stderr)
"""


def bomb() -> bytes:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(12))
    return f"<!DOCTYPE Document [{entities}]><Document>&e11;</Document>".encode()


def quadratic_bomb() -> bytes:
    return b'<!DOCTYPE d [<!ENTITY a "' + b"A" * 100_000 + b'">]><d>' + b"&a;" * 100_000 + b"</d>"


def external() -> bytes:
    return b'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><d>&a;</d>'


def remote_dtd() -> bytes:
    return b'<!DOCTYPE d SYSTEM "http://127.0.0.1:9/x.dtd"><d/>'


def undefined_entity() -> bytes:
    return (START + "&secret;</Document>").encode()


def wide_with_document_type() -> bytes:
    return external().decode().encode("utf-16")


def wide_without_mark() -> bytes:
    return external().decode().encode("utf-16-le")


def seven_bits() -> bytes:
    return b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE d+AD4<d/>'


def not_its_encoding() -> bytes:
    return (START + "<X>Été</X></Document>").encode("iso-8859-1")


def hundred_megabytes() -> bytes:
    return START.encode() + b"<X>" + b"A" * (100 * 1024**2)


def deep() -> bytes:
    return START.encode() + b"<a>" * 200_000 + b"</a>" * 200_000


def truncated() -> bytes:
    return START.encode() + b"<Ntry><Amt>1.00</Amt></Ntry>" * 100_000


def long_text() -> bytes:
    return START.encode() + b"<X>" + b"A" * (15 * 1024**2) + b"</X></Document>"


def many_elements() -> bytes:
    return START.encode() + b"<a/>" * 3_000_000 + b"</Document>"


def many_attributes() -> bytes:
    return START.encode() + b"<X " + b" ".join(b'a%d=""' % n for n in range(1_000_000)) + b"/></Document>"


def as_many_elements_as_allowed() -> bytes:
    text = b"x" * 50
    return START.encode() + (b"<a/>" + text) * (ELEMENTS_MAX - 10) + b"</Document>"


def as_many_attributes_as_allowed() -> bytes:
    names = b" ".join(b'a%d="some text, not too short"' % n for n in range(999))
    return START.encode() + (b"<X " + names + b"/>") * (ELEMENTS_MAX // 1000 - 1) + b"</Document>"


def many_statements() -> bytes:
    first = "0130006    00001EUR2 12345678901  211126".ljust(90) + "0000000000000{".ljust(30)
    return "\n".join(f"{kind}{first[2:]}" for kind in ("01", "07") * 50_100).encode()


def zeros() -> bytes:
    return bytes(1024**2)


def nothing() -> bytes:
    return b" \n" * 1000


HOSTILE = [
    (bomb, "document_type"),
    (quadratic_bomb, "document_type"),
    (external, "document_type"),
    (remote_dtd, "document_type"),
    (undefined_entity, "not_well_formed"),
    (wide_with_document_type, "encoding"),
    (wide_without_mark, "encoding"),
    (seven_bits, "encoding"),
    (not_its_encoding, "encoding"),
    (hundred_megabytes, "too_many_bytes"),
    (deep, "too_deep"),
    (truncated, "truncated"),
    (long_text, "not_well_formed"),
    (many_elements, "too_many_elements"),
    (many_attributes, "too_many_elements"),
    (as_many_elements_as_allowed, "structure"),
    (as_many_attributes_as_allowed, "structure"),
    (many_statements, "too_many_elements"),
    (zeros, "encoding"),
    (nothing, "empty"),
]


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))


@pytest.mark.parametrize(("made", "refusal"), HOSTILE, ids=[made.__name__ for made, _ in HOSTILE])
def test_a_hostile_file_is_refused_within_its_memory(
    made: Callable[[], bytes], refusal: str, tmp_path: Path
) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(made())
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "statements", "read", str(path), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=bounded,
    )
    assert ended.returncode == 1, ended.stderr
    printed = json.loads(ended.stdout)
    assert printed["statements"] == []
    assert [refused["error"] for refused in printed["refused"]] == [refusal]
    assert int(ended.stderr.split()[-1]) < PEAK_KIB_MAX
    assert "root:" not in ended.stdout
