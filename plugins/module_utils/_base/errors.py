# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors for a person, and what a request to a server may end in."""

from __future__ import annotations

PASSING = (429, 500, 502, 503, 504)


class CollectionError(Exception):
    """What cannot be done and why (``message``), what to do (``next_action``), and a name for programs (``code``)."""

    def __init__(self, message: str, next_action: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_action = next_action
        self.code = code

    def result(self) -> dict[str, str]:
        """The fields of a module's result. Fields without a value are left out."""
        fields = {"msg": self.message, "next_action": self.next_action, "code": self.code}
        return {name: value for name, value in fields.items() if value}


class RequestError(CollectionError):
    """A refusal or no answer. ``status`` is the HTTP status, 0 if no answer came, -1 if none ever will."""

    def __init__(self, status: int, message: str, next_action: str = "", code: str = "") -> None:
        super().__init__(message, next_action, code)
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed in a moment: the server starts, restarts or is busy."""
        return self.status == 0 or self.status in PASSING


class ApiError(RequestError):
    """The Kubernetes API server's. ``fields`` are those of a sent object that it finds at fault."""

    fields: tuple[str, ...] = ()


class LibraryMissing(ApiError):
    """What the requests need is not installed."""


class AirflowError(RequestError):
    """The Airflow webserver's."""
