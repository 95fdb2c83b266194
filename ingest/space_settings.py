"""What the database of a library holds of one of its spaces; see `ingest.spaces`."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.documents import FIRST_SPACE, Documents, name_setting


@dataclass(frozen=True, slots=True)
class SpaceSettings:
    """What the database holds of one space: the settings `OF_SPACE`.

    Attributes:
        documents: hold them.
        name: the space's, and that of the folder of its index.
    """

    documents: Documents
    name: str

    @property
    def suffix(self) -> str:
        """What tells all that is the space's from that of the first, which has none."""
        return self.name.removeprefix(FIRST_SPACE)

    def read(self, setting: str) -> str | None:
        """The value of a setting; None if it was never written."""
        return self.documents.read_setting(name_setting(setting, self.name))

    def write(self, setting: str, value: str) -> None:
        """Writes a setting."""
        self.documents.write_setting(name_setting(setting, self.name), value)
