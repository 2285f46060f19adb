"""What may leave a reader's machine: whitelisted tables, protected, with the checker's log.

What the rules guard against:

- a number that rests on fewer than three counties, or that one county dominates (p % rule);
- counts of 1 to 9, pay that rests on fewer than five posts;
- the same numbers worked out from margins, nested margins, linked tables, sums of variables
  (budget less spending is the surplus), shares, means, or averages of estimates: the lightest
  set of further cells is hidden that leaves every such number uncertain to a linear programme
  which knows everything published;
- a county that is alone in a cell and uses what it knows of itself.

What they do not guard against:

- differences between this release and another one of nearly the same data, such as other limits,
  one county less or one year more: let one release leave, or have them checked together;
- guesses from the neighbouring years of a series in which one year is hidden;
- what is known from elsewhere, such as a yearbook that prints one county's figure;
- two or more contributors who pool what they know;
- estimates as such: few counties behind them are refused, but no noise is added.

A person decides. The log has room for that.
"""

from __future__ import annotations

from ._contents import releasable, release_contents
from ._items import TITLES, Contents, Item, Withheld
from ._write import write_release

__all__ = [
    "TITLES",
    "Contents",
    "Item",
    "Withheld",
    "releasable",
    "release_contents",
    "write_release",
]
