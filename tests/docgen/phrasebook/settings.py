"""Samples of the answers about the settings."""

from bot.interactions.reload import Reloaded
from bot.views.reload import reload_failed, reloaded
from tests.docgen.phrasebook.render import Sample, Section

_CHANGES = ("clusters.prod.poll_interval: 15s → 30s", "clusters.archive: removed", "SLACK_BOT_TOKEN: changed")


def section() -> Section:
    """The section of the page."""
    return Section(
        "Settings",
        (
            Sample("/cm admin reload", reloaded(Reloaded("host-1-0a1b2c3d", _CHANGES))),
            Sample("/cm admin reload, with other replicas", reloaded(Reloaded("host-1-0a1b2c3d", _CHANGES[:1], 2))),
            Sample("/cm admin reload, nothing changed", reloaded(Reloaded("host-1-0a1b2c3d", ()))),
            Sample(
                "To the caller of /cm admin reload, as a direct message",
                reload_failed("host-1-5e6f7a8b", "http.port: cannot listen on 0.0.0.0:8080 (address already in use)."),
            ),
        ),
    )
