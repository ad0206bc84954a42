"""Which text an Admin accepts before code may be sent to an AI provider outside of this server.

The text is templates/settings/_consent_text.html. Rewording it raises CONSENT_TEXT_VERSION. Where the change matters
(more is sent, to more receivers, or kept for longer), OLDEST_SUFFICIENT_TEXT is raised to it as well: who accepted an
older one is asked again, and Built-in answers until then.
"""

from __future__ import annotations

CONSENT_TEXT_VERSION = 2
# Text 1 named one provider; text 2 covers every provider that the organization's Admins choose, so all are asked again.
OLDEST_SUFFICIENT_TEXT = 2
