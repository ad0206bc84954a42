"""Tokens may have a last day, and tell who made them after that account is gone."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("orgs", "0009_prove_addresses_made_before"),
    ]

    operations = [
        migrations.AddField("apitoken", "created_by_name", models.CharField(blank=True, default="", max_length=200), preserve_default=False),
        migrations.AddField("apitoken", "expires_at", models.DateTimeField(blank=True, null=True)),
    ]
