"""When an organization's week of priorities is looked at next."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenancy', '0004_requires_second_factor'),
    ]

    operations = [
        migrations.AddField(
            model_name='organization',
            name='priorities_due_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name='organization',
            index=models.Index(fields=['priorities_due_at'], name='organization_priorities_due'),
        ),
    ]
