"""When people were told of a week's tasks, and how many findings a task has."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('triage', '0010_fences_of_priorities_and_audits'),
    ]

    operations = [
        migrations.AddField(
            model_name='prioritytask',
            name='count',
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='priorityweek',
            name='told_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
