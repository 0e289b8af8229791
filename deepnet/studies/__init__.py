"""Many models, trained, unlearned, measured, kept on disk and compared."""
