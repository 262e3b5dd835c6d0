"""The fault matrix. `make faults`, or `python -m tests.faults --only "polygon stream close"`."""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict

from tests.faults.cases import cases, chosen
from tests.faults.measuring import measure


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("-j", type=int, default=2)
    parser.add_argument("-v", action="store_true")
    o = parser.parse_args()
    todo = chosen(o.only, cases())
    with ProcessPoolExecutor(o.j) as pool:
        for r in pool.map(measure, todo):
            d = r.difference
            print(
                f"{r.feed:16} {r.name:40} n={r.noticed_s and round(r.noticed_s, 1)} [{r.sign}] w={r.whole_s and round(r.whole_s)} m={r.mended_s and round(r.mended_s)} b={r.blocked_s:g} {'>'.join(r.sources)} {d.missing}/{d.wrong}/{d.again} {r.a_minute} {r.at_once} {r.took_s:.1f}s {'; '.join(r.problems)}",
                flush=True,
            )
            if o.v:
                print("   ", "\n    ".join(r.said))


main()
