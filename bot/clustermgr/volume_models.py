"""Wire models of volumes and of their units, for every release."""

from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from bot.clustermgr.wire import Count, NullIsEmpty, Number, OpenModel, Row, WireModel

MAX_UNITS = 20_000
"""Limit of chunks on one disk; a blobnode makes 16,384."""
MAX_VOLUME_UNITS = 64
"""Limit of units of one volume; the widest known code mode has 38."""
MAX_VOLUMES_IN_ANSWER = 500
"""Limit of volumes in one page that is asked for."""


class VolumeUnit(TypedDict):
    """One chunk of a volume."""

    vuid: int


class VolumeUnits(WireModel):
    """GET /volume/unit/list: the chunks that volumes have on one disk.

    A missing or null list is a wrong answer: people pull a disk because its list is empty, and servers send `[]`
    (recorded exchanges).
    """

    volume_unit_infos: Annotated[
        tuple[Annotated[VolumeUnit, Row({"vuid": Annotated[Count, Field(gt=0)]}, required=True)], ...],
        Field(max_length=MAX_UNITS, fail_fast=True),
    ]


class PlacedUnit(TypedDict):
    """One unit of a volume and the disk it lies on; a vuid is `vid << 32 | index << 24 | epoch`."""

    vuid: int
    disk_id: int


class Volume(OpenModel):
    """GET /volume/get: one volume with its units.

    `health_score` is minus the number of units that cannot be written (broken, read-only, no heartbeat, compacting).
    """

    unused: ClassVar[frozenset[str]] = frozenset({"create_by_node_id", "epoch", "total", "free", "used"})
    vid: Count
    code_mode: Count = 0
    status: Count = 0
    health_score: Number = 0
    units: Annotated[
        tuple[Annotated[PlacedUnit, Row({"vuid": Count, "disk_id": Count})], ...],
        Field(max_length=MAX_VOLUME_UNITS, fail_fast=True),
        NullIsEmpty(tuple),
    ] = ()


class VolumePage(WireModel):
    """One page of GET /volume/list; `marker` is the last vid of the page. After the last volume the body is empty."""

    volumes: Annotated[
        tuple[Volume, ...], Field(max_length=MAX_VOLUMES_IN_ANSWER, fail_fast=True), NullIsEmpty(tuple)
    ] = ()
    marker: Count = 0
