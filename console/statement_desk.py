"""Reads files of the bank off the loop, one at a time: a long one would take the scans' turn."""

import asyncio

from payouts.bank.bank_file import BankFile, read_bank_file


class StatementDesk:
    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)

    async def read(self, content: bytes) -> BankFile:
        """Raises FileRefused."""
        async with self._turn:
            return await asyncio.to_thread(read_bank_file, content)
