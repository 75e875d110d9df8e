"""What the phone keeps: when it is on the disk, what the disk refuses or drops, how much may wait."""

from datetime import UTC, datetime, timedelta


async def test_an_attempt_is_on_the_disk_before_anything_is_told_or_sent(start, instance):
    phone = await start()
    await phone.lose_every_batch()
    kept = await phone.page.evaluate(
        """async (code) => {
          const told = await engine.intake.take(code, "camera")
          const kept = await engine.store.read("attempts", (all) => all.get(told.attempt.attemptId))
          return [told, kept]
        }""",
        instance.qr(0),
    )
    assert kept[0]["kind"] == "waiting"
    assert kept[1]["state"] == "waiting"
    assert kept[1]["code"] == instance.qr(0)


async def test_a_full_browser_keeps_nothing_says_so_and_sends_nothing(start, instance, taken_by):
    phone = await start()
    full = """() => {
      IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError") }
    }"""
    await phone.page.evaluate(full)
    told = await phone.take(instance.qr(0))
    assert told == {"kind": "cannot-keep", "why": "full"}
    await phone.counts(waiting=0, accepted=0)
    assert await phone.attempts() == []
    assert await taken_by() == 0


async def test_the_browsers_own_quota_is_told_as_full(start, instance, origin):
    phone = await start()
    session = await phone.page.context.new_cdp_session(phone.page)
    await session.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1_000_000})
    await phone.page.evaluate(
        """async () => {
          const { newAttempt } = await import("/page/attempt.js")
          for (const size of [60_000, 30_000, 1_000]) {
            const filling = () => crypto.getRandomValues(new Uint8Array(size))
            const fill = (kept) => {
              for (let i = 0; i < 8; i++) kept.put({ ...newAttempt({}), filling: filling() })
            }
            for (;;) {
              try { await engine.store.write("attempts", fill) } catch { break }
            }
          }
        }"""
    )
    assert await phone.take(instance.qr(0)) == {"kind": "cannot-keep", "why": "full"}
    await phone.counts(waiting=0, accepted=0)


async def test_a_verdict_that_cannot_be_written_down_still_stands(start, instance, taken_by):
    phone = await start()
    await phone.lose_every_batch()
    await phone.take(instance.qr(0))
    await phone.page.evaluate(
        "() => { IDBObjectStore.prototype.put = () => { throw new DOMException('', 'QuotaExceededError') } }"
    )
    await phone.let_batches_through()
    await phone.send()
    await phone.counts(accepted=1)
    await phone.page.evaluate("engine.journal.reload()")
    await phone.counts(accepted=1)
    # After a reload it waits again, is sent again with its id, and is told the same.
    await phone.reload()
    await phone.counts(accepted=1, refused=0)
    assert await taken_by() == 1


async def test_a_connection_that_the_browser_dropped_is_opened_again(start, instance):
    phone = await start()
    drop = """() => {
      const { transaction } = IDBDatabase.prototype
      IDBDatabase.prototype.transaction = function () {
        IDBDatabase.prototype.transaction = transaction
        throw new DOMException("dropped", "InvalidStateError")
      }
    }"""
    await phone.page.evaluate(drop)
    assert (await phone.take(instance.qr(0)))["kind"] == "waiting"
    await phone.counts(accepted=1)


async def test_another_pages_wish_for_a_newer_layout_closes_ours_and_nothing_is_lost(start, instance):
    phone = await start()
    await phone.take(instance.qr(0))
    await phone.counts(accepted=1)
    await phone.page.evaluate(
        """() => new Promise((resolve, reject) => {
          const deleting = indexedDB.deleteDatabase("poincon")
          deleting.onsuccess = resolve
          deleting.onerror = deleting.onblocked = reject
        })"""
    )
    assert (await phone.take(instance.qr(1)))["kind"] == "waiting"


async def test_only_so_many_may_wait_and_it_is_said_before(start, instance):
    phone = await start()
    await phone.lose_every_batch()
    said = await phone.page.evaluate(
        """async () => {
          const { newAttempt } = await import("/page/attempt.js")
          const one = () => newAttempt({ code: crypto.randomUUID() })
          const many = (length) => Array.from({ length }, one)
          const said = [engine.warningOf(engine.journal)]
          await engine.journal.add(many(400))
          said.push(engine.warningOf(engine.journal))
          await engine.journal.add(many(100))
          said.push(engine.warningOf(engine.journal))
          return said
        }"""
    )
    assert said == [None, "many", "full"]
    assert await phone.take(instance.qr(0)) == {"kind": "cannot-keep", "why": "too-many"}
    await phone.counts(waiting=500)


async def test_a_scan_older_than_three_days_is_warned_of_and_still_sent_for_the_trustee(
    start, instance, superuser, refreshed
):
    await superuser.execute("UPDATE booklets SET activated_at = '2026-01-01'")
    await refreshed()
    phone = await start()
    await phone.page.context.set_offline(True)
    told = await phone.take(instance.qr(0))
    said = [
        await phone.page.evaluate(
            "(hours) => engine.warningOf(engine.journal, Date.now() + hours * 3600_000)", hours
        )
        for hours in (47, 49, 73)
    ]
    assert said == [None, "old", "too-old"]
    await phone.page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=73))
    # Online, the phone is told its clock runs ahead; the scan's age is by its own clock all the same.
    await phone.page.context.set_offline(False)
    await phone.send()
    await phone.counts(refused=1)
    (attempt,) = await phone.attempts()
    assert attempt["attemptId"] == told["attempt"]["attemptId"]
    assert attempt["refusal"] == "too_late"
