"""The confirmation study and its ledger: what the paper concludes of deep networks, and what was found."""
