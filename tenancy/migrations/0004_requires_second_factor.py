"""Whether an organization asks its people for a second factor."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenancy', '0003_directory_rights'),
    ]

    operations = [
        migrations.AddField(
            model_name='organization',
            name='requires_second_factor',
            field=models.BooleanField(default=False),
        ),
    ]
