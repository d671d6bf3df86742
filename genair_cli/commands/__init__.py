"""One file a command, each only parsing, opening, calling the library and saying what was done."""
