"""`python -m pajamo` is `pajamo`."""

from pajamo.cli import main

main()
