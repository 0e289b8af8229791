"""What all rooms share: arguments, modules by name, images, files, the terminal, colours, threads, verdicts, version."""
