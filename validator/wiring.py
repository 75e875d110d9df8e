"""The parts of a running validator, under typed keys: what handlers reach them by."""

from collections import Counter

from aiohttp import web

from ledger.connect import Pool
from payouts.drawing import DrawingDesk
from scanner.pool import ReaderPool
from validator.closings import CalendarClerk
from validator.code_reading import CodeReader
from validator.group_commit import GroupCommit
from validator.guard import Guard
from validator.keeper import SnapshotKeeper
from validator.receipt_desk import ReceiptDesk
from validator.scan import Scanning
from validator.settings import Settings
from validator.watch import Watch

SETTINGS = web.AppKey("SETTINGS", Settings)
POOL = web.AppKey("POOL", Pool)
KEEPER = web.AppKey("KEEPER", SnapshotKeeper)
GUARD = web.AppKey("GUARD", Guard)
GROUP_COMMIT = web.AppKey("GROUP_COMMIT", GroupCommit)
DESK = web.AppKey("DESK", ReceiptDesk)
READER = web.AppKey("READER", CodeReader)
SCANNING = web.AppKey("SCANNING", Scanning)
PHOTOS = web.AppKey("PHOTOS", ReaderPool)
EXPORTS_UNDER_WAY = web.AppKey("EXPORTS_UNDER_WAY", set[int])  # devices; operators negative
PHOTOS_UNDER_WAY = web.AppKey("PHOTOS_UNDER_WAY", Counter[int])  # by device
CLERK = web.AppKey("CLERK", CalendarClerk)
DRAWINGS = web.AppKey("DRAWINGS", DrawingDesk)
WATCH = web.AppKey("WATCH", Watch)
