"""One field of a form, with its label, help and errors tied together for screen readers."""

from __future__ import annotations

from typing import Any

from django import forms, template

register = template.Library()


@register.inclusion_tag("_field.html")
def form_field(field: forms.BoundField, **attributes: Any) -> dict[str, Any]:
    """Draw a field; attributes of the element are given by name, with `_` for `-`."""
    widget = field.field.widget
    is_check = isinstance(widget, forms.CheckboxInput)
    described_by = [f"{field.auto_id}-help"] if field.help_text else []
    described_by += [f"{field.auto_id}-error"] if field.errors else []
    given = {name.replace("_", "-"): value for name, value in attributes.items() if name not in {"label", "help"}}
    kind = "form-check-input" if is_check else "form-select" if isinstance(widget, forms.Select) else "form-control"
    # A placeholder that repeats the label is read twice.
    element: dict[str, Any] = {"class": kind, "placeholder": False, **given}
    if described_by:
        element["aria-describedby"] = " ".join(described_by)
    if field.errors:
        element["aria-invalid"] = "true"
    return {
        "field": field,
        "is_check": is_check,
        "is_hidden": field.is_hidden,
        "element": field.as_widget(attrs=element),
        "label": attributes.get("label") or field.label,
        "help": attributes.get("help") or field.help_text,
    }
