"""The command line: opens files, shows progress, decides exit codes. No logic of the method lives here."""
