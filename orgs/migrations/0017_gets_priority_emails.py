"""Whether an Admin gets the weekly priority e-mails."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orgs', '0016_replies_and_footer'),
    ]

    operations = [
        migrations.AddField(
            model_name='membership',
            name='gets_priority_emails',
            field=models.BooleanField(default=True),
        ),
    ]
