"""What every other package may use: the error tree, text, durations, addresses, files. Imports nothing of bot."""
