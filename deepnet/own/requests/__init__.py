"""Requests that come one after another: forget A, then B, each judged against a network that never saw any of them."""
