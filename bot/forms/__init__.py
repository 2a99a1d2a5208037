"""Changes by forms: opened, redrawn, judged when sent, answered; what they ask for stands in bot.commands.forms."""
