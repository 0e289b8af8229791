"""One training loop: descent, sharpness, masks, and a journal from which it goes on."""
