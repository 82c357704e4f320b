"""Explanations of written words, character by character.

from tfgenxai import load, words
generate = load("scrabble-gan@2026")["generate"]
mask = words.character_pixels("2026", 1)                  # the pixels of the first 0
words.filter_relevance(generate, {"z": codes})            # (N, 4, 4): from which filter it comes
words.chunk_relevance(generate, {"z": codes})             # (N, 4, 4): from which part of the style
"""

from tfgenxai.words.attending import attention_between
from tfgenxai.words.certainty import CharacterReading, Reading
from tfgenxai.words.characters import by_character, character_pixels, shares
from tfgenxai.words.chunks import chunk_effects, chunk_relevance, chunk_slices
from tfgenxai.words.filters import exchanged, filter_relevance, removed
from tfgenxai.words.reading import column_maps, reading_steps

__all__ = [
    "CharacterReading",
    "Reading",
    "attention_between",
    "by_character",
    "character_pixels",
    "chunk_effects",
    "chunk_relevance",
    "chunk_slices",
    "column_maps",
    "exchanged",
    "filter_relevance",
    "reading_steps",
    "removed",
    "shares",
]
