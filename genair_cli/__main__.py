"""`python -m genair_cli` is `genair`."""

from genair_cli.main import run

if __name__ == "__main__":
    run()
