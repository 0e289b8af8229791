"""What all rooms share: arguments, modules by name, images, files, terminal, colours, threads, verdicts, version."""
