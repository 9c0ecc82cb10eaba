"""What can be wrong with a text or a model folder.

NlpError
├── TextError    a text that cannot be answered: `code` is one of the constants below
└── ModelError   a folder that is no model this program can load
    └── GoldenError   its golden answers are missing, or it does not give them

Messages are public: they never hold the text itself.
"""

from typing import Final

INVALID_UNICODE: Final = "invalid_unicode"
EMPTY_TEXT: Final = "empty_text"
BAD_ASPECT: Final = "bad_aspect"


class NlpError(ValueError):
    """Base of this package's errors."""


class TextError(NlpError):
    """A text that cannot be answered. `code` is stable, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ModelError(NlpError):
    """A folder that is no model this program can load, or that does not answer as promised."""


class GoldenError(ModelError):
    """A model that does not prove itself by its golden answers."""
