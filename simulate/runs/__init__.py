"""One run and many: what is recorded, what is measured at the end, and what is kept of it."""
