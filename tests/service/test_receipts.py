"""GET /v1/receipts and `poincon receipts verify`: the operator's proof, which stands without any server."""

import json

import pytest

from keys.receipt import open_receipt
from validator.wiring import KEEPER

BARE = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}


@pytest.fixture
async def seller(house, new_attempt_id):
    """A device of an operator of its own, with 6 passes taken, one of them undone since."""
    device = await house.operator()
    attempts = [new_attempt_id() for _ in range(6)]
    for attempt_id, one in zip(attempts, await house.passes(6), strict=True):
        assert (await house.scan(one.qr, attempt_id=attempt_id, device=device)).verdict == "accepted"
    await house.undo(attempts[2], device=device)
    return device, attempts


@pytest.fixture
async def export(house, seller, tmp_path):
    answer = await house.call("GET", "/v1/receipts", device=seller[0])
    path = tmp_path / "export.jsonl"
    path.write_text(answer.body, encoding="utf-8")
    return path


def _lines(export):
    return [json.loads(line) for line in export.read_text(encoding="utf-8").splitlines()]


def _write(export, lines):
    export.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


async def test_an_export_verifies_with_no_server_and_no_setting(export, poincon):
    run = await poincon("receipts", "verify", str(export), "--json", env=BARE)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert (told["good"], told["undone"], told["total_cents"], told["wanting"]) == (6, 1, 5_000, [])


async def test_an_export_holds_every_receipt_of_the_operator_as_it_was_answered(house, seller, export):
    _, attempts = seller
    keyring = house.apps[0][KEEPER].current().keyring
    receipts = [open_receipt(line["receipt"], keyring) for line in _lines(export)[1:-1]]
    assert sorted(str(receipt.attempt_id) for receipt in receipts) == sorted(attempts)
    assert {receipt.amount_cents for receipt in receipts} == {1_000}


@pytest.mark.parametrize("kept", [slice(0, -1), slice(0, -3), [0, 1, 2, 4, 5, 6, 7]])
async def test_an_export_cut_short_or_with_a_receipt_left_out_is_found_wanting(export, typed, kept):
    lines = _lines(export)
    _write(export, lines[kept] if isinstance(kept, slice) else [lines[place] for place in kept])
    run = typed("receipts", "verify", str(export))
    assert run.returncode == 1
    assert "not whole" in run.stdout


async def test_an_undo_left_out_shows_when_the_pass_was_taken_again(house, typed, new_attempt_id, tmp_path):
    device, [one], first = await house.operator(), await house.passes(1), new_attempt_id()
    await house.scan(one.qr, attempt_id=first, device=device)
    await house.undo(first, device=device)
    assert (await house.scan(one.qr, attempt_id=new_attempt_id(), device=device)).verdict == "accepted"
    export = tmp_path / "export.jsonl"
    export.write_text((await house.call("GET", "/v1/receipts", device=device)).body, encoding="utf-8")
    lines = _lines(export)
    for line in lines:
        line.pop("undone_at", None)
    _write(export, lines)
    run = typed("receipts", "verify", str(export))
    assert run.returncode == 1
    assert "second live acceptance" in run.stdout


async def test_a_receipt_says_who_where_how_much_and_when(house, new_attempt_id):
    [one] = await house.passes(1)
    device, attempt_id = await house.operator(), new_attempt_id()
    answer = await house.scan(one.qr, attempt_id=attempt_id, device=device)
    snapshot = house.apps[0][KEEPER].current()
    receipt = open_receipt(answer.body["receipt"], snapshot.keyring)
    assert receipt.pass_id == one.pass_id
    assert receipt.operator_siret == snapshot.operators[device.operator_id].siret
    assert (receipt.site_id, receipt.amount_cents) == (device.site_id, 1_000)
    assert str(receipt.attempt_id) == attempt_id
    assert (await house.scan(one.qr, attempt_id=attempt_id, device=device)).body == answer.body


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount_cents", 2_000), ("booklet", 1), ("number", 99), ("accepted_at", "2020-01-01T00:00:00Z")],
)
async def test_a_figure_changed_beside_a_receipt_is_found_wanting(export, typed, field, value):
    lines = _lines(export)
    lines[3][field] = value
    _write(export, lines)
    run = typed("receipts", "verify", str(export))
    assert run.returncode == 1
    assert f"line 4: the receipt does not say the same {field}" in run.stdout


async def test_a_receipt_of_another_operator_in_the_export_is_found_wanting(house, export, typed):
    other = await house.operator()
    [one] = await house.passes(1)
    foreign = (await house.scan(one.qr, device=other)).body["receipt"]
    *lines, _ = _lines(export)
    _write(export, [*lines, {"receipt": foreign}, {"receipts": 7}])
    run = typed("receipts", "verify", str(export))
    assert run.returncode == 1
    assert "line 8: " in run.stdout


async def test_a_changed_character_and_a_repeated_line_are_found_wanting(export, typed):
    *lines, _ = _lines(export)
    text = lines[1]["receipt"]
    lines[1]["receipt"] = text[:-3] + ("0" if text[-3] != "0" else "1") + text[-2:]
    _write(export, [*lines, lines[2], {"receipts": 7}])
    run = typed("receipts", "verify", str(export), "--json")
    assert run.returncode == 1
    told = json.loads(run.stdout)
    assert told["good"] == 5
    assert [one.partition(":")[0] for one in told["wanting"]] == ["line 2", "line 8"]


async def test_an_export_signed_by_others_fails_against_the_keys_one_trusts(house, export, typed, tmp_path):
    keyset = tmp_path / "keyset.json"
    keyset.write_text(json.dumps((await house.call("GET", "/v1/keyset")).body))
    trusted = typed("receipts", "verify", str(export), "--keyset", str(keyset))
    keyset.write_text('{"keys": []}')
    untrusted = typed("receipts", "verify", str(export), "--keyset", str(keyset))
    assert (trusted.returncode, untrusted.returncode) == (0, 1)
    assert "unknown_key" in untrusted.stdout


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"not json\n", b"[1, 2]\n", b'{"keyset": 5}\n', b'{"keyset": {"keys": 5}}\n',
     b'{"receipt": "PR1:X"}\n', b"[" * 50_000, b"PR1:ABC\n"],
)  # fmt: skip
async def test_what_is_no_export_is_wrong_usage_in_plain_words(content, tmp_path, typed):
    path = tmp_path / "export"
    path.write_bytes(content)
    run = typed("receipts", "verify", str(path))
    assert run.returncode == 2, run
    assert "Traceback" not in run.stderr
    assert "Error: " in run.stderr
