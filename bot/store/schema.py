"""Tables of the database; migrations/ has the way there.

Times are Unix seconds as double precision, 0 for an event that has not happened.
"""

from typing import Any

from sqlalchemy import Boolean, Column, Double, Index, Integer, MetaData, Table, text

from bot.store.column_types import SanitizedText, id_type, json_type

metadata = MetaData()


def _id(name: str = "id") -> Column[int]:
    return Column(name, id_type(), primary_key=True, autoincrement=True)


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, SanitizedText, nullable=False, **options)


def _time(name: str, **options: Any) -> Column[float]:
    return Column(name, Double, nullable=False, **options)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _json(name: str) -> Column[Any]:
    return Column(name, json_type(), nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


alerts = Table(
    "alerts",
    metadata,
    _id(),
    _text("cluster"),
    _text("rule"),
    _text("subject"),
    _text("state"),
    _count("severity"),
    _text("sentence"),
    _json("lines"),
    _count("weight"),
    _json("data"),
    _time("since"),
    _time("fired_at"),
    _time("resolved_at"),
    _time("clear_since"),
    _time("changed_at"),
    _time("reminded_at"),
    _text("acked_by"),
    _time("acked_at"),
    _text("resolution"),
    _count("version"),
    _partial("alerts_one_open", "cluster", "rule", "subject", where="state <> 'resolved'", unique=True),
    Index("alerts_by_change", "changed_at"),
    sqlite_autoincrement=True,
)

silences = Table(
    "silences",
    metadata,
    _id(),
    _text("cluster"),
    _text("rule"),
    _text("subject"),
    _time("until"),
    _text("by"),
    _text("reason"),
    _time("created_at"),
    _count("weight"),
    Column("alert", id_type(), nullable=False),
    _text("scope"),
    _text("window"),
    _time("begins"),
    _flag("announced"),
    Index("silences_by_end", "until"),
    sqlite_autoincrement=True,
)

notes = Table(
    "notes",
    metadata,
    _id(),
    _text("thread"),
    Column("number", id_type(), nullable=False),
    _text("cluster"),
    _text("rule"),
    _time("at"),
    _text("by"),
    _text("kept_by"),
    _time("kept_at"),
    _text("text"),
    _text("source"),
    Index("notes_by_thread", "thread"),
    Index("notes_by_time", "cluster", "at"),
    # The same message is kept once, also by two people at the same moment.
    _partial("notes_one_source", "thread", "source", where="source <> ''", unique=True),
    sqlite_autoincrement=True,
)

alert_events = Table(
    "alert_events",
    metadata,
    _id(),
    Column("alert", id_type(), nullable=False),
    _text("cluster"),
    _text("kind"),
    _time("at"),
    _text("by"),
    _count("severity"),
    _text("sentence"),
    Index("alert_events_by_alert", "alert"),
    Index("alert_events_by_time", "cluster", "at"),
    sqlite_autoincrement=True,
)

cluster_states = Table("memory", metadata, _text("cluster", primary_key=True), _json("data"))

channels = Table("channels", metadata, _text("channel", primary_key=True), _json("data"))

operations = Table(
    "operations",
    metadata,
    _id(),
    _text("cluster"),
    _text("kind"),
    _json("request"),
    _text("requester"),
    _time("created_at"),
    _time("expires_at"),
    _text("state"),
    _json("seen"),
    _json("history"),
    _text("channel"),
    _text("reason"),
    _count("version"),
    _json("terms"),
    _json("approvals"),
    Column("card", id_type(), nullable=False),
    _time("lease_until"),
    _time("warn_at"),
    _text("lock"),
    _text("runner"),
    _text("trace", server_default=""),
    Index("operations_by_state", "state"),
    Index("operations_by_creation", "created_at"),
    # One membership change or transfer at a time on a cluster, one change of a switch: the second insert fails.
    _partial("operations_one_at_a_time", "cluster", "lock", where="lock <> ''", unique=True),
    _partial("operations_leased", "lease_until", where="lease_until > 0"),
    sqlite_autoincrement=True,
)

inbox_rows = Table(
    "inbound",
    metadata,
    _text("key", primary_key=True),
    _text("kind"),
    _json("payload"),
    _time("seen_at"),
    _text("claimed_by"),
    _time("claimed_until"),
    _flag("done"),
    _partial("inbound_open", "seen_at", where="NOT done"),
)

scheduled_runs = Table(
    "firings",
    metadata,
    _text("job", primary_key=True),
    _time("due_at", primary_key=True),
    Index("firings_by_time", "due_at"),
)

samples = Table("samples", metadata, _text("cluster", primary_key=True), _time("at", primary_key=True), _json("data"))

posts = Table(
    "posts",
    metadata,
    _id("seq"),
    _text("slot"),
    _text("channel"),
    _text("home"),
    Column("parent", SanitizedText, nullable=True),
    _flag("broadcast"),
    _json("content"),
    _count("version"),
    _count("sent_version"),
    Column("ts", SanitizedText, nullable=True),
    _text("former"),
    _flag("removed"),
    _text("state"),
    _count("attempts"),
    _flag("doubt"),
    _time("next_attempt_at"),
    _text("last_error"),
    _text("claimed_by"),
    _time("claimed_until"),
    _time("pending_since"),
    _time("created_at"),
    _time("updated_at"),
    _text("trace", server_default=""),
    Index("posts_one_slot", "slot", unique=True),
    Index("posts_by_parent", "parent"),
    _partial("posts_pending", "channel", "seq", where="state = 'pending'"),
    Index("posts_by_state", "state", "updated_at"),
    sqlite_autoincrement=True,
)

outputs = Table(
    "outputs",
    metadata,
    _id("seq"),
    _text("receiver"),
    Column("alert", id_type(), nullable=False),
    _json("content"),
    # Empty: the receiver has nothing of the alert yet.
    _json("delivered"),
    _text("mark"),
    _count("version"),
    _count("sent_version"),
    _text("state"),
    _count("attempts"),
    _time("next_attempt_at"),
    _text("last_error"),
    _text("claimed_by"),
    _time("claimed_until"),
    _time("pending_since"),
    _time("created_at"),
    _time("updated_at"),
    Index("outputs_one_row", "receiver", "alert", unique=True),
    _partial("outputs_due", "receiver", "next_attempt_at", where="state IN ('pending', 'kept')"),
    sqlite_autoincrement=True,
)

external_alerts = Table(
    "external_alerts",
    metadata,
    _text("cluster", primary_key=True),
    _text("fingerprint", primary_key=True),
    _flag("firing"),
    _json("data"),
    _time("received_at"),
    _time("expires_at"),
    Index("external_alerts_by_time", "received_at"),
)

replicas = Table(
    "replicas",
    metadata,
    _text("name", primary_key=True),
    _time("since"),
    _time("beat_at"),
    _time("until"),
    _json("tasks"),
    _text("revision", server_default=""),
)

holds = Table(
    "holds",
    metadata,
    _text("task", primary_key=True),
    _text("holder"),
    Column("token", id_type(), nullable=False),
    _time("since"),
)

workspaces = Table(
    "workspaces", metadata, _text("team", primary_key=True), _text("tables"), _time("since"), _flag("containers")
)

facts = Table("facts", metadata, _text("name", primary_key=True), _text("value"), _time("since"))

codes = Table(
    "codes",
    metadata,
    _text("user", primary_key=True),
    _text("sealed"),
    _time("since"),
    Column("last_step", id_type(), nullable=False),
    _count("failures"),
    _time("locked_until"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", id_type(), primary_key=True, autoincrement=False),
    _time("at"),
    _text("actor"),
    _text("action"),
    _text("cluster"),
    Column("op_id", id_type(), nullable=False),
    # Text, because the exact characters are hashed: JSONB would write them differently.
    _text("detail"),
    _text("prev_hash"),
    _text("hash"),
    Index("audit_by_time", "at"),
)
