"""The figures of the paper, one file each; a file in this folder is found without being listed anywhere."""
