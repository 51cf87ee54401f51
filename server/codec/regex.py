r"""Regular expressions that are safe to run on untrusted text: linear time, bounded memory, the same in both codecs.

Syntax and meaning are a part of RE2's, https://github.com/google/re2/wiki/Syntax:

==============================================  =====================================================================
``.``                                           any character except a newline; with the flag ``s``, any character
``[a-z]`` ``[^a-z]``                            a character in, or not in, a set of characters, ranges and classes
``\d`` ``\s`` ``\w`` ``\D`` ``\S`` ``\W``       ASCII digits, white space, letters with digits and ``_``; the opposites
``[[:alpha:]]`` ``[[:^alpha:]]``                POSIX classes, ASCII
``xy`` ``x|y``                                  ``x``, then ``y``; ``x`` or else ``y``
``x*`` ``x+`` ``x?`` ``x{n}`` ``x{n,}``         repetitions, as many as possible; with a ``?`` behind them, as few as
``x{n,m}``                                      possible
``(?P<name>x)`` ``(?<name>x)``                  named group, whose text a search returns
``(x)`` ``(?:x)``                               group without a name, whose text is not returned
``(?i)`` ``(?s)`` ``(?m)`` ``(?i-s)``           flags, for the rest of the group: ignore case; ``.`` includes newlines;
``(?i:x)``                                      ``^`` and ``$`` match at lines; flags for ``x`` only
``^`` ``$`` ``\A`` ``\z``                       start and end of the text, with the flag ``m`` of a line; of the text
``\b`` ``\B``                                   at an ASCII word boundary, or not
``\.`` ``\n`` ``\t`` ``\x7F`` ``\x{1F600}``     escapes: punctuation, ``a f n r t v``, and characters by their number
==============================================  =====================================================================

Texts are UTF-8; a character class matches one code point. Case-insensitive matching uses the simple case folding of
Python's Unicode version. As in RE2, ``\B`` holds between the bytes of a character that is not ASCII.

Missing, compared with RE2: Unicode classes, octal escapes, ``\C``, ``\Q…\E``, the flag ``U``, and a repetition right
after flags. The ``MAX_`` constants of ``regex_parse.py`` and ``regex_program.py`` limit the size. A search takes at
most one step for each instruction and position, and allocates nothing that grows with the text.
"""

from __future__ import annotations

from server.codec.regex_parse import parse
from server.codec.regex_program import Regex, assemble
from server.codec.regex_reading import RegexError
from server.codec.regex_run import search, search_spans

__all__ = ["Regex", "RegexError", "compile_regex", "search", "search_spans"]


def compile_regex(pattern: str) -> Regex:
    """Compile a regular expression.

    Raises:
        RegexError: the regular expression is wrong, not supported, or too large.
    """
    node, groups = parse(pattern)
    return assemble(pattern, node, groups)
