"""Run the default study from a checkout: the same as ``bayescompare run --out out/``.

Further arguments go to ``bayescompare run``: ``python scripts/compare.py --replicates 10``.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from bayescompare.cli import main

    sys.exit(main(["run", "--out", "out/", *sys.argv[1:]]))
