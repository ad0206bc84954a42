"""What comments need of Markdown; it lives in lib, as fix pull requests need it too."""

from __future__ import annotations

from lib.markdown import address, block, code, cut, fence_for, line, link, paragraphs

__all__ = ["address", "block", "code", "cut", "fence_for", "line", "link", "paragraphs"]
