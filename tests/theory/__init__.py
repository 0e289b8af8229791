"""Tests of the theory: symbols, hypotheses, statements and the derivation of the updates."""
