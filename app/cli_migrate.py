"""`pagelens migrate`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli_options import JsonOption, LibraryOption, make_settings, print_json
from app.errors import printable
from retrieval.errors import InvalidRequest, MigrationNotPossible

if TYPE_CHECKING:
    from app.api.migration_bodies import MigrationBody
    from app.client import PagelensClient
    from app.library import Library

# In place of a text model: the library shall have none.
NO_CHANNEL = "none"


def migrate(
    to: Annotated[
        str | None,
        typer.Option("--to", help="The new encoder of pages: as --model of `pagelens ingest`."),
    ] = None,
    pool_factor: Annotated[
        int | None,
        typer.Option(
            "--pool-factor", min=1, help="Token pooling: one vector for so many; 1 for none."
        ),
    ] = None,
    vector_storage: Annotated[
        Literal["float16", "turbo8", "turbo4"] | None,
        typer.Option("--vector-storage", help="How page vectors are stored."),
    ] = None,
    text_models: Annotated[
        list[str] | None,
        typer.Option(
            "--text-model",
            help="An encoder of the text of pages, in place of those of the library; may be given "
            "repeatedly. none for no channel.",
        ),
    ] = None,
    only_build: Annotated[
        bool, typer.Option("--only-build", help="Build and compare, and do not switch yet.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask before the switch; a script is never asked.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Switch also where the new encoder is clearly worse.")
    ] = False,
    roll_back: Annotated[
        bool, typer.Option("--roll-back", help="Search the old index again.")
    ] = False,
    drop_old: Annotated[
        bool,
        typer.Option("--drop-old", help="Remove the index that is not searched, for good."),
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move the library to other encoders, while it is searched; also while it is served.

    A second index is built beside the first. Both are compared by nDCG@10; the library is switched
    to the new one unless that is clearly worse: the 95 % interval of the difference lies below 0.
    What was cut off goes on with the same command, or with none of its options. The old index is
    kept until `--drop-old`.
    """
    from app.migration_record import Target
    from retrieval.index.base import VectorStorage

    storage = VectorStorage(vector_storage) if vector_storage else None
    texts = tuple(text_models) if text_models else None
    target = Target(to, pool_factor, storage, () if texts == (NO_CHANNEL,) else texts)
    if sum((target != Target() or only_build or force, roll_back, drop_old)) > 1:
        raise InvalidRequest("--roll-back and --drop-old stand alone")
    from app.client import PagelensClient
    from app.handing_over import open_or_connect
    from app.migration_output import describe_comparison, describe_migration
    from app.progress import show_progress
    from app.spending import describe_prices, describe_spent
    from app.wording import format_bytes

    with open_or_connect(make_settings(library)) as opened:
        if drop_old:
            n_bytes = opened.drop_old()
            if as_json:
                print_json({"bytes": n_bytes})
            else:
                typer.echo(f"Removed the index that was not searched ({format_bytes(n_bytes)}).")
            return
        for line in describe_prices(target.text_models or ()):
            typer.echo(printable(line), err=True)
        with show_progress() as on_progress:
            if roll_back:
                left_out = opened.roll_back(on_progress)
            else:
                left_out = opened.build_migration(target, on_progress)
        built = _read(opened)
        if built.comparison is not None and not (as_json or roll_back):
            for line in describe_comparison(built.comparison):
                typer.echo(printable(line))
        # A script is never asked.
        is_asked = not (yes or as_json) and sys.stdin.isatty()
        if not (roll_back or only_build) and (not is_asked or typer.confirm("Switch?", True)):
            with show_progress() as on_progress:
                left_out += opened.switch_migration(on_progress, force=force)
        if not isinstance(opened, PagelensClient):
            # Nobody searches meanwhile.
            opened.optimize()
            for line in describe_spent(opened):
                typer.echo(printable(line), err=True)
        done = _read(opened)
    for page in left_out:
        typer.echo(printable(f"not looked at: {page}"), err=True)
    if as_json:
        print_json(done.model_dump(mode="json"))
    else:
        typer.echo(printable(describe_migration(done)))


def _read(opened: Library | PagelensClient) -> MigrationBody:
    """How far the migration has come, whoever holds the library."""
    from app.client import PagelensClient
    from app.migration_output import status_body

    if isinstance(opened, PagelensClient):
        migration = opened.read_migration().migration
    else:
        migration = status_body(opened.migration()).migration
    if migration is None:
        raise MigrationNotPossible("the other index was removed meanwhile")
    return migration
