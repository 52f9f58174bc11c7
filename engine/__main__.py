"""`python -m engine` is `engine`."""

from engine.cli.start import main

main()
