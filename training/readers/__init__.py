"""Files to Examples, one reader a format.

A reader is a frozen dataclass of options that is called with a `Document` (an open file, or one
member of an archive) and a `BadLines`, and yields Examples. It raises nothing for a line that it
cannot read: it says the line's number and what is wrong to `BadLines`, and goes on.
"""

from collections.abc import Callable, Iterator

from nlp.tasks.base import Example
from training.readers.files import BadLines, Document

Reader = Callable[[Document, BadLines], Iterator[Example]]
