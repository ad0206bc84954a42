from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("providers", "0007_texts_removed")]

    operations = [
        migrations.AlterField(
            model_name="stepmodel",
            name="step",
            field=models.CharField(
                choices=[
                    ("triage/component", "Component tags"),
                    ("triage/verdict", "Auto-triage"),
                    ("triage/second_vote", "Second look"),
                    ("remediation/guidance", "Guidance"),
                    ("remediation/autofix", "Autofix"),
                ],
                max_length=40,
            ),
        ),
    ]
