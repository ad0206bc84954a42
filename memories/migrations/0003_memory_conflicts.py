from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("memories", "0002_fences_of_memories")]

    operations = [
        migrations.AddField("memory", "conflicts", models.JSONField(blank=True, default=list)),
        migrations.AddField("memory", "conflicts_because", models.CharField(blank=True, max_length=400)),
        migrations.AddField("memory", "compared_version", models.PositiveIntegerField(blank=True, null=True)),
    ]
