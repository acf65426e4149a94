"""`python -m vitlab`: the command `vitlab`."""

from vitlab.cli import main

main()
