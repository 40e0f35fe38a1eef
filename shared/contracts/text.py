r"""Free text from callers: it must not look like another text, or like a log line.

Control characters break lines and files. Bidirectional characters change the displayed order of a text.
Zero-width characters make different texts look alike. All of them are refused. The joiners U+200C and U+200D are
accepted where correct spelling requires them and they change the letters beside them: between two Arabic letters,
as in the Persian word for a letter of consent, and after a virama, as in Hindi and related scripts. Anywhere else they
are refused. RFC 5892, appendix A, draws nearly the same line for domain names.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

_ARABIC = r"\u0620-\u064a\u066e-\u066f\u0671-\u06d3\u06fa-\u06ff\u0750-\u077f\u08a0-\u08c9"  # letters
# Of the Basic Multilingual Plane: the marks of Unicode's combining class 9.
_VIRAMAS = (
    r"\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u0e3a\u0eba\u0f84\u1039\u103a\u1714\u1715"
    r"\u1734\u17d2\u1a60\u1b44\u1baa\u1bab\u1bf2\u1bf3\u2d7f\ua806\ua82c\ua8c4\ua953\ua9c0\uaaf6\uabed"
)
_JOINERS = r"\u200c\u200d"
_HIDDEN = (
    r"\x00-\x1f\x7f-\x9f"  # controls
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional
    r"\u00ad\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # without width
    r"\u2028\u2029"  # separators of lines and paragraphs
)
# Each character matches one branch only, so matching takes linear time.
_CHARACTERS = rf"(?:[{_ARABIC}](?:[{_JOINERS}][{_ARABIC}])*|[{_VIRAMAS}][{_JOINERS}]?|[^{_HIDDEN}{_ARABIC}{_VIRAMAS}])*"
_readable = re.compile(_CHARACTERS)
_FORMAT = "Cf"  # Unicode's category of invisible formatting characters
_BEYOND_THE_PATTERN = "\U00010000"


@dataclass(frozen=True, kw_only=True)
class Plain:
    """Validates a string. Put it into `Annotated` after the string's bounds."""

    unpadded: bool = False  # whether to refuse a leading space as well

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^{'(?! )' if self.unpadded else ''}{_CHARACTERS}$"}

    def _checked(self, value: str) -> str:
        if self.unpadded and value.startswith(" "):
            raise ValueError("begins with a space: remove it")
        wrong = _first_hidden(value)
        if wrong is not None:
            raise ValueError(
                f"contains a control, bidirectional or zero-width character at position {wrong + 1}: remove it"
            )
        return value


def _first_hidden(value: str) -> int | None:
    prefix = _readable.match(value)
    end = prefix.end() if prefix else 0
    for index, character in enumerate(value[:end]):
        if character >= _BEYOND_THE_PATTERN and unicodedata.category(character) == _FORMAT:
            return index
    return end if end < len(value) else None
