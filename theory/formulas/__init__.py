"""The theory as symbols: statements, hypotheses, and the updates of κ and ζ derived from the loss."""
