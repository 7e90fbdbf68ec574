"""What is particular to English: words, names, and groups of words."""

from .mistyped import is_mistyped as is_mistyped
from .names import begins_name as begins_name
from .names import proper_spelling as proper_spelling
from .names import spelling_in_name as spelling_in_name
from .word_groups import confused_with as confused_with
from .word_groups import contrasts_with as contrasts_with
from .word_groups import function_words as function_words
from .word_groups import is_content_word as is_content_word
from .word_groups import is_function_word as is_function_word
from .word_groups import is_profane as is_profane
from .word_list import is_english as is_english
from .word_list import is_listed as is_listed
from .word_list import is_word as is_word
from .word_list import listed_words as listed_words
