"""Whether an invitation's mail has left, and why not."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orgs", "0007_fence_of_retention_limit"),
    ]

    operations = [
        migrations.AddField(
            model_name="invitation",
            name="delivery_error",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="invitation",
            name="sent_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
