"""`python -m tests.oracles.ledger_oracle`: measure all effects and write `effects.json`, some ten CPU minutes."""

import argparse
from pathlib import Path

from tests.oracles.ledger_oracle.tracked import EFFECTS, EVERY, measure, read, table, write


def main() -> None:
    """Measure experiments, each with its own seed, print the effects and write them."""
    parser = argparse.ArgumentParser(description="Measure the ledger's effects from the formulas alone.")
    parser.add_argument("--only", nargs="+", choices=EVERY, default=list(EVERY), help="some of them")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first experiment; the others follow")
    parser.add_argument("--replicates", type=int, help="replicates of every experiment, in place of its own")
    parser.add_argument("--out", type=Path, default=EFFECTS, help="file to write; effects of other experiments stay")
    asked = parser.parse_args()
    for number, name in enumerate(EVERY):
        if name not in asked.only:
            continue
        found = measure(name, asked.seed + number, asked.replicates)
        print(table(found), flush=True)
        write((read(asked.out) if asked.out.exists() else {}) | found, asked.out)


if __name__ == "__main__":
    main()
