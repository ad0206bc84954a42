from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("notifications", "0006_range_of_comments"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="last_action",
            field=models.CharField(blank=True, max_length=30),
        ),
    ]
