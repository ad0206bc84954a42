"""Answers that tokens give for somebody."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('triage', '0004_code_removed_at'),
    ]

    operations = [
        migrations.AddField(
            model_name='feedback',
            name='token_name',
            field=models.CharField(blank=True, max_length=100),
        ),
    ]
