"""The pool of reading processes, with real ones: hung, killed, full, orphaned."""

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import psutil
import pytest
import segno
import uvloop

from scanner.found import IMAGE_BYTES_MAX, FoundCode, ImageRefusal, ImageRefused
from scanner.pool import ReaderBusy, ReaderFailed, ReaderPool
from scanner.read import read_codes

# A reader whose behaviour the "picture" asks for. It lives in a folder that only these tests name.
PLANTED = """
import os, signal, sys, time
from scanner.found import FoundCode

def answer(text):
    return [FoundCode(text, "QR", ((0, 0), (1, 0), (1, 1), (0, 1)))]

def read(image_bytes, told):
    wish, _, rest = image_bytes.decode().partition(" ")
    match wish:
        case "sleep": time.sleep(float(rest))
        case "spin": exec("while True: pass")
        case "find":
            told("a stage", answer("found first"))
            if rest == "spin":
                exec("while True: pass")
            if rest == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
        case "exit": os._exit(3)
        case "kill": os.kill(os.getpid(), signal.SIGKILL)
        case "raise": raise ValueError(rest)
        case "hog": bytearray(2_000_000_000)
        case "babble": os.write(0, b"\\0\\0\\0\\4oops")
        case "boast": os.write(0, b"\\xff\\xff\\xff\\xff")
        case "environment": return answer(" ".join(sorted(os.environ)))
        case "modules": return answer(" ".join(sorted(sys.modules)))
        case "descriptors": return answer(" ".join(sorted(os.listdir("/proc/self/fd"))))
    return answer(f"{os.getpid()} {image_bytes.decode()}")
"""

OpenPool = Callable[..., AbstractAsyncContextManager[ReaderPool]]


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planted_reader.py").write_text(PLANTED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)


@pytest.fixture
def open_planted(planted: None) -> OpenPool:
    @contextlib.asynccontextmanager
    async def open_pool(**options: int | float) -> AsyncIterator[ReaderPool]:
        pool = ReaderPool(reader="planted_reader:read", **options)  # type: ignore[arg-type]
        await pool.start()
        try:
            yield pool
        finally:
            await pool.close()

    return open_pool


def a_picture(text: str = "PN1:A-PASS") -> bytes:
    drawn = io.BytesIO()
    segno.make(text, micro=False).save(drawn, kind="png", scale=6)
    return drawn.getvalue()


async def the_pid(pool: ReaderPool) -> int:
    return int((await pool.read(b"pid"))[0].text.split()[0])


def rooms_of(modules: str) -> set[str]:
    return {name.partition(".")[0] for name in modules.split()}


async def the_text(pool: ReaderPool, wish: str) -> str:
    return (await pool.read(wish.encode()))[0].text


async def test_a_worker_reads_what_the_function_reads() -> None:
    pool = ReaderPool()
    await pool.start()
    try:
        assert pool.decoders[0] == "zxing-cpp"
        assert await pool.read(a_picture()) == read_codes(a_picture()) != []
        with pytest.raises(ImageRefused) as refused:
            await pool.read(b"%PDF-1.7")
        assert refused.value.refusal is ImageRefusal.UNSUPPORTED_FORMAT
        assert "PDF" in refused.value.message
    finally:
        await pool.close()


async def test_uvloop_runs_it_too() -> None:
    async def scenario() -> list[FoundCode]:
        pool = ReaderPool(workers=2)
        await pool.start()
        try:
            return (await asyncio.gather(*(pool.read(a_picture()) for _ in range(4))))[3]
        finally:
            await pool.close()

    found = await asyncio.to_thread(uvloop.run, scenario())
    assert [code.text for code in found] == ["PN1:A-PASS"]


@pytest.mark.parametrize("wish", ["sleep 60", "spin"])
async def test_a_hung_worker_costs_its_own_request_only(open_planted: OpenPool, wish: str) -> None:
    async with open_planted(seconds_max=0.5) as pool:
        old = await the_pid(pool)
        hung = asyncio.create_task(pool.read(wish.encode()))
        behind = [asyncio.create_task(pool.read(b"next")) for _ in range(3)]
        with pytest.raises(ReaderFailed, match="did not answer within"):
            await hung
        answers = await asyncio.gather(*behind)
        assert all(codes[0].text.endswith(" next") for codes in answers)
        assert not psutil.pid_exists(old)


async def test_time_is_counted_in_cpu_so_that_a_busy_machine_ends_no_honest_picture(
    open_planted: OpenPool,
) -> None:
    async with open_planted(cpu_seconds_max=0.2) as pool:
        old = await the_pid(pool)
        assert (await the_text(pool, "sleep 0.6")).endswith("sleep 0.6")
        assert await the_pid(pool) == old
        with pytest.raises(ReaderFailed, match="spent all the time"):
            await pool.read(b"spin")
        assert await the_pid(pool) != old


@pytest.mark.parametrize("end", ["spin", "kill", "hang"])
async def test_what_was_found_before_a_worker_was_lost_is_the_answer(
    open_planted: OpenPool, end: str
) -> None:
    async with open_planted(cpu_seconds_max=0.3, seconds_max=1.0) as pool:
        old = await the_pid(pool)
        assert await the_text(pool, f"find {end}") == "found first"
        assert await the_pid(pool) != old
        with pytest.raises(ReaderFailed):
            await pool.read(b"kill")


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (b"kill", "killed by signal 9"),
        (b"exit", "ended with status 3"),
        (b"babble", "nonsense"),
        (b"boast", "announced"),
    ],
)
async def test_a_worker_that_dies_or_babbles_is_replaced(
    open_planted: OpenPool, wish: bytes, reason: str
) -> None:
    async with open_planted() as pool:
        old = await the_pid(pool)
        with pytest.raises(ReaderFailed, match=reason):
            await pool.read(wish)
        assert await the_pid(pool) != old
        assert not psutil.pid_exists(old)


async def test_one_dying_worker_does_not_disturb_another(open_planted: OpenPool) -> None:
    async with open_planted(workers=2) as pool:
        steady = asyncio.create_task(pool.read(b"sleep 0.5"))
        await asyncio.sleep(0.05)
        with pytest.raises(ReaderFailed):
            await pool.read(b"kill")
        assert (await steady)[0].text.endswith("sleep 0.5")


async def test_a_worker_found_dead_between_two_pictures_is_replaced(open_planted: OpenPool) -> None:
    async with open_planted() as pool:
        old = await the_pid(pool)
        os.kill(old, signal.SIGKILL)
        with pytest.raises(ReaderFailed):
            await pool.read(b"next")
        assert await the_pid(pool) != old


async def test_a_fault_of_ours_fails_the_request_and_keeps_the_worker(open_planted: OpenPool) -> None:
    async with open_planted() as pool:
        old = await the_pid(pool)
        with pytest.raises(ReaderFailed) as failed:
            await pool.read(b"raise a secret path")
        assert "secret" not in str(failed.value)
        assert await the_pid(pool) == old


async def test_memory_is_limited_and_running_out_of_it_is_a_refusal(open_planted: OpenPool) -> None:
    async with open_planted() as pool:
        old = await the_pid(pool)
        with pytest.raises(ImageRefused) as refused:
            await pool.read(b"hog")
        assert refused.value.refusal is ImageRefusal.TOO_COSTLY
        assert await the_pid(pool) == old


async def test_more_than_may_wait_are_turned_away_at_once(open_planted: OpenPool) -> None:
    async with open_planted(waiting_max=2) as pool:
        slow = asyncio.create_task(pool.read(b"sleep 0.3"))
        await asyncio.sleep(0.05)
        waiting = [asyncio.create_task(pool.read(b"next")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ReaderBusy):
            await pool.read(b"one too many")
        await asyncio.gather(slow, *waiting)
        assert await pool.read(b"again")


async def test_a_picture_that_waited_too_long_is_told_to_come_again(
    open_planted: OpenPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.pool.WAIT_SECONDS_MAX", 0.1)
    async with open_planted() as pool:
        slow = asyncio.create_task(pool.read(b"sleep 0.4"))
        await asyncio.sleep(0.05)
        with pytest.raises(ReaderBusy):
            await pool.read(b"next")
        await slow


async def test_a_caller_that_goes_away_leaves_no_answer_to_the_next(open_planted: OpenPool) -> None:
    async with open_planted() as pool:
        gone = asyncio.create_task(pool.read(b"sleep 0.3"))
        gone_too = asyncio.create_task(pool.read(b"sleep 30"))
        await asyncio.sleep(0.05)
        gone.cancel()
        gone_too.cancel()
        assert (await the_text(pool, "mine")).endswith(" mine")


async def test_a_worker_is_renewed_after_its_share_of_pictures(open_planted: OpenPool) -> None:
    async with open_planted(images_per_worker_max=2) as pool:
        pids = [await the_pid(pool) for _ in range(6)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


async def test_a_worker_gets_neither_environment_nor_descriptors_nor_code_of_the_service(
    open_planted: OpenPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    async with open_planted() as pool:
        assert "DATABASE_URL" not in await the_text(pool, "environment")
        # Its socket, standard output and error, and the listing itself.
        assert len((await the_text(pool, "descriptors")).split()) == 4
        rooms = rooms_of(await the_text(pool, "modules"))
    assert "cv2" in rooms
    assert rooms.isdisjoint({"validator", "ledger", "keys", "embedded", "asyncpg", "aiohttp", "pytest"})


def test_the_service_itself_loads_no_decoder() -> None:
    listing = "import sys, scanner.pool; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    assert rooms_of(loaded.stdout).isdisjoint({"cv2", "numpy", "PIL", "zxingcpp", "pyzbar"})


async def test_too_many_bytes_never_reach_a_worker() -> None:
    with pytest.raises(ImageRefused) as refused:
        await ReaderPool().read(bytes(IMAGE_BYTES_MAX + 1))
    assert refused.value.refusal is ImageRefusal.TOO_MANY_BYTES


async def test_a_pool_closed_as_soon_as_it_started_leaves_no_process() -> None:
    pool = ReaderPool()
    before = set(psutil.Process().children())
    await pool.start()
    assert set(psutil.Process().children()) - before
    await pool.close()
    assert set(psutil.Process().children()) <= before


async def test_closing_answers_everybody_and_leaves_no_process(open_planted: OpenPool) -> None:
    async with open_planted() as pool:
        old = await the_pid(pool)
        pending = [asyncio.create_task(pool.read(b"sleep 30")) for _ in range(3)]
        await asyncio.sleep(0.05)
        await pool.close()
        outcomes = await asyncio.gather(*pending, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [ReaderFailed] * 3
        assert not psutil.pid_exists(old)
        with pytest.raises(ReaderFailed):
            await pool.read(b"late")


async def test_a_reader_that_cannot_be_loaded_is_told_at_start(capfd: pytest.CaptureFixture[str]) -> None:
    pool = ReaderPool(workers=2, reader="scanner.read:no_such_function")
    with pytest.raises(ReaderFailed, match="cannot start"):
        await pool.start()
    assert "no_such_function" in capfd.readouterr().err


async def test_on_demand_no_worker_is_there_before_the_first_picture() -> None:
    pool = ReaderPool(on_demand=True)
    before = set(psutil.Process().children())
    await pool.start()
    assert set(psutil.Process().children()) <= before
    assert [code.text for code in await pool.read(a_picture())] == ["PN1:A-PASS"]
    assert len(set(psutil.Process().children()) - before) == 1
    await pool.close()


async def test_on_demand_the_first_picture_learns_that_the_reader_cannot_be_loaded() -> None:
    pool = ReaderPool(reader="scanner.read:no_such_function", on_demand=True)
    await pool.start()
    with pytest.raises(ReaderFailed, match="can't be read"):
        await pool.read(a_picture())
    await pool.close()


ORPHANED = """
import asyncio, sys
from scanner.pool import ReaderPool

async def main():
    pool = ReaderPool(workers=2, seconds_max=1.0, reader="planted_reader:read")
    await pool.start()
    pid = int((await pool.read(b"pid"))[0].text.split()[0])
    busy = asyncio.create_task(pool.read(b"spin"))
    await asyncio.sleep(0.1)
    print("up", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_workers_die_with_a_service_that_is_killed_even_in_the_middle_of_a_picture(
    planted: None,
) -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHANED], stdout=subprocess.PIPE) as service:
        assert service.stdout is not None
        assert service.stdout.readline() == b"up\n"
        workers = psutil.Process(service.pid).children()
        assert len(workers) == 2
        service.kill()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []


async def test_the_readers_options_reach_it() -> None:
    pool = ReaderPool(options={"cpu_seconds_max": 0.0})
    await pool.start()
    try:
        assert await pool.read(a_picture())
    finally:
        await pool.close()
