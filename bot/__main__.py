"""`python -m bot`: the `cmbot` command line."""

from bot.cli.main import main

raise SystemExit(main())
