from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0003_answers_to_replies")]

    operations = [
        migrations.AddField("comment", "start_line", models.PositiveIntegerField(blank=True, null=True)),
    ]
