"""Write docs/phrasebook.md: `python -m tests.docgen.phrasebook`."""

from tests.docgen.phrasebook.book import PAGE, book

if __name__ == "__main__":
    PAGE.write_text(book(), encoding="utf-8")
