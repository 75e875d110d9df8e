"""POST /v1/scans: a pass is taken once, and the same attempt gets the same answer for ever."""

import asyncio


async def test_a_pass_is_accepted_and_a_second_attempt_is_told_of_the_first(client, instance, new_attempt):
    first = {"attempt_id": new_attempt(), "code": instance.qr(0), "service": "premiers-pas"}
    async with client.post("/v1/scans", json=first, headers=instance.headers(0)) as response:
        accepted = await response.json()
    async with client.post(
        "/v1/scans", json={"attempt_id": new_attempt(), "code": instance.qr(0)}, headers=instance.headers(3)
    ) as response:
        refused = await response.json()

    assert accepted["verdict"] == "accepted"
    assert accepted["pass"]["face_value_cents"] == 1000
    assert accepted["receipt"].startswith("PR1:")
    assert refused["verdict"] == "refused"
    assert refused["refusal"] == "already_accepted"
    assert refused["earlier"] == {"accepted_at": accepted["accepted_at"], "site": instance.sites[0]}


async def test_fifty_scans_at_once_take_a_pass_once(client, instance, new_attempt):
    async def scan(device: int) -> dict:
        body = {"attempt_id": new_attempt(), "code": instance.qr(1)}
        async with client.post("/v1/scans", json=body, headers=instance.headers(device)) as response:
            assert response.status == 200
            return await response.json()

    verdicts = await asyncio.gather(*(scan(n % 5) for n in range(50)))

    assert sorted(verdict["verdict"] for verdict in verdicts) == ["accepted"] + ["refused"] * 49
    assert {v["refusal"] for v in verdicts if v["verdict"] == "refused"} == {"already_accepted"}
