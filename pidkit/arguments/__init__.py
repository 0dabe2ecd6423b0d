"""The one home of checks of plain arguments: whole numbers, real numbers, choices, flags, and what seeds randomness.

One verdict at every door of the library:

- A whole number is an int of Python or numpy. A bool is none, and neither is a float, not even 2.0: counts that come
  out of a division are rounded by the caller, who knows which way.
- A real number is an int or float of Python or numpy, never NaN, and finite unless the door says otherwise.
- A choice is one of the strings that the message lists; a flag is True or False.
- A size of memory is a number of bytes, or text with a unit: "1 GiB", "500 MB".
- `rng` is a whole number from 0 to 2**32 - 1, which numpy, torch and scikit-learn all take, or a Generator of numpy.

What the checks return is plain Python (int, float, str, bool), so that it can be kept, compared and saved as JSON.
"""

from pidkit.arguments.choices import flag as flag
from pidkit.arguments.choices import one_of as one_of
from pidkit.arguments.frozen import keep_checked as keep_checked
from pidkit.arguments.numbers import check_count as check_count
from pidkit.arguments.numbers import real_number as real_number
from pidkit.arguments.numbers import whole_number as whole_number
from pidkit.arguments.randomness import Rng as Rng
from pidkit.arguments.randomness import check_seed as check_seed
from pidkit.arguments.randomness import generator as generator
from pidkit.arguments.randomness import integer_seed as integer_seed
from pidkit.arguments.randomness import seed_name as seed_name
from pidkit.arguments.several import check_shape as check_shape
from pidkit.arguments.several import items_of as items_of
from pidkit.arguments.several import mapping_of as mapping_of
from pidkit.arguments.sizes import Memory as Memory
from pidkit.arguments.sizes import byte_count as byte_count
from pidkit.arguments.sizes import shown_bytes as shown_bytes

__all__ = [
    "Memory",
    "Rng",
    "byte_count",
    "check_count",
    "check_seed",
    "check_shape",
    "flag",
    "generator",
    "integer_seed",
    "items_of",
    "keep_checked",
    "mapping_of",
    "one_of",
    "real_number",
    "seed_name",
    "shown_bytes",
    "whole_number",
]
