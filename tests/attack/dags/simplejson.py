"""A library that is not installed, which others import where it is: the web server runs this if the DAG folder is on its path."""

from __future__ import annotations

import os
import sys

with open(f"/tmp/attack-{__name__}-{os.getpid()}", "w") as seen:
    seen.write(" ".join(sys.argv[:2]))
raise ImportError("not the library that this is named after")
