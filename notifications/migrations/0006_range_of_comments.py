from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0005_fences_of_slack_and_webhooks")]

    operations = [
        migrations.AddField("comment", "start_line", models.PositiveIntegerField(blank=True, null=True)),
    ]
