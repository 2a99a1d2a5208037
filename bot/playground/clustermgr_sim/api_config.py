"""Switches: /config and /kv."""

import base64

from bot.playground.clustermgr_sim import args as a
from bot.playground.clustermgr_sim.answer import Answer, ApiError, json_answer, ok
from bot.playground.clustermgr_sim.data import check_delete, check_set
from bot.playground.clustermgr_sim.endpoints import Args, Change, Context, Endpoint

KV_PREFIX = "/kv/get/"
_DEFAULT_COUNT = 10


def _get(context: Context, args: Args) -> Answer:
    return json_answer(context.data.read_key(args["key"], context.flavour))


def _list(context: Context, _args: Args) -> Answer:
    return json_answer({"configs": context.data.every_key()})


def _set(context: Context, args: Args) -> Change:
    key, value = args["key"], args["value"]
    check_set(key, context.flavour)
    kv = context.raft.data.kv
    return Change(lambda: kv.__setitem__(key, value), context.flavour.config_timeout)


def _delete(context: Context, args: Args) -> Answer | Change:
    key, kv = args["key"], context.raft.data.kv
    check_delete(key, context.flavour)
    if key not in kv:
        return ok()
    return Change(lambda: kv.__delitem__(key), context.flavour.config_timeout)


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _kv_list(context: Context, args: Args) -> Answer:
    count = args["count"] or _DEFAULT_COUNT
    found = [key for key in sorted(context.data.kv) if key and key > args["marker"] and key.startswith(args["prefix"])]
    page = found[: max(count, 1)]
    rows = [{"key": key, "value": _encoded(context.data.kv[key])} for key in page]
    return json_answer({"kvs": rows, "marker": page[-1] if len(found) > len(page) else ""})


def _kv_get(context: Context, _args: Args) -> Answer:
    value = context.data.kv.get(context.path.removeprefix(KV_PREFIX))
    if value is None:
        raise ApiError(404, "Not Found")
    return json_answer({"value": _encoded(value)})


ENDPOINTS = (
    Endpoint("GET", "/config/get", a.CONFIG, _get),
    Endpoint("GET", "/config/list", a.NOTHING, _list, only=lambda flavour: flavour.config_list),
    Endpoint("POST", "/config/set", a.CONFIG_SET, _set),
    Endpoint("POST", "/config/delete", a.CONFIG, _delete, in_query=True),
    Endpoint("GET", "/kv/list", a.KV_LIST, _kv_list, only=lambda flavour: flavour.has_kv),
    Endpoint("GET", KV_PREFIX, a.NOTHING, _kv_get, only=lambda flavour: flavour.has_kv),
)
