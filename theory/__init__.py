"""Room for the paper's statements as sympy objects, their tests and the ledger; still empty."""
