"""Answers that people give on a code host."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('triage', '0007_why_no_second_vote'),
    ]

    operations = [
        migrations.AddField(
            model_name='feedback',
            name='account',
            field=models.CharField(blank=True, default='', max_length=200),
            preserve_default=False,
        ),
    ]
