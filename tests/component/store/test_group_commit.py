"""Group commit on a real database: units share a transaction, fail alone, and are all lost with a lost commit."""

import asyncio
from pathlib import Path

import pytest

from bot.alerting.cluster_state.state import ClusterState
from bot.common.errors import Fenced, StoreError
from bot.leadership.model import Hold
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from tests.support.stores import opened
