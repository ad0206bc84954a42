from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("triage", "0006_second_vote")]

    operations = [
        migrations.AddField(
            model_name="verdict",
            name="second_missing_because",
            field=models.CharField(blank=True, max_length=300),
        ),
    ]
