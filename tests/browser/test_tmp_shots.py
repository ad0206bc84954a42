import pytest
from tests.browser.test_every_page import VISITS, PHONE
@pytest.mark.parametrize("name", ["prompts","request","request-without-texts","requests-compared","preview","finding-judged-by-a-model"])
def test_shot(name, window, axe, ids):
    visit = VISITS[name]
    page = window(visit.person, expects=(200,))
    page.goto(visit.address.format(**ids))
    for scheme in ("light","dark"):
        page.emulate_media(color_scheme=scheme)
        for w in (1400, 390):
            page.set_viewport_size({"width": w, "height": 900})
            page.screenshot(path=f"/tmp/promptlog-shots/{name}-{scheme}-{w}.png", full_page=True)
    page.set_viewport_size({"width": 1400, "height": 900})
    assert axe(page) == []
