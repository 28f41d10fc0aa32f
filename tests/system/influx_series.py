"""What InfluxDB has of the counters, against /metrics and against the books at the end.

usage: influx_series.py URL DATABASE METRICS OFFERED
METRICS  a file with the answer of /metrics, from while the program ran
OFFERED  packets offered, as the books say at the end
exit     1 where a series is missing or one too many, a counter went back, or the packets offered
         are others; with what differs
"""
import json
import re
import sys
import urllib.parse
import urllib.request

# Of the server that answered, which a push knows nothing of.
OF_THE_SERVER = ("tapmeter_http_requests_total",)
SERIES = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)",?')


def scraped(path):
    series, kinds = {}, {}
    for line in open(path):
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            kinds[name] = kind
        elif not line.startswith("#") and (found := SERIES.match(line)):
            name, labels, value = found.groups()
            tags = dict(LABEL.findall(labels or ""))
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            field = "value"
            if kinds.get(base) == "histogram":
                field = tags.pop("le") if name.endswith("_bucket") else name[len(base) + 1:]
                name = base
            series[name, field, tuple(sorted(tags.items()))] = float(value)
    return {key: value for key, value in series.items() if key[0] not in OF_THE_SERVER}, kinds


def stored(url, database):
    query = urllib.parse.urlencode(
        {"db": database, "q": "SELECT * FROM /.*/ GROUP BY * ORDER BY time DESC LIMIT 1"})
    answer = json.load(urllib.request.urlopen(f"{url}/query?{query}"))
    series = {}
    for one in answer["results"][0].get("series", []):
        tags = {key: value for key, value in one["tags"].items() if value}
        assert tags.pop("instance") == "probe-1", tags
        for field, value in zip(one["columns"][1:], one["values"][0][1:]):
            if value is not None:
                series[one["name"], field, tuple(sorted(tags.items()))] = float(value)
    return series


def main():
    url, database, metrics, offered = sys.argv[1:]
    wanted, kinds = scraped(metrics)
    found = stored(url, database)
    faults = [f"only in /metrics: {key}" for key in wanted.keys() - found.keys()]
    # An application has series from its first flow record on, which may come after the scrape.
    faults += [f"only in InfluxDB: {key}" for key in found.keys() - wanted.keys()
               if not key[0].startswith("tapmeter_app_")]
    faults += [f"went back: {key}: {wanted[key]} to {found[key]}"
               for key in wanted.keys() & found.keys()
               if kinds.get(key[0]) in ("counter", "histogram") and found[key] < wanted[key]]
    total = sum(value for key, value in found.items() if key[0] == "tapmeter_packets_offered_total")
    if total != float(offered):
        faults.append(f"packets offered: {total:.0f}, the books say {offered}")
    print("\n".join(faults[:20]) or f"{len(found)} values, as in /metrics")
    sys.exit(1 if faults or len(found) < 100 else 0)


main()
