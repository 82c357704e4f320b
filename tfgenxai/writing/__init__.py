"""Words written by a model of words.

import tfgenxai
image = tfgenxai.write("2026 11", style_seed=7)   # (32, W, 1) in [0, 1]
"""

from tfgenxai.writing.writer import Writer, write

__all__ = ["Writer", "write"]
