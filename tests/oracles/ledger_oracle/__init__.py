"""An oracle of the ledger's effects, written from the formulas of the theory alone: nothing of `simulate` is used.

Vectors are drawn in R^d (where d is a million, their inner products), networks are trained with plain gradients of
their weights, and test errors are counted. `experiments` takes large steps; `inside` has rows of the ledger at their
primary designs, with the steps and radii of the theory's conditions. `python -m tests.oracles.ledger_oracle` measures
all effects and writes `effects.json`.
"""
