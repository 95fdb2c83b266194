"""What the client asks of a server whose library is moved to another encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from time import sleep
from typing import NoReturn, TypeVar

from pydantic import BaseModel

from app.api.bodies import ErrorDetail
from app.api.migration_bodies import DroppedBody, MigrationStatusBody
from app.migration_record import Target
from ingest.progress import OnProgress, Progress

# How often it is looked how far it has come.
POLL_S = 0.5

Body = TypeVar("Body", bound=BaseModel)


class MigrationClient(ABC):
    """The routes under `/migrations`, for `PagelensClient`."""

    @abstractmethod
    def _ask(
        self,
        method: str,
        path: str,
        body: type[Body],
        *,
        params: dict[str, int | str] | None = None,
        json: dict[str, object] | None = None,
    ) -> Body:
        """The answer to a request; see `PagelensClient`."""

    @abstractmethod
    def _raise(self, detail: ErrorDetail) -> NoReturn:
        """Raises what a server has named; see `PagelensClient`."""

    def build_migration(self, target: Target, on_progress: OnProgress) -> list[str]:
        """Has a second index built with another encoder, and both compared; waits for it.

        Args:
            target: what the library shall be moved to; nothing to go on with what was begun.
            on_progress: called as pages are encoded and questions asked.

        Returns:
            Pages that could not be looked at, with the reason.

        Raises:
            MigrationNotPossible: there is another second index, or nothing to go on with.
        """
        content: dict[str, object] = {
            "to": target.model,
            "pool_factor": target.pool_factor,
            "vector_storage": target.storage.value if target.storage else None,
            "text_models": None if target.text_models is None else list(target.text_models),
            "only_build": True,
        }
        return self._migrate("", content, on_progress)

    def switch_migration(self, on_progress: OnProgress, *, force: bool = False) -> list[str]:
        """Has the new index searched instead of the old one; waits for it.

        Raises:
            EncoderWorse: the new encoder finds the right pages clearly worse, and no `force`.
            MigrationNotPossible: there is no new index, or it was not compared yet.
        """
        return self._migrate("/switch", {"force": force}, on_progress)

    def roll_back(self, on_progress: OnProgress) -> list[str]:
        """Has the old index searched again; waits for it.

        Raises:
            MigrationNotPossible: the library was not moved, or the old index is removed.
        """
        return self._migrate("/roll-back", None, on_progress)

    def drop_old(self) -> int:
        """Removes the index that is not searched; how many bytes of the disk it took."""
        return self._ask("POST", "/migrations/drop-old", DroppedBody).bytes

    def read_migration(self) -> MigrationStatusBody:
        """The library's move to another encoder, as it stands."""
        return self._ask("GET", "/migrations", MigrationStatusBody)

    def _migrate(
        self, path: str, content: dict[str, object] | None, on_progress: OnProgress
    ) -> list[str]:
        found = self._ask("POST", f"/migrations{path}", MigrationStatusBody, json=content)
        while found.is_at_work:
            if stage := found.progress:
                on_progress(Progress(stage.stage, stage.done, stage.total, ""))
            sleep(POLL_S)
            found = self.read_migration()
        if found.error is not None:
            self._raise(ErrorDetail(type=found.error.type, message=found.error.message, remedy=""))
        return found.left_out
