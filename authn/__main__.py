"""`python -m authn`."""

from authn.cli import main

if __name__ == "__main__":
    main()
