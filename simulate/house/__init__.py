"""What all rooms share: checks of arguments, files and figures on disk, the terminal, colours, threads, version."""
