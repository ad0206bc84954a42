"""Extensions that are created once and bound to the application later."""

from flask_wtf.csrf import CSRFProtect

csrf = CSRFProtect()
