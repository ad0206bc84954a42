from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("findings", "0011_bulk_triage")]

    operations = [
        migrations.AddField(
            model_name="scan",
            name="late_count",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name="presence",
            index=models.Index(
                condition=models.Q(("held_back", True)),
                fields=["organization", "finding"],
                name="presence_held_back",
            ),
        ),
    ]
