"""Tests of the room `theory.ledger`."""
