#!/usr/bin/env python
# GPL-3.0-or-later
"""Record what becomes of objects in a real cluster, for the tables of tests/unit/plugins/module_utils/test_recorded.py.

usage: tests/record.py OUTPUT.json PATH [QUERY]     until interrupted; PATH of a collection, QUERY such as labelSelector=a=b

Writes [[seconds since the start, event, name, RFC 7386 merge patch to the state of that name before], ...].
"""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / ".ansible/collections"))

from ansible_collections.gitops.airflow.plugins.module_utils._kube.client import connect
from ansible_collections.gitops.airflow.plugins.module_utils._kube.watch import Source, stream

# Large, and nothing that a verdict reads.
DROPPED = (("metadata", "managedFields"), ("status", "history"), ("status", "summary"), ("spec", "volumes"))


def trimmed(item: dict[str, Any]) -> dict[str, Any]:
    for outer, inner in DROPPED:
        (item.get(outer) or {}).pop(inner, None)
    for container in [*(item.get("spec", {}).get("containers") or []), *(item.get("spec", {}).get("initContainers") or [])]:
        for key in set(container) - {"name", "image"}:
            container.pop(key)
    return item


def patch(old: Any, new: Any) -> Any:
    """The merge patch that makes new of old."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    changed = {key: patch(old.get(key), value) for key, value in new.items() if key not in old or old[key] != value}
    return {**dict.fromkeys(set(old) - set(new)), **changed}


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    output, path = Path(sys.argv[1]), sys.argv[2]
    query = dict(item.split("=", 1) for item in sys.argv[3:])
    start, known, lines = time.monotonic(), dict[str, Any](), list[str]()
    try:
        for change in stream(connect({}), Source(path, query), time.monotonic, time.sleep):
            for item in map(trimmed, change.objects):
                name = item["metadata"]["name"]
                kind = change.type or "LISTED"
                lines.append(json.dumps([round(time.monotonic() - start, 2), kind, name, patch(known.get(name, {}), item)], sort_keys=True))
                known[name] = item
    except KeyboardInterrupt:
        pass
    output.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{output}: {len(lines)} changes of {len(known)} objects in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
