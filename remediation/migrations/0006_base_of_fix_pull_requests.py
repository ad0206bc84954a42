"""The commit that a fix pull request stands on, so that a worker who takes it over goes on from the same place."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("remediation", "0005_fences_of_fix_pull_requests"),
    ]

    operations = [
        migrations.AddField(
            model_name="fixpullrequest",
            name="base_sha",
            field=models.CharField(blank=True, default="", max_length=64),
            preserve_default=False,
        ),
    ]
