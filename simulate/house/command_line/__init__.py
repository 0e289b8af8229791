"""Front doors: options are fields of dataclasses; one help page, one style of errors, one way to leave."""
