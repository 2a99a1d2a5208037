"""The sections of docs/phrasebook.md in their order."""

from pathlib import Path

from tests.docgen.phrasebook.alerts import sections as alert_sections
from tests.docgen.phrasebook.answer_forms import section as answer_form_section
from tests.docgen.phrasebook.background import sections as background_sections
from tests.docgen.phrasebook.clusters import sections as cluster_sections
from tests.docgen.phrasebook.notes import sections as note_sections
from tests.docgen.phrasebook.operations import sections as operation_sections
from tests.docgen.phrasebook.problems import section as problem_section
from tests.docgen.phrasebook.render import Section, page
from tests.docgen.phrasebook.reports import sections as report_sections
from tests.docgen.phrasebook.settings import section as settings_section

PAGE = Path(__file__).parents[3] / "docs" / "phrasebook.md"
_HEAD = """\
# Phrasebook

Every message that people read, in every state of every view. `make docs` writes this page; a test fails when a message
differs from it, or when a view is missing. The line in parentheses is the text of the notification, `[…]` are buttons
and menus, and an indented block below a button is its dialog. Times are in UTC.
"""


def sections() -> tuple[Section, ...]:
    """Every view in every state: what the page writes, and `make gallery` draws."""
    answers = (*cluster_sections(), *background_sections(), *alert_sections(), *note_sections())
    operations = (*operation_sections(), answer_form_section())
    return (*answers, *operations, *report_sections(), settings_section(), problem_section())


def book() -> str:
    """Return the page."""
    return page(_HEAD, sections())
