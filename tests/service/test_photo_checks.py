"""POST /v1/photos?judge=check: each code on a photo is tested in the same call, and none is taken."""

import io

import numpy as np
import segno
from PIL import Image


def a_photo(*texts: str) -> bytes:
    symbols = []
    for text in texts:
        drawn = io.BytesIO()
        segno.make(text, micro=False, error="m").save(drawn, kind="png", scale=5, border=6)
        symbols.append(np.array(Image.open(drawn).convert("L")))
    side = max(symbol.shape[0] for symbol in symbols)
    row = [np.pad(one, ((0, side - one.shape[0]), (0, 20)), constant_values=255) for one in symbols]
    photo = io.BytesIO()
    Image.fromarray(np.hstack(row)).save(photo, "PNG")
    return photo.getvalue()


async def photographed(client, headers, *texts: str, query: str = "?judge=check") -> list[dict]:
    async with client.post(f"/v1/photos{query}", data=a_photo(*texts), headers=headers) as response:
        assert response.status == 200, await response.text()
        return (await response.json())["codes"]


async def test_every_pass_on_a_photo_is_checked_in_one_call(client, instance, new_attempt):
    taken = {"attempt_id": new_attempt(), "code": instance.qr(1)}
    async with client.post("/v1/scans", json=taken, headers=instance.headers()) as response:
        assert (await response.json())["verdict"] == "accepted"
    texts = [instance.qr(0), instance.qr(1), instance.qr(2), "https://example.org/a-poster"]

    codes = await photographed(client, instance.headers(), *texts)

    checks = {code["text"]: code["check"] for code in codes}
    assert set(checks) == set(texts)
    assert [checks[text]["verdict"] for text in texts] == ["acceptable", "refused", "acceptable", "refused"]
    assert checks[texts[1]]["refusal"] == "already_accepted"
    assert checks[texts[1]]["earlier"]["site"] == instance.sites[0]
    assert checks[texts[3]]["refusal"] == "unreadable"
    assert checks[texts[0]]["pass"]["number"] == instance.passes[0][1].number


async def test_a_check_by_photo_takes_nothing(client, instance):
    for _ in range(2):
        (code,) = await photographed(client, instance.headers(), instance.qr(0))
        assert code["check"]["verdict"] == "acceptable"


async def test_a_photo_is_not_judged_unless_asked(client, instance):
    (code,) = await photographed(client, instance.headers(), instance.qr(0), query="")
    assert set(code) == {"text", "format", "corners"}


async def test_another_wish_than_check_is_refused_with_a_reason(client, instance):
    async with client.post("/v1/photos?judge=scan", data=b"", headers=instance.headers()) as response:
        assert response.status == 400
        assert "judge" in (await response.json())["detail"]


async def test_the_service_named_is_part_of_the_check(client, instance):
    (code,) = await photographed(
        client, instance.headers(), instance.qr(0), query="?judge=check&service=no-such-service"
    )
    assert code["check"]["refusal"] == "service_not_covered"
