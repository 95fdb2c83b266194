"""`/migrations`: moves the library to another encoder while it is searched, and back."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter

from app.api.migration_bodies import DroppedBody, MigrateBody, MigrationStatusBody, SwitchBody
from app.api.requests import LibraryDependency
from app.migration_output import status_body

router = APIRouter(prefix="/migrations", tags=["library"])


@router.get("")
def show_migration(library: LibraryDependency) -> MigrationStatusBody:
    """The library's move to another encoder, as it stands."""
    return status_body(library.migration())


@router.post("", status_code=HTTPStatus.ACCEPTED)
def begin_migration(body: MigrateBody, library: LibraryDependency) -> MigrationStatusBody:
    """Builds a second index with another encoder, compares both, and switches to it.

    It goes on by itself; searches are answered all the while. Where the new encoder is clearly
    worse, it stops before the switch and says so as its `error`.
    """
    library.begin_migration(body.target, only_build=body.only_build, force=body.force)
    return status_body(library.migration())


@router.post("/switch", status_code=HTTPStatus.ACCEPTED)
def begin_switch(body: SwitchBody, library: LibraryDependency) -> MigrationStatusBody:
    """Has an index searched that is built and compared."""
    library.begin_switch(force=body.force)
    return status_body(library.migration())


@router.post("/roll-back", status_code=HTTPStatus.ACCEPTED)
def begin_roll_back(library: LibraryDependency) -> MigrationStatusBody:
    """Has the old index searched again, with what has changed since."""
    library.begin_roll_back()
    return status_body(library.migration())


@router.post("/drop-old")
def drop_old(library: LibraryDependency) -> DroppedBody:
    """Removes the index that is not searched, whole or half built, for good."""
    return DroppedBody(bytes=library.drop_old())
