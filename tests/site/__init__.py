"""Tests of the site: what it is made of, the whole of it built, and a walk through it in a browser."""
