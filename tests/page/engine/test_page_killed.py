"""A browser that dies with passes in its queue, and is started again."""


async def test_offline_then_reload_then_a_killed_browser_then_online_takes_each_pass_exactly_once(
    own_browser, engine_in, instance, taken_by
):
    phone = engine_in(await own_browser.open("/page/files.json"))
    await phone.run()
    await phone.lose_every_batch()
    told = [await phone.take(instance.qr(place)) for place in range(3)]
    assert [one["kind"] for one in told] == ["waiting"] * 3
    await phone.reload()
    await phone.take(instance.qr(3))
    own_browser.kill()

    phone = engine_in(await own_browser.open("/page/files.json"))
    await phone.run()
    await phone.counts(accepted=4, waiting=0, refused=0)
    assert [one["attemptId"] for one in await phone.attempts()][:3] == [
        one["attempt"]["attemptId"] for one in told
    ]
    assert await taken_by() == 4
