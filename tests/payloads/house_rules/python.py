# ruleid: no-other-http-client
import requests

# ruleid: no-other-http-client
import urllib.request

# ruleid: no-other-http-client
from urllib.request import urlopen

# ok: no-other-http-client
from urllib.parse import urlsplit

# ok: no-other-http-client
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe


def tell(text, logger, command):
    # ruleid: no-print
    print(text)
    # ok: no-print
    logger.info("told %s", text)
    # ok: no-print
    command.stdout.write(text)


def show(text):
    # ruleid: no-trusted-markup
    mark_safe(text)
    # ruleid: no-trusted-markup
    SafeString(f"<b>{text}</b>")
    # ok: no-trusted-markup
    mark_safe("<br>")
    # ok: no-trusted-markup
    return format_html("<b>{}</b>", text)
