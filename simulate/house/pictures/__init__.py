"""Images in folders: which files are images, of which class, and what is read of each kind."""
