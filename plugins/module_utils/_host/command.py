# Copyright: (c) 2026, The gitops.airflow team
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs commands of this machine, and says why one cannot be run."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from ansible_collections.gitops.airflow.plugins.module_utils._base.errors import CollectionError

Done = tuple[int, str, str]
"""Exit code, standard output, standard error."""


class CommandError(CollectionError):
    """A command that cannot be run."""

    default_code = "command_failed"


class CommandMissing(CommandError):
    """A command that is not installed."""

    default_code = "command_missing"


class CommandTimeout(CommandError):
    """A command that has not ended in time."""

    default_code = "timeout"


def run(
    args: Sequence[str],
    *,
    stdin: str = "",
    timeout: float | None = None,
    keep: Sequence[int] = (),
    env: Mapping[str, str] | None = None,
    output: BinaryIO | None = None,
) -> Done:
    """Runs one command to its end. ``timeout``: seconds; ``keep``: file descriptors that it inherits; ``env``: its environment, else ours.

    ``output``: a file for the standard output, which may be binary. Then the returned one is empty.

    :raises CommandError: when it cannot be run or is too slow.
    """
    try:
        done = subprocess.run(
            list(args),
            input=stdin,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=timeout,
            pass_fds=keep,
            env=env,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandMissing(f"the command {args[0]} was not found", "Install it, or give its path.") from error
    except subprocess.TimeoutExpired as error:
        raise CommandTimeout(f"no answer within {timeout:g} s", f"Find out why {args[0]} does not answer.") from error
    except OSError as error:
        raise CommandError(f"the command {args[0]} cannot be run: {error.strerror}", "Allow this user to run it.") from error
    return done.returncode, done.stdout or "", done.stderr
