"""What a program of Google Benchmark says in JSON, for bench/run."""

import json
import statistics


def medians(text, field):
    """name -> the median of this field over the repetitions."""
    values = {}
    for entry in json.loads(text)["benchmarks"]:
        if entry["run_type"] == "iteration":
            values.setdefault(entry["run_name"], []).append(entry[field])
    return {name: statistics.median(found) for name, found in values.items()}
