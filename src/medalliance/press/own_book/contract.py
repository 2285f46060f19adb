"""The notebook of the chapter on a reader's own contract."""

from __future__ import annotations

from typing import Any

NAME = "your-contract"

_CELLS = (
    """# Your contract

Your rule file says who keeps a surplus and who bears a deficit.
Here it is put to work three times: on your counties, on an example county, and in a model.""",
    (
        "import medalliance as ma",
        "from medalliance.chapters import own_contract",
        "",
        "found = own_contract.run(ma.load_panel())",
    ),
    """## In one minute""",
    ("own_contract.settled_sentence(found)",),
    """## Your counties, settled

Every county and year under contract is settled by the same terms.
What one year leaves does not change the next year's budget here: budgets are those of your table.
A panel has no members, so nothing is divided inside hospitals, townships and villages.
A reserve from earlier years is not known, and counts as zero.""",
    ("own_contract.years_figure(found)",),
    ("own_contract.years_table(found)",),
    ("own_contract.parties_table(found)",),
    ("own_contract.counties_table(found)",),
    """## The terms

A grey term is an assumption.
As soon as the settlement reads one, its tables are marked as illustrative.""",
    ("own_contract.terms_table(found)",),
    """## An example county

The book's example county has round numbers that can be checked by hand.
Terms that your file leaves open are filled from the scenario that it names.""",
    ("own_contract.example_figure(found)",),
    ("own_contract.example_sentence(found)",),
    """## In the rule laboratory

The model's counties are invented, and every effect in them is known.
Members choose effort under the contract, and patients choose where to go.
The order of contracts rests on less than the size of each effect.""",
    ("own_contract.laboratory_table(found)",),
    """## What could be wrong

- A settlement on paper is not the payment. Negotiation after the year's end is in no rule file.
- Budgets and spending are taken as your table has them. A budget that was changed late is not seen.
- The model takes its costs of effort by assumption.""",
)


def contract_notebook() -> Any:
    """Return the chapter's notebook, not yet executed."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    made = new_notebook()
    made.cells = [
        new_markdown_cell(cell) if isinstance(cell, str) else new_code_cell("\n".join(cell))
        for cell in _CELLS
    ]
    return made
