from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_fences_of_comments")]

    operations = [
        migrations.AddField("comment", "start_line", models.PositiveIntegerField(blank=True, null=True)),
    ]
