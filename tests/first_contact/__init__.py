"""One command for the first minutes with a GPU: `python -m tests.first_contact --help`, told in docs/gpu.md."""
