"""Faults put into central lines on purpose: the tests named beside each of them have to fail."""
